//! Services are asked to end in the middle of their work: no message and no span is lost.

use std::{collections::BTreeSet, process::Command, time::Duration};

use adapters::journal::Entry;
use contracts::{Status, services};
use faults::{End, MessageLog as _};
use real::{Assembly, assembly};

use crate::{gate, journey};

/// As built: messages are acknowledged before the work, nothing is confirmed, and one consumer calculates.
const BUSY: &str = r#"
    title = "A backlog behind price calculations"
    seed = 7
    duration = "1m"
    architecture = { preset = "as-is" }
    [[load]]
    actor = "customer"
    executor = "constant-arrival-rate"
    rate = "60/h"
    [pricing]
    mean = "2s"
    max = "3s"
"#;
/// Orders in the backlog.
const ORDERS: usize = 5;
/// Those that have something in hand.
const STOPPED: [&str; 3] = [services::MES_API, services::CRM_API, services::SHOP_API];

#[test]
fn services_that_are_asked_to_end_lose_no_message_and_no_span() {
    if gate::containers() {
        gate::block_on(async {
            let scenario = gate::scenario(BUSY);
            let config = assembly::config(&scenario, gate::place()).unwrap();
            let assembly = Assembly::start(config, &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
            let world = assembly.stage().world;
            let mut orders = Vec::new();
            for n in 0..ORDERS {
                orders.push(journey::submit(&world, services::INTERNET_SHOP, &format!("c-{n}")).await);
            }
            world.rt.sleep(Duration::from_millis(1500)).await;
            for service in STOPPED {
                assert_eq!(ended(&assembly, service), 0, "{service}");
            }
            nothing_is_lost(&assembly).await;
            for service in STOPPED {
                docker(&["start", &container(&assembly, service)]);
            }
            for id in &orders {
                journey::listed(&world, services::CRM, id, Status::PriceCalculated).await;
            }
            every_span_was_exported(&assembly).await;
            assembly.end().await.unwrap();
        });
        assert_eq!(gate::leftovers(), [""; 0]);
    }
}

fn container(assembly: &Assembly, service: &str) -> String {
    format!("loupe-{}-{service}", assembly.stack().run())
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Asks a service to end, waits for it, and gives its code.
fn ended(assembly: &Assembly, service: &str) -> i32 {
    let container = container(assembly, service);
    docker(&["kill", "--signal", "TERM", &container]);
    docker(&["wait", &container]).parse().unwrap()
}

/// Each order's submission was taken in and worked off, or is in its queue.
async fn nothing_is_lost(assembly: &Assembly) {
    let messages = assembly.stack().messages();
    let (fates, _) = messages.account().await.unwrap_or_else(|error| panic!("{error}"));
    let count = |key: &str, end| fates.iter().filter(|fate| fate.routing_key == *key && fate.end == end).count();
    let (done, waiting) = (count("order.submitted", End::Acked), count("order.submitted", End::Ready));
    assert_eq!(done + waiting, ORDERS, "{fates:#?}");
    assert!(done > 0 && waiting > 0, "it was not in the middle of its work: {done} done, {waiting} waiting");
    let prices: Vec<_> = fates.iter().filter(|fate| fate.routing_key == "order.price_calculated").collect();
    assert_eq!(prices.len(), done, "what was acknowledged was calculated and announced: {fates:#?}");
    let ready = fates.iter().filter(|fate| fate.end == End::Ready).count() as u64;
    assert_eq!(messages.depth().await, ready, "{fates:#?}");
}

/// What each process said that ended is what its journal says, and no order is left untold.
async fn every_span_was_exported(assembly: &Assembly) {
    let lines = assembly.stack().messages().lines().await.unwrap_or_else(|error| panic!("{error}"));
    let spans = assembly.testimony().await.spans;
    for service in STOPPED {
        let node = format!("{service}-1.1");
        let (mut untold, mut count) = (BTreeSet::new(), 0);
        for line in lines.iter().filter(|line| line.node == node) {
            match &line.entry {
                Entry::Untold { order } => drop(untold.insert(order)),
                Entry::Spans { ended, told } => {
                    count = *ended;
                    untold.retain(|order| !told.contains(order));
                }
                Entry::ConnectionLost { cause } => panic!("{node} was cut off: {cause}"),
                _ => {}
            }
        }
        let found = spans.iter().filter(|span| *span.resource.instance == *node).count() as u64;
        assert!(count > 0 && untold.is_empty(), "{node}: {untold:?}");
        assert_eq!(found, count, "{node}");
    }
}
