//! A message, as publisher and consumer see it.

use std::{borrow::Cow, sync::Arc, time::Duration};

use bytes::Bytes;

/// A message: where it is sent, AMQP's basic properties, payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Exchange it is sent to; empty: the default exchange, which routes to the queue that is named like the key.
    pub exchange: Cow<'static, str>,
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
    /// `expiration`: how long it may lie in a queue; whole milliseconds. None: as long as the queue lets it.
    pub expiration: Option<Duration>,
    /// `priority`: a larger number goes first, in queues that heed it.
    pub priority: Option<u8>,
    /// Headers.
    pub headers: Headers,
    /// `x-death`: what has dead-lettered it, the latest first. Brokers write it; what a publisher sets is not sent.
    pub deaths: Vec<Death>,
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

/// An entry of `x-death`: a message was dead-lettered from this queue for this reason, so many times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The queue it was in.
    pub queue: String,
    /// Why it had to leave.
    pub reason: DeathReason,
    /// How many times.
    pub count: u64,
    /// The exchange it had been published to before the first time.
    pub exchange: String,
    /// The routing keys it had before the first time.
    pub routing_keys: Vec<String>,
    /// When the first time was, seconds since the Unix epoch.
    pub time_s: u64,
    /// Its `expiration` before the first time: taken off, so that it does not expire again.
    pub original_expiration: Option<Duration>,
}

/// Why a message was dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeathReason {
    /// A consumer rejected it without requeue.
    Rejected,
    /// Its time to live was over.
    Expired,
    /// Its queue was longer than it may be.
    MaxLen,
    /// It came back to a quorum queue more often than the queue allows.
    DeliveryLimit,
}

impl DeathReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rejected, Self::Expired, Self::MaxLen, Self::DeliveryLimit];

    /// RabbitMQ's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLen => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}
