//! Sequences on a real RabbitMQ.

use std::{sync::Arc, time::Duration};

use adapters::{
    broker::RabbitMq,
    journal::Journal,
    runtime::{Epoch, TokioEngine, wall_clock_ns},
};
use containers::Alone;
use lapin::{
    Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use simulated::DRIVER;
use world::{Boxed, Runtime, broker::BrokerError};

use super::{
    play::{Client, Ground, Names, Played, play},
    sequence::Sequence,
};

/// A real RabbitMQ: the way to it, and a second one for looking and for tidying up.
pub(super) struct Real {
    pub(super) client: Client,
    operator: Connection,
}

impl Real {
    /// A client of a RabbitMQ that is up.
    pub(super) async fn new(alone: &Alone) -> Self {
        let url = alone.url().await.expect("it is up");
        let engine = TokioEngine::new(tokio::runtime::Handle::current(), 1, Epoch::at(wall_clock_ns()));
        let rt = Runtime::new(engine, DRIVER);
        let broker = Arc::new(RabbitMq::new(rt.clone(), &url, "x-event-id", Journal::none(rt.clone())));
        let operator = Connection::connect(&url, ConnectionProperties::default()).await.expect("it is up");
        Self { client: Client { rt, broker }, operator }
    }

    /// Plays a sequence under a name of its own, and removes what it has made.
    pub(super) async fn play(&self, name: &str, sequence: &Sequence, expected: &Played) -> Result<Played, BrokerError> {
        let channel = self.operator.create_channel().await.expect("the operator's connection is open");
        let ground = Watch { rt: self.client.rt.clone(), channel };
        let names = Names::new(name);
        let played = play(&self.client, &ground, &names, sequence, Some(&expected.seen)).await;
        for queue in names.queues() {
            drop(ground.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await);
        }
        for exchange in names.exchanges() {
            drop(ground.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await);
        }
        played
    }
}

/// Looks at the real broker while a sequence is played.
struct Watch {
    rt: Runtime,
    channel: lapin::Channel,
}

impl Ground for Watch {
    fn patience(&self, expected: bool) -> Duration {
        // What is not expected and comes all the same is there at the next look, or at the end.
        if expected { Duration::from_secs(10) } else { Duration::from_millis(20) }
    }

    fn has_consumers<'a>(&'a self, queue: &'a str, consumers: usize) -> Boxed<'a, ()> {
        Box::pin(async move {
            loop {
                let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
                let there = self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
                match there {
                    Ok(queue) if queue.consumer_count() as usize == consumers => return,
                    Ok(_) => self.rt.sleep(Duration::from_millis(2)).await,
                    Err(error) => panic!("{queue}: {error}"),
                }
            }
        })
    }
}
