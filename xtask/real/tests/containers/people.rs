//! Goose plays the people: each look at a list, each approval, each start of work and each question is a request that it made and
//! counted.

use std::{collections::BTreeMap, sync::Arc};

use real::{Assembly, assembly};
use scenarios::{
    driver::{self, Progress},
    ledger::Ledger,
    scale,
};

use crate::gate;

const SHORT: &str = r#"
    title = "Ten minutes in ten seconds"
    seed = 7
    duration = "10m"
    architecture = { preset = "to-be" }
    [[load]]
    actor = "customer"
    executor = "constant-arrival-rate"
    rate = "120/h"
    [people]
    askers = 1.0
    [pricing]
    mean = "10s"
    max = "30s"
    [scale]
    machine = 60
    human = 400000
    unstudied = ["seller", "operator"]
"#;

/// How many requests the actors know of.
fn known(ledger: &Ledger, tags: &[&str]) -> u64 {
    tags.iter().map(|tag| ledger.requests.get(*tag).map_or(0, Vec::len) as u64).sum()
}

#[test]
fn people_are_users_of_goose_and_their_requests_are_its_own() {
    if !gate::containers() {
        return;
    }
    let scenario = scale::scaled(&gate::scenario(SHORT)).unwrap_or_else(|error| panic!("{error}"));
    let (ledger, counted) = gate::block_on(async {
        let place = gate::place();
        let app = place.app.clone();
        let config = assembly::config(&scenario, place).unwrap();
        let mut assembly = Assembly::start(config, &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
        assembly.bring_people(&scenario, &app).await.unwrap_or_else(|error| panic!("{error}"));
        let line = assembly.people().unwrap().line();
        let driven = driver::drive(assembly.stage(), Arc::new(scenario.clone()), Arc::new(Progress::default())).await;
        assembly.end().await.unwrap();
        (driven.unwrap_or_else(|error| panic!("{error}")), line.counted().cloned().unwrap())
    });
    assert!(ledger.orders.len() > 10 && ledger.unsettled.is_none(), "{:?}", ledger.unsettled);
    let orders = ledger.orders.len() as u64;
    let users = |name: &str| counted.users.get(name).copied().unwrap_or(0);
    assert_eq!((users("seller-desk"), users("operator-desk")), (1, 1));
    assert_eq!((users("seller"), users("operator")), (scenario.people.sellers.into(), scenario.people.operators.into()));
    assert_eq!(users("customer"), orders, "everybody asks");
    let by_route = BTreeMap::from([
        ("GET /orders".to_owned(), known(&ledger, &["http/seller/list", "http/operator/list"])),
        ("GET /orders/{id}".to_owned(), known(&ledger, &["http/customer/ask"])),
        // Of each order, and once more where there was no answer.
        ("POST /orders/{id}/approve".to_owned(), known(&ledger, &["http/seller/approve"])),
        ("POST /orders/{id}/start".to_owned(), known(&ledger, &["http/operator/start"])),
    ]);
    assert_eq!(counted.requests, by_route);
    let steps = by_route.iter().filter(|(route, _)| route.starts_with("POST"));
    assert!(steps.clone().count() == 2 && steps.clone().all(|(_, requests)| *requests >= orders), "{by_route:?}");
    assert!(by_route.values().all(|requests| *requests > 0), "{by_route:?}");
}
