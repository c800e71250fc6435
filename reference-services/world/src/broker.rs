//! AMQP 0-9-1 as a service sees it: connect, declare, publish, consume, settle.
//!
//! A [`Channel`] is one connection with one channel. When it breaks, every call on it fails and its consumers end; the
//! service connects again in a loop of its own. Dropping a [`Delivery`] leaves it unacknowledged: only a closed channel or
//! the consumer timeout puts it back into its queue.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;

use crate::Boxed;

/// The way to the broker.
pub trait Broker: Send + Sync {
    /// Opens a connection with one channel.
    ///
    /// # Errors
    /// [`BrokerError::Unreachable`] while the broker is down.
    fn connect(&self) -> Boxed<'_, Result<Arc<dyn Channel>, BrokerError>>;
}

/// One connection with one channel.
pub trait Channel: Send + Sync {
    /// Makes exchanges, queues and bindings; doing it again changes nothing.
    ///
    /// # Errors
    /// When the channel is closed.
    fn declare<'a>(&'a self, topology: &'a Topology) -> Boxed<'a, Result<(), BrokerError>>;

    /// Sends one message.
    ///
    /// # Errors
    /// When the channel is closed, breaks before the answer, or the broker refuses the message.
    fn publish(&self, message: Message, options: Publish) -> Boxed<'_, Result<Sent, BrokerError>>;

    /// Starts to receive from a queue; at most `prefetch` messages are out unacknowledged.
    ///
    /// # Errors
    /// When the channel is closed or there is no such queue.
    fn consume<'a>(&'a self, queue: &'a str, prefetch: u16) -> Boxed<'a, Result<Box<dyn Consumer>, BrokerError>>;

    /// Closes it in good order: what was published has then reached the broker, what was not settled is back in its queue,
    /// and its consumers have come to their end.
    fn close(&self) -> Boxed<'_, ()>;
}

/// A started subscription.
pub trait Consumer: Send {
    /// The next message; waits for it.
    ///
    /// # Errors
    /// When the channel has closed: the subscription is over then.
    fn next(&mut self) -> Boxed<'_, Result<Delivery, BrokerError>>;
}

/// The answer that ends a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Done: the broker forgets the message.
    Ack,
    /// Not now: back to the queue.
    Requeue,
    /// Never: dead-lettered or dropped.
    Reject,
}

/// Gives the broker the answer to one delivery.
pub trait Settler: Send {
    /// Sends the answer.
    ///
    /// # Errors
    /// When the channel has closed; the broker has then put the message back.
    fn settle(self: Box<Self>, how: Settle) -> Boxed<'static, Result<(), BrokerError>>;
}

/// A message on its way to a consumer.
pub struct Delivery {
    /// What was published.
    pub message: Arc<Message>,
    /// The queue it came through.
    pub queue: Arc<str>,
    /// The broker's number for it on this channel.
    pub tag: u64,
    /// It was out before: to this consumer or another one.
    pub redelivered: bool,
    /// Where the answer goes.
    pub settler: Box<dyn Settler>,
}

/// A message, as publisher and consumer see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Exchange it is sent to.
    pub exchange: &'static str,
    /// Routing key, here the event's name.
    pub routing_key: Cow<'static, str>,
    /// `message-id`: new for each publish.
    pub message_id: Arc<str>,
    /// `correlation-id`: the order.
    pub correlation_id: Arc<str>,
    /// `timestamp` in seconds since the Unix epoch (AMQP has no finer one).
    pub timestamp_s: u64,
    /// `delivery-mode` 2.
    pub persistent: bool,
    /// Headers.
    pub headers: Headers,
    /// Payload.
    pub body: Bytes,
}

/// Message headers: strings only, in the order they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(Cow<'static, str>, String)>);

impl Headers {
    /// The value of a header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Sets a header, once.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some(slot) => slot.1 = value,
            None => self.0.push((name, value)),
        }
    }
}

/// How a message is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Publish {
    /// Wait until the broker has taken responsibility (publisher confirms).
    pub confirm: bool,
    /// Ask for the message back when no queue is bound to its key. Without `confirm` nobody waits for it.
    pub mandatory: bool,
}

/// What the publisher learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Written to the connection, nothing more is known.
    Written,
    /// Confirmed by the broker (also when no queue took it: RabbitMQ confirms what it drops).
    Confirmed,
    /// Confirmed and returned: no queue is bound to the key.
    Returned,
}

/// Exchanges, queues and bindings that a service needs. Exchanges are durable topic exchanges, queues durable classic ones.
#[derive(Clone, Copy, Debug)]
pub struct Topology {
    /// Names of topic exchanges.
    pub exchanges: &'static [&'static str],
    /// Names of queues.
    pub queues: &'static [&'static str],
    /// `(exchange, routing key, queue)`.
    pub bindings: &'static [(&'static str, &'static str, &'static str)],
}

/// Why a call on the broker failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// No connection could be opened.
    #[error("broker unreachable: {0}")]
    Unreachable(String),
    /// The connection broke; whether the broker has the message is not known.
    #[error("connection lost")]
    ConnectionLost,
    /// The broker closed the channel, with AMQP's code: 406 when a delivery was not acknowledged in time.
    #[error("channel closed by the broker: {code} {text}")]
    ChannelClosed {
        /// AMQP reply code.
        code: u16,
        /// AMQP reply text.
        text: String,
    },
    /// The broker answered a publish with `basic.nack`.
    #[error("the broker refused the message")]
    Nacked,
    /// No answer in time.
    #[error("no answer from the broker in time")]
    Timeout,
}

impl BrokerError {
    /// The value of `error.type` for this error: an AMQP reply code or a low-cardinality word.
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Unreachable(_) => "unreachable".into(),
            Self::ConnectionLost => "connection_lost".into(),
            Self::ChannelClosed { code, .. } => code.to_string().into(),
            Self::Nacked => "nack".into(),
            Self::Timeout => "timeout".into(),
        }
    }
}
