//! The own executor and tokio's paused clock: in FIFO mode one trace.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, routing::post};
use bytes::Bytes;
use faults::MessageFate;
use http::Request;
use simulated::{BrokerSettings, Config, DRIVER, Models, Pick, Simulation, paused};
use world::{
    Node, World,
    broker::{Publish, Settle},
    record,
    store::{Direction, Expect, Isolation, Scan, Value},
};

use crate::{
    stage::{QUEUE, TOPOLOGY, message, ms, run, secs},
    store::{Purse, purse},
};

type Log = Arc<Mutex<Vec<String>>>;

fn note(world: &World, log: &Log, what: impl std::fmt::Display) {
    log.lock().unwrap().push(format!("{:?} {} {what}", world.rt.now(), world.rt.node()));
}

const MES: Node = Node::first("mes");
const SHOP: Node = Node::first("shop");

async fn price(State((world, log)): State<(World, Log)>, body: String) -> String {
    let takes = world.rt.random("price", &body).log_normal(secs(40), 1.0, secs(900));
    note(&world, &log, format_args!("prices {body} in {takes:?}"));
    world.rt.sleep(takes).await;
    body
}

/// Consumes, asks for a price, writes it down, answers; now and then too late.
async fn consume(world: World, log: Log) {
    loop {
        let channel = world.broker.connect().await.unwrap();
        channel.declare(&TOPOLOGY).await.unwrap();
        let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
        loop {
            let delivery = match consumer.next().await {
                Ok(delivery) => delivery,
                Err(error) => {
                    note(&world, &log, error);
                    break;
                }
            };
            let id = delivery.message.correlation_id.to_string();
            note(&world, &log, format_args!("got {id} {}", delivery.redelivered));
            if delivery.redelivered {
                note(&world, &log, format_args!("answered {id} {:?}", delivery.settler.settle(Settle::Reject).await));
                continue;
            }
            let answer = world.http.call("mes", Request::post("/price").body(Bytes::from(id.clone())).unwrap()).await;
            let mut tx = world.store.begin(Isolation::ReadCommitted).await.unwrap();
            let (mut row, version) = record::load::<Purse>(&mut *tx, &id).await.unwrap().unwrap();
            row.state = "priced".into();
            let written = record::update(&mut *tx, &row, Expect::Version(version)).await;
            let written = if written.is_ok() { tx.commit().await } else { written };
            note(&world, &log, format_args!("wrote {id} {:?} {written:?}", answer.map(|answer| answer.status())));
            note(&world, &log, format_args!("answered {id} {:?}", delivery.settler.settle(Settle::Ack).await));
        }
        world.rt.sleep(ms(500)).await;
    }
}

/// Finds new rows by a poll loop and publishes them.
async fn relay(world: World, log: Log) {
    let channel = world.broker.connect().await.unwrap();
    channel.declare(&TOPOLOGY).await.unwrap();
    loop {
        world.store.poll(<Purse as record::Record>::TABLE, &[(1, Value::text("open"))], secs(1)).await;
        let mut tx = world.store.begin(Isolation::ReadCommitted).await.unwrap();
        let scan = Scan {
            equals: vec![(1, Value::text("open"))],
            order_by: Some((2, Direction::Ascending)),
            claim: true,
            ..Scan::default()
        };
        let rows = record::scan::<Purse>(&mut *tx, scan).await.unwrap();
        for (mut row, _) in rows {
            let n: usize = row.id[2..].parse().unwrap();
            let sent = channel.publish(message(n), Publish { confirm: n.is_multiple_of(2), mandatory: false }).await;
            note(&world, &log, format_args!("sent {} {sent:?}", row.id));
            row.state = "sent".into();
            record::update(&mut *tx, &row, Expect::Any).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

async fn play(models: Models) -> (Vec<String>, Vec<MessageFate>) {
    let log = Log::default();
    let worlds: Vec<World> =
        [SHOP, MES, Node::first("api"), Node { instance: 2, ..Node::first("api") }].map(|node| models.world(node, "db")).into();
    let [shop, mes, ..] = &worlds[..] else { unreachable!() };
    shop.store.migrate(&[<Purse as record::Record>::TABLE]).await.unwrap();
    let router = Router::new().route("/price", post(price)).with_state((mes.clone(), Arc::clone(&log)));
    mes.http.serve(router).await.unwrap();
    drop(shop.rt.spawn("relay", relay(shop.clone(), Arc::clone(&log))));
    for api in &worlds[2..] {
        drop(api.rt.spawn("consume", consume(api.clone(), Arc::clone(&log))));
    }
    let mut writers = Vec::new();
    for n in 0..150 {
        let (shop, log) = (shop.clone(), Arc::clone(&log));
        writers.push(shop.rt.clone().spawn("order", async move {
            let wait = shop.rt.random("load", &n.to_string()).exponential(secs(600));
            // Many at the same instant: their order is what the engines must agree on.
            shop.rt.sleep(secs(wait.as_secs() / 20 * 20)).await;
            let mut tx = shop.store.begin(Isolation::ReadCommitted).await.unwrap();
            record::insert(&mut *tx, &purse(&format!("o-{n}"), "open", n % 7)).await.unwrap();
            tx.commit().await.unwrap();
            note(&shop, &log, format_args!("wrote {n}"));
        }));
    }
    for writer in writers {
        writer.join().await.unwrap();
    }
    while models.messages().depth().await > 0 {
        shop.rt.sleep(secs(60)).await;
    }
    let log = log.lock().unwrap().clone();
    (log, models.messages().fates().await)
}

#[test]
fn both_engines_give_the_same_trace_in_fifo_mode() {
    let broker = BrokerSettings { consumer_timeout: Some(secs(90)), channel_tick: secs(10), ..BrokerSettings::default() };
    for seed in 0..4 {
        let config = Config { pick: Pick::Fifo, broker, ..Config::new(seed) };
        let own = run(&Simulation::new(&config), |_, models| play(models));
        let oracle = paused::run(&config, DRIVER, "test", |models| play(models.clone())).unwrap();
        assert!(own.0.len() > 600 && own.0.iter().any(|line| line.contains("406")), "{} lines", own.0.len());
        for (nth, (own, oracle)) in own.0.iter().zip(&oracle.0).enumerate() {
            assert_eq!(own, oracle, "seed {seed}, line {nth}");
        }
        assert!(own == oracle, "seed {seed}: one log is longer, or the fates differ");
    }
}

#[test]
fn the_keyed_pick_explores_another_order_and_gives_it_again() {
    let keyed = |seed| run(&Simulation::new(&Config::new(seed)), |_, models| play(models)).0;
    let fifo = run(&Simulation::new(&Config { pick: Pick::Fifo, ..Config::new(1) }), |_, models| play(models)).0;
    let first = keyed(1);
    assert!(first == keyed(1), "the same seed");
    assert!(first != fifo);
    let sorted = |mut log: Vec<String>| {
        log.retain(|line| line.contains("wrote o-"));
        log.sort();
        log.len()
    };
    assert_eq!(sorted(first), sorted(fifo), "as much was done");
}
