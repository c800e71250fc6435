//! All ports of a simulated world.

use simulated::{Config, DRIVER, Pumped, Simulation, StoreSettings};
use world::World;

use crate::suite;

/// Runs what is to be run on a world of its own.
pub(crate) fn run<F: Future<Output = ()> + Send + 'static>(promises: impl FnOnce(World) -> F) {
    let store = StoreSettings { connections: suite::store::CONNECTIONS, ..StoreSettings::default() };
    let simulation = Simulation::new(&Config { store, ..Config::new(1) });
    let driven = simulation.drive(DRIVER, "promises", promises(simulation.world(DRIVER, "db")));
    assert_eq!(simulation.run_for_polls(50_000_000), Ok(Pumped::Done));
    driven.take().expect("all promises were tried");
}

#[test]
fn the_simulated_world_keeps_the_promises() {
    run(|world| async move { suite::promises(&world).await });
}
