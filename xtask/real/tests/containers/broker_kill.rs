//! The broker is killed, and restarted gracefully, with a backlog: what is lost is known by name.

use std::time::Duration;

use containers::Config;
use contracts::Status;
use faults::{Effect, Fault, Kind, Nemesis as _, What};
use real::{Assembly, assembly};

use crate::{gate, journey};

const SLOW: &str = r#"
    title = "A backlog behind a long price calculation"
    seed = 7
    duration = "1m"
    architecture = { preset = "as-is" }
    [[load]]
    actor = "api-user"
    executor = "constant-arrival-rate"
    rate = "60/h"
    [pricing]
    mean = "4s"
    max = "6s"
"#;
/// Orders in the backlog.
const ORDERS: usize = 6;

#[test]
fn a_killed_broker_loses_a_backlog_and_a_stopped_one_does_not() {
    if gate::containers() {
        gate::block_on(async {
            let scenario = gate::scenario(SLOW);
            // The scenario knows nothing of the faults that come.
            let config = Config { breaks_broker: true, ..assembly::config(&scenario, gate::place()).unwrap() };
            let assembly = Assembly::start(config, &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
            let lost = lost_under(&assembly, faults::BROKER_KILL.plain()).await;
            assert!((1..ORDERS).contains(&lost.len()), "of {ORDERS}: {lost:?}");
            assert_eq!(lost_under(&assembly, faults::BROKER_RESTART.plain()).await, []);
            assembly.end().await.unwrap();
        });
    }
}

/// Sends orders, breaks the broker while they wait, heals it, and gives the lost messages that the fault is charged with.
async fn lost_under(assembly: &Assembly, kind: Kind) -> Vec<Effect> {
    let world = assembly.stage().world;
    let fault = Fault { name: format!("{}@1", kind.name()), kind, at: Duration::ZERO, lasts: Duration::from_secs(2) };
    for n in 0..ORDERS {
        journey::submit(&world, "shop-api", &format!("{}-{n}", fault.name)).await;
    }
    let (nemesis, messages) = (assembly.stack().nemesis(), assembly.stack().messages());
    let waiting = async {
        while faults::MessageLog::depth(&*messages).await < 4 {
            world.rt.sleep(Duration::from_millis(20)).await;
        }
    };
    world.rt.timeout(Duration::from_secs(10), waiting).await.unwrap();
    nemesis.inflict(&fault).await.unwrap();
    world.rt.sleep(fault.lasts).await;
    nemesis.lift(&fault).await.unwrap();

    // The services find their way back. As built, each publisher drops the message that meets its broken connection: the
    // first order is that of crm-api, the second one's price that of mes-api.
    let mut late = String::new();
    for n in 0..4 {
        late = journey::submit(&world, "shop-api", &format!("{}-late-{n}", fault.name)).await;
        world.rt.sleep(Duration::from_secs(2)).await;
    }
    journey::listed(&world, "crm", &late, Status::PriceCalculated).await;
    let at_rest = async {
        while faults::MessageLog::depth(&*messages).await > 0 {
            world.rt.sleep(Duration::from_millis(200)).await;
        }
        world.rt.sleep(Duration::from_millis(1500)).await;
    };
    world.rt.timeout(Duration::from_secs(60), at_rest).await.unwrap();
    let effects = nemesis.effects().await;
    let own = effects.iter().filter(|effect| effect.fault == fault.name);
    assert!(own.clone().any(|effect| matches!(effect.what, What::ConnectionLost { .. })), "{effects:?}");
    own.filter(|effect| matches!(effect.what, What::MessageLost { .. }) && effect.order_id.is_some()).cloned().collect()
}
