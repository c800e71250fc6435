//! A small world to try the models in.

use std::time::Duration;

use simulated::{Config, DRIVER, Models, Pumped, Simulation};
use world::{
    World,
    broker::{BrokerError, Channel, Delivery, Exchange, Headers, Message, Publish, Queue, Sent, Settle, Topology},
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

pub(crate) async fn publish(channel: &dyn Channel, n: usize, confirm: bool) -> Result<Sent, BrokerError> {
    channel.publish(message(n), Publish { confirm, mandatory: false }).await
}

pub(crate) async fn settle(delivery: Delivery, how: Settle) -> Result<(), BrokerError> {
    delivery.settler.settle(how).await
}
