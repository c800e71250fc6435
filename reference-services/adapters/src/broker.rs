//! RabbitMQ through lapin, without its automatic recovery: an outage shows in the service that meets it.
//!
//! Each [`Channel`] is a connection of its own. What is published, delivered and settled is told to the [`Journal`].

mod consumer;
mod declare;
mod failure;
mod properties;

use std::{sync::Arc, time::Duration};

use faults::Outcome;
use futures_util::StreamExt as _;
use lapin::{
    Confirmation, Connection, ConnectionProperties, Event,
    options::{BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions},
    types::FieldTable,
};
use tokio::sync::OnceCell;
use world::{
    Boxed, Runtime,
    broker::{Broker, BrokerError, Channel, Consumer, Message, Publish, Sent, Topology},
};

use self::{consumer::Subscription, failure::Failure};
use crate::{
    failpoints::{Failpoints, OnItsWay},
    journal::{Entry, Journal},
};

/// How long a connection may take to come about, and any call but a confirm to be answered.
const ANSWER: Duration = Duration::from_secs(10);
/// AMQP's reply code for a close that nothing went wrong before.
const REPLY_SUCCESS: u16 = 200;
/// How long a publisher waits for a confirm when its service sets no limit of its own.
const CONFIRM: Duration = Duration::from_secs(60);

/// The way to a RabbitMQ.
pub struct RabbitMq {
    rt: Runtime,
    url: String,
    /// The header that names an event over all attempts to publish it.
    event_id_header: &'static str,
    journal: Journal,
    failpoints: Failpoints,
}

impl RabbitMq {
    /// The broker at `url` (`amqp://user:password@host:port/%2f?heartbeat=5`).
    #[must_use]
    pub fn new(rt: Runtime, url: impl Into<String>, event_id_header: &'static str, journal: Journal) -> Self {
        Self { failpoints: Failpoints::none(rt.clone()), rt, url: url.into(), event_id_header, journal }
    }

    /// The same in a process that is let fail.
    #[must_use]
    pub fn failing(self, failpoints: Failpoints) -> Self {
        Self { failpoints, ..self }
    }

    async fn open(&self) -> Result<Arc<dyn Channel>, BrokerError> {
        let unreachable = |error: lapin::Error| BrokerError::Unreachable(error.to_string());
        let properties = ConnectionProperties::default().with_connection_name(self.rt.node().to_string().into());
        let opening = async {
            let connection = Connection::connect(&self.url, properties).await?;
            let channel = connection.create_channel().await?;
            Ok((connection, channel))
        };
        let opened = self.rt.timeout(ANSWER, opening).await.map_err(|_| BrokerError::Unreachable("no answer in time".into()))?;
        let (connection, channel) = opened.map_err(unreachable)?;
        let failure = Failure::default();
        self.watch(&connection, failure.clone());
        Ok(Arc::new(Open {
            rt: self.rt.clone(),
            link: Arc::new(Link { channel, connection, failure }),
            confirming: OnceCell::new(),
            event_id_header: self.event_id_header,
            journal: self.journal.clone(),
            failpoints: self.failpoints.clone(),
        }))
    }

    /// Tells the journal when the connection ends without having been asked to; the listener ends with the connection.
    fn watch(&self, connection: &Connection, failure: Failure) {
        let mut events = Box::pin(connection.events_listener());
        let journal = self.journal.clone();
        drop(self.rt.spawn("connection", async move {
            while let Some(event) = events.next().await {
                if let Event::Error(error) = event {
                    let cause = failure.of(&error).error_type().into_owned();
                    journal.write(Entry::ConnectionLost { cause });
                    return;
                }
            }
        }));
    }
}

impl Broker for RabbitMq {
    fn connect(&self) -> Boxed<'_, Result<Arc<dyn Channel>, BrokerError>> {
        Box::pin(self.open())
    }
}

/// The AMQP channel and the connection it lives on. Consumers keep it, so that it outlives the service's handle.
struct Link {
    channel: lapin::Channel,
    /// Closes when it is dropped.
    connection: Connection,
    failure: Failure,
}

/// An open channel.
struct Open {
    rt: Runtime,
    link: Arc<Link>,
    /// Set once the broker confirms what is published here; it cannot be told to stop.
    confirming: OnceCell<()>,
    event_id_header: &'static str,
    journal: Journal,
    failpoints: Failpoints,
}

