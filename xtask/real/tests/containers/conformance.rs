//! Both worlds keep the same promises of the broker's, the database's and the object store's port.

mod broker;
mod files;
mod store;

use std::sync::Arc;

use adapters::{
    broker::RabbitMq,
    http::Sockets,
    journal::Journal,
    runtime::{Epoch, TokioEngine, wall_clock_ns},
    store::Postgres,
};
use containers::{Config, Images, Limits, Rabbit, Stack};
use simulated::{DRIVER, Pumped, Simulation};
use world::{Runtime, Telemetry, World};

use crate::gate;

/// Every promise, one after another.
async fn promises(world: World) {
    broker::promises(&world).await;
    store::promises(&world).await;
    files::promises(&world).await;
}

#[test]
fn the_simulated_world_keeps_the_promises() {
    let simulation = Simulation::new(&simulated::Config::new(1));
    let driven = simulation.drive(DRIVER, "promises", promises(simulation.world(DRIVER, "db")));
    assert_eq!(simulation.run_for_polls(50_000_000), Ok(Pumped::Done));
    driven.take().expect("all promises were tried");
}

#[test]
fn the_containers_world_keeps_the_promises() {
    if gate::containers() {
        gate::block_on(async {
            let stack = Stack::start(config(), &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
            let world = world(&stack).await;
            promises(world).await;
            stack.end().await.unwrap();
        });
    }
}

fn config() -> Config {
    Config {
        images: Images::from_environment(gate::variable),
        app: std::path::PathBuf::new(),
        seed: 1,
        roles: Vec::new(),
        databases: vec!["shop".into()],
        rabbit: Rabbit::default(),
        queue_of: [].into(),
        max_traces: 10,
        limits: Limits::default(),
        open: gate::standing(),
        breaks_broker: false,
    }
}

async fn world(stack: &Stack) -> World {
    let engine = TokioEngine::new(tokio::runtime::Handle::current(), 1, Epoch::at(wall_clock_ns()));
    let rt = Runtime::new(engine, DRIVER);
    let url = stack.database("shop").await.unwrap().unwrap();
    World {
        broker: Arc::new(RabbitMq::new(rt.clone(), stack.broker().await.unwrap(), "x-event-id", Journal::none(rt.clone()))),
        store: Arc::new(Postgres::new(rt.clone(), &url, 4).unwrap()),
        files: Arc::new(stack.files().await.unwrap()),
        http: Arc::new(
            Sockets::new(rt.clone(), None, std::collections::BTreeMap::new(), std::time::Duration::from_secs(1)).unwrap(),
        ),
        telemetry: Telemetry::new(rt.clone(), None, false),
        rt,
    }
}
