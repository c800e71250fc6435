//! A small world to try the models in.

use std::{sync::Arc, time::Duration};

use simulated::{Config, DRIVER, Models, Pumped, Simulation};
use world::{
    World,
    broker::{
        Arguments, BrokerError, Channel, Consumer, Delivery, Exchange, ExchangeKind, Headers, Message, Publish, Queue, Sent,
        Settle, Topology,
    },
};

pub(crate) const QUEUE: &str = "work";
pub(crate) const TOPOLOGY: Topology<'static> = Topology {
    exchanges: &[Exchange::topic("orders")],
    queues: &[Queue::classic(QUEUE), Queue::classic("other")],
    bindings: &[("orders", "order.work", QUEUE)],
};

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn message(n: usize) -> Message {
    let mut headers = Headers::default();
    headers.set("x-event-id", format!("e-{n}"));
    Message {
        exchange: "orders".into(),
        routing_key: "order.work".into(),
        message_id: format!("m-{n}").into(),
        correlation_id: format!("o-{n}").into(),
        timestamp_s: 0,
        persistent: true,
        expiration: None,
        priority: None,
        headers,
        deaths: Vec::new(),
        body: "{}".into(),
    }
}

/// Runs what `make` makes of the world's driver node, to its end.
pub(crate) fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    simulation: &Simulation,
    make: impl FnOnce(World, Models) -> F,
) -> T {
    let models = Models::clone(simulation);
    let driven = simulation.drive(DRIVER, "test", make(simulation.world(DRIVER, "db"), models));
    assert_eq!(simulation.run_for_polls(50_000_000), Ok(Pumped::Done));
    driven.take().unwrap()
}

/// A fresh world for one run.
pub(crate) fn run_new<T: Send + 'static, F: Future<Output = T> + Send + 'static>(make: impl FnOnce(World, Models) -> F) -> T {
    run(&Simulation::new(&Config::new(1)), make)
}

pub(crate) async fn channel(world: &World) -> std::sync::Arc<dyn Channel> {
    let channel = world.broker.connect().await.unwrap();
    channel.declare(&TOPOLOGY).await.unwrap();
    channel
}

/// What the queue [`QUEUE`] gives up goes to this one, where [`declared`] says so.
pub(crate) const DEAD: &str = "dead";
/// Bound to [`DEAD`], whatever the key.
pub(crate) const DLX: &str = "dlx";

/// Where a queue's dead letters go to [`DEAD`].
pub(crate) const TO_DEAD: Arguments<'static> = Arguments { dead_letter_exchange: Some(DLX), ..Arguments::NONE };

/// A channel, with a queue of these rules in the place of [`QUEUE`].
pub(crate) async fn declared(world: &World, queue: Queue<'_>) -> Arc<dyn Channel> {
    let channel = world.broker.connect().await.unwrap();
    let exchanges = [Exchange::topic("orders"), Exchange { kind: ExchangeKind::Fanout, ..Exchange::topic(DLX) }];
    let queues = [queue, Queue::classic(DEAD)];
    let bindings = [("orders", "order.work", QUEUE), (DLX, "", DEAD)];
    channel.declare(&Topology { exchanges: &exchanges, queues: &queues, bindings: &bindings }).await.unwrap();
    channel
}

/// Publishes messages with these numbers and waits for their confirms.
pub(crate) async fn publish_all(channel: &dyn Channel, numbers: impl IntoIterator<Item = usize>) {
    for n in numbers {
        assert_eq!(publish(channel, n, true).await, Ok(Sent::Confirmed));
    }
}

/// Everything that is in a queue, in the order in which it comes; it stays out.
pub(crate) async fn drain(world: &World, queue: &str) -> Vec<Delivery> {
    let channel = world.broker.connect().await.unwrap();
    let mut consumer = channel.consume(queue, 0).await.unwrap();
    let mut drained = Vec::new();
    while let Ok(delivery) = world.rt.timeout(ms(100), consumer.next()).await {
        drained.push(delivery.unwrap());
    }
    drained
}

/// The numbers of messages.
pub(crate) fn numbers(deliveries: &[Delivery]) -> Vec<usize> {
    deliveries.iter().map(|delivery| delivery.message.message_id[2..].parse().unwrap()).collect()
}

/// The next delivery, or none within a tenth of a second.
pub(crate) async fn soon(world: &World, consumer: &mut Box<dyn Consumer>) -> Option<Delivery> {
    world.rt.timeout(ms(100), consumer.next()).await.ok().map(Result::unwrap)
}

pub(crate) async fn publish(channel: &dyn Channel, n: usize, confirm: bool) -> Result<Sent, BrokerError> {
    channel.publish(message(n), Publish { confirm, mandatory: false }).await
}

pub(crate) async fn settle(delivery: Delivery, how: Settle) -> Result<(), BrokerError> {
    delivery.settler.settle(how).await
}
