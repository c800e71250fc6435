//! A real RabbitMQ: sequences on it, and what its operator does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use adapters::{
    broker::RabbitMq,
    journal::Journal,
    runtime::{Epoch, TokioEngine, wall_clock_ns},
};
use containers::{Alone, Images, Limits, Setup};
use faults::Resource;
use lapin::{
    Connection, ConnectionProperties,
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use simulated::DRIVER;
use world::{Boxed, Runtime, broker::BrokerError};

use crate::{
    gate,
    suite::broker::{
        names::Names,
        operator::{Down, Laid, Operator},
        play::{Client, Ground, Played, play},
        sequence::Sequence,
        shown,
    },
};

/// A real RabbitMQ: the way to it, and a second one for looking and for tidying up.
pub(super) struct Real {
    pub(super) client: Client,
    operator: Connection,
    /// How many sequences it has played.
    plays: AtomicUsize,
}

impl Real {
    /// A client of a RabbitMQ that is up.
    pub(super) async fn new(alone: &Alone) -> Self {
        let url = alone.url().await.expect("it is up");
        let operator = Connection::connect(&url, ConnectionProperties::default()).await.expect("it is up");
        Self { client: alone.client().await, operator, plays: AtomicUsize::new(0) }
    }

    /// Plays a sequence under a name that nobody else has, and removes what it has made.
    pub(super) async fn play(&self, name: &str, sequence: &Sequence, expected: &Played) -> Result<Played, String> {
        let channel = self.operator.create_channel().await.expect("the operator's connection is open");
        let ground = Watch { rt: self.client.rt.clone(), channel };
        let names = Names::new(&format!("{name}-{}", self.plays.fetch_add(1, Relaxed)));
        let played = play(&self.client, &ground, &names, sequence, Some(expected)).await;
        for (_, queue) in names.queues(sequence) {
            drop(ground.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await);
        }
        for exchange in [&names.inlet, &names.strays, &names.dead_letters] {
            drop(ground.channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await);
        }
        played
    }
}

/// Looks at the real broker while a sequence is played.
struct Watch {
    rt: Runtime,
    channel: lapin::Channel,
}

/// How often it looks.
const LOOK: Duration = Duration::from_millis(2);
/// How long it waits for what is to come.
const PATIENCE: Duration = Duration::from_secs(10);

impl Watch {
    async fn looked(&self, queue: &str) -> lapin::Queue {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let there = self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        there.unwrap_or_else(|error| panic!("{queue}: {error}"))
    }
}

impl Ground for Watch {
    fn patience(&self, expected: bool) -> Duration {
        // What is not expected and comes all the same is there at the next look, or at the end.
        if expected { PATIENCE } else { Duration::from_millis(20) }
    }

    fn ready<'a>(&'a self, queue: &'a str, expected: Option<usize>) -> Boxed<'a, usize> {
        Box::pin(async move {
            let until = self.rt.now() + PATIENCE;
            loop {
                let ready = self.looked(queue).await.message_count() as usize;
                if expected.is_none_or(|expected| ready == expected) || self.rt.now() > until {
                    return ready;
                }
                self.rt.sleep(LOOK).await;
            }
        })
    }

    fn has_consumers<'a>(&'a self, queue: &'a str, consumers: usize) -> Boxed<'a, Result<(), BrokerError>> {
        Box::pin(async move {
            let until = self.rt.now() + PATIENCE;
            while self.looked(queue).await.consumer_count() as usize != consumers {
                if self.rt.now() > until {
                    return Err(BrokerError::Timeout);
                }
                self.rt.sleep(LOOK).await;
            }
            Ok(())
        })
    }
}

/// A real RabbitMQ of its own.
pub(super) async fn alone(setup: Setup) -> Alone {
    let started = Alone::start(&Images::from_environment(gate::variable), setup, Limits::default()).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// Gives `rabbitmqctl` an order.
async fn done(alone: &Alone, order: &[&str]) {
    let said = alone.ctl(order).await.unwrap();
    assert!(!said.contains("rror"), "{order:?}: {said}");
}

impl Operator for Alone {
    fn client(&self) -> Boxed<'_, Client> {
        Box::pin(async {
            // lapin has room for 32 of the largest frames, both ways, for each connection: it need not be 8 MiB.
            let url = self.url().await.expect("it is up") + "&frame_max=8192";
            let engine = TokioEngine::new(tokio::runtime::Handle::current(), 1, Epoch::at(wall_clock_ns()));
            let rt = Runtime::new(engine, DRIVER);
            let broker = Arc::new(RabbitMq::new(rt.clone(), url, "x-event-id", Journal::none(rt.clone())));
            Client { rt, broker }
        })
    }

    fn restart(&self, how: Down) -> Boxed<'_, ()> {
        Box::pin(async move {
            match how {
                Down::Killed => self.kill().await.unwrap(),
                Down::Stopped => self.stop().await.unwrap(),
            }
            self.start_again().await.unwrap();
        })
    }

    fn alarm(&self, resource: Resource, on: bool) -> Boxed<'_, ()> {
        Box::pin(async move {
            self.alarm(resource, on).await.unwrap();
        })
    }

    fn policy<'a>(&'a self, queue: &'a str, policy: Option<Laid>) -> Boxed<'a, ()> {
        Box::pin(async move {
            let Some(Laid { message_ttl, max_length }) = policy else { return done(self, &["clear_policy", queue]).await };
            let ttl = message_ttl.map(|ttl| format!("\"message-ttl\":{}", ttl.as_millis()));
            let length = max_length.map(|length| format!("\"max-length\":{length}"));
            let definition: Vec<String> = ttl.into_iter().chain(length).collect();
            let definition = format!("{{{}}}", definition.join(","));
            done(self, &["set_policy", "--apply-to", "queues", queue, &format!("^{queue}$"), &definition]).await;
        })
    }

    fn purge<'a>(&'a self, queue: &'a str) -> Boxed<'a, ()> {
        Box::pin(async move { done(self, &["purge_queue", queue]).await })
    }
}

/// What a broker that nobody else uses shows of itself.
pub(super) async fn shows(alone: &Alone) {
    let client = alone.client().await;
    let watch = alone.watch(&client.rt).await.unwrap();
    shown::play(&client).await;
    let seen = watch.end();
    alone.ctl(&["trace_off"]).await.unwrap();
    shown::check(&seen.scrapes, &seen.passages);
}