impl Open {
    /// Gives a call its limited time and its errors their meaning.
    async fn answer<T>(&self, limit: Duration, call: impl Future<Output = lapin::Result<T>>) -> Result<T, BrokerError> {
        match self.rt.timeout(limit, call).await {
            Ok(answer) => answer.map_err(|error| self.link.failure.of(&error)),
            Err(_) => Err(BrokerError::Timeout),
        }
    }

    async fn send(&self, message: &Message, options: Publish) -> Result<Sent, BrokerError> {
        let channel = &self.link.channel;
        if options.confirm {
            let select = self.answer(ANSWER, channel.confirm_select(ConfirmSelectOptions::default()));
            self.confirming.get_or_try_init(|| select).await?;
        }
        let written = channel.basic_publish(
            message.exchange.as_ref().into(),
            message.routing_key.as_ref().into(),
            BasicPublishOptions { mandatory: options.mandatory, immediate: false },
            &message.body,
            properties::of(message),
        );
        let confirm = self.answer(ANSWER, written).await?;
        if !options.confirm {
            return Ok(Sent::Written);
        }
        match self.answer(CONFIRM, confirm).await? {
            Confirmation::Ack(Some(_)) => Ok(Sent::Returned),
            Confirmation::Ack(None) => Ok(Sent::Confirmed),
            Confirmation::Nack(_) => Err(BrokerError::Nacked),
            Confirmation::NotRequested => Ok(Sent::Written),
        }
    }
}

/// A message as failpoints know it.
fn on_its_way<'a>(message: &'a Message, event_id_header: &str) -> OnItsWay<'a> {
    OnItsWay {
        key: &message.routing_key,
        event_id: message.headers.get(event_id_header).unwrap_or(&message.message_id),
        order_id: &message.correlation_id,
        message_id: &message.message_id,
    }
}

/// A publish that has begun: its end is told to the journal also when the service stops waiting for it.
struct Begun<'a> {
    journal: &'a Journal,
    message_id: String,
    outcome: Outcome,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let message_id = std::mem::take(&mut self.message_id);
        self.journal.write(Entry::Published { message_id, outcome: self.outcome });
    }
}

impl Channel for Open {
    fn declare<'a>(&'a self, topology: &'a Topology<'a>) -> Boxed<'a, Result<(), BrokerError>> {
        Box::pin(self.declare(topology))
    }

    fn blocked(&self) -> bool {
        self.link.connection.status().blocked()
    }

    fn publish(&self, message: Message, options: Publish) -> Boxed<'_, Result<Sent, BrokerError>> {
        Box::pin(async move {
            self.journal.write(Entry::Publish {
                message_id: message.message_id.to_string(),
                event_id: message.headers.get(self.event_id_header).unwrap_or_default().to_owned(),
                order_id: message.correlation_id.to_string(),
                routing_key: message.routing_key.clone().into_owned(),
            });
            self.failpoints.before_publish(&on_its_way(&message, self.event_id_header));
            let mut begun =
                Begun { journal: &self.journal, message_id: message.message_id.to_string(), outcome: Outcome::Failed };
            let sent = self.send(&message, options).await;
            begun.outcome = match sent {
                Ok(Sent::Written) => Outcome::Written,
                Ok(Sent::Confirmed) => Outcome::Confirmed,
                Ok(Sent::Returned) => Outcome::Returned,
                Err(_) => Outcome::Failed,
            };
            drop(begun);
            sent
        })
    }

    fn consume<'a>(&'a self, queue: &'a str, prefetch: u16) -> Boxed<'a, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let channel = &self.link.channel;
            self.answer(ANSWER, channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            let consumer = self.answer(ANSWER, channel.basic_consume(queue.into(), "".into(), options, arguments)).await?;
            let failpoints = (self.failpoints.clone(), self.event_id_header);
            let journal = self.journal.clone();
            let subscription = Subscription::new(self.rt.clone(), Arc::clone(&self.link), (consumer, queue), journal, failpoints);
            let consumer: Box<dyn Consumer> = Box::new(subscription);
            Ok(consumer)
        })
    }

    /// AMQP's own farewell: the broker answers it after all that was written before.
    fn close(&self) -> Boxed<'_, ()> {
        Box::pin(async move {
            // One that is broken already has nothing left to close.
            drop(self.answer(ANSWER, self.link.connection.close(REPLY_SUCCESS, "closed".into())).await);
        })
    }
}
