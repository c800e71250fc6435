//! The real parts keep the promises that the models keep (`chaos/simulated/tests/conformance`).

mod broker;

use std::{sync::Arc, time::Duration};

use adapters::{
    broker::RabbitMq,
    http::{Calls, Sockets},
    journal::Journal,
    runtime::{Epoch, TokioEngine, wall_clock_ns},
    store::Postgres,
};
use containers::{Config, Images, Limits, Rabbit, Stack};
use simulated::DRIVER;
use world::{Runtime, Telemetry, World};

use crate::{gate, suite};

#[test]
fn the_containers_world_keeps_the_promises() {
    if gate::containers() {
        gate::block_on(async {
            let stack = Stack::start(config(), &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
            let world = world(&stack).await;
            suite::promises(&world).await;
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
        parking: Vec::new(),
        max_traces: 10,
        limits: Limits::default(),
        open: gate::standing(),
        breaks_broker: false,
        proxy: None,
        event_header: "x-event-id".into(),
        environment: "test".into(),
        slow_statement: Duration::from_secs(1),
    }
}

async fn world(stack: &Stack) -> World {
    let engine = TokioEngine::new(tokio::runtime::Handle::current(), 1, Epoch::at(wall_clock_ns()));
    let rt = Runtime::new(engine, DRIVER);
    let url = stack.database("shop").await.unwrap().unwrap();
    World {
        broker: Arc::new(RabbitMq::new(rt.clone(), stack.broker().await.unwrap(), "x-event-id", Journal::none(rt.clone()))),
        store: Arc::new(Postgres::new(rt.clone(), &url, suite::store::CONNECTIONS).unwrap()),
        files: Arc::new(stack.files().await.unwrap()),
        http: Arc::new(
            Sockets::new(
                rt.clone(),
                None,
                std::collections::BTreeMap::new(),
                Calls { limit: std::time::Duration::from_secs(1), keep_alive: true },
            )
            .unwrap(),
        ),
        telemetry: Telemetry::new(rt.clone(), None, false),
        rt,
    }
}
