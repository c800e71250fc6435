//! AMQP 0-9-1 as a service sees it: connect, declare, publish, consume, settle.
//!
//! A [`Channel`] is one connection with one channel. When it breaks, every call on it fails and its consumers end; the
//! service connects again in a loop of its own. Dropping a [`Delivery`] leaves it unacknowledged: only a closed channel or
//! the consumer timeout puts it back into its queue.

mod message;
mod topology;

use std::{borrow::Cow, sync::Arc};

pub use message::{Death, DeathReason, Headers, Message};
pub use topology::{Arguments, Exchange, ExchangeKind, Overflow, Queue, QueueKind, Topology};

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
    /// When the channel is closed. [`BrokerError::ChannelClosed`] with 406 when there is another exchange or queue of that
    /// name, or the broker cannot make one with these arguments.
    fn declare<'a>(&'a self, topology: &'a Topology<'a>) -> Boxed<'a, Result<(), BrokerError>>;

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

    /// The broker has said that it reads nothing from this connection for now (`connection.blocked`): it is short of memory or
    /// disk, and this connection has tried to publish. A publish waits until that is over; deliveries come as before.
    fn blocked(&self) -> bool;

    /// Closes it in good order: what was published has then reached the broker, what was not settled is back in its queue,
    /// and its consumers have come to their end.
    fn close(&self) -> Boxed<'_, ()>;
}

/// A started subscription.
pub trait Consumer: Send {
    /// The next message; waits for it.
    ///
    /// # Errors
    /// When the channel has closed, or the broker has cancelled the subscription: it is over then.
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
    /// `x-delivery-count`: how often it has come back, on redeliveries from a quorum queue.
    pub delivery_count: Option<u32>,
    /// Where the answer goes.
    pub settler: Box<dyn Settler>,
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
    /// The broker has ended the subscription (`basic.cancel`); its channel lives.
    #[error("subscription cancelled by the broker")]
    Cancelled,
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
            Self::Cancelled => "cancelled".into(),
            Self::Nacked => "nack".into(),
            Self::Timeout => "timeout".into(),
        }
    }
}
