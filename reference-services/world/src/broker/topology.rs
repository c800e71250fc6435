//! What can be declared on a broker: exchanges, queues with their arguments, bindings.

use std::time::Duration;

/// Exchanges, queues and bindings that somebody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology<'a> {
    /// Exchanges; all are durable.
    pub exchanges: &'a [Exchange<'a>],
    /// Queues.
    pub queues: &'a [Queue<'a>],
    /// `(exchange, routing key, queue)`.
    pub bindings: &'a [(&'a str, &'a str, &'a str)],
}

/// An exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it routes.
    pub kind: ExchangeKind,
    /// `alternate-exchange`: where it sends what it cannot route.
    pub alternate: Option<&'a str>,
}

impl<'a> Exchange<'a> {
    /// A topic exchange.
    #[must_use]
    pub const fn topic(name: &'a str) -> Self {
        Self { name, kind: ExchangeKind::Topic, alternate: None }
    }
}

/// How an exchange routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
    /// By words between dots: `*` is one, `#` any number of them.
    Topic,
    /// To the bindings with exactly the message's key.
    Direct,
    /// To every binding.
    Fanout,
}

/// A queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue<'a> {
    /// Its name.
    pub name: &'a str,
    /// What keeps its messages.
    pub kind: QueueKind,
    /// It is there again after the broker was restarted. A quorum queue always is.
    pub durable: bool,
    /// Optional arguments.
    pub arguments: Arguments<'a>,
}

impl<'a> Queue<'a> {
    /// A durable classic queue without arguments.
    #[must_use]
    pub const fn classic(name: &'a str) -> Self {
        Self { name, kind: QueueKind::Classic, durable: true, arguments: Arguments::NONE }
    }

    /// A quorum queue without arguments.
    #[must_use]
    pub const fn quorum(name: &'a str) -> Self {
        Self { name, kind: QueueKind::Quorum, durable: true, arguments: Arguments::NONE }
    }

    /// The same queue with these arguments.
    #[must_use]
    pub const fn with(self, arguments: Arguments<'a>) -> Self {
        Self { arguments, ..self }
    }
}

/// What keeps a queue's messages: `x-queue-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    /// One process, which writes to disk when it finds the time.
    Classic,
    /// A replicated log: what it has taken in is on disk.
    Quorum,
}

/// Optional arguments of a queue, as in `queue.declare`. Durations are whole milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments<'a> {
    /// `x-message-ttl`: how long a message may lie in it.
    pub message_ttl: Option<Duration>,
    /// `x-expires`: how long the queue may be unused before it is deleted.
    pub expires: Option<Duration>,
    /// `x-max-length`: how many messages may be ready.
    pub max_length: Option<u32>,
    /// `x-overflow`: who has to give way.
    pub overflow: Option<Overflow>,
    /// `x-dead-letter-exchange`: where messages go that the queue gives up.
    pub dead_letter_exchange: Option<&'a str>,
    /// `x-dead-letter-routing-key`: their key then; none: the one they have.
    pub dead_letter_routing_key: Option<&'a str>,
    /// `x-delivery-limit` of a quorum queue: how often a message may come back; negative: without limit.
    pub delivery_limit: Option<i32>,
    /// `x-max-priority` of a classic queue: priorities from 0 to this.
    pub max_priority: Option<u8>,
    /// `x-single-active-consumer`: one consumer gets everything, the others wait for its end.
    pub single_active_consumer: bool,
    /// `x-consumer-timeout`: how long a delivery may stay unanswered.
    pub consumer_timeout: Option<Duration>,
}

impl Arguments<'_> {
    /// None at all.
    pub const NONE: Self = Self {
        message_ttl: None,
        expires: None,
        max_length: None,
        overflow: None,
        dead_letter_exchange: None,
        dead_letter_routing_key: None,
        delivery_limit: None,
        max_priority: None,
        single_active_consumer: false,
        consumer_timeout: None,
    };
}

/// Who has to give way when a queue is as long as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// The message at the head.
    DropHead,
    /// The new message; a publisher that waits for a confirm gets a `basic.nack`.
    RejectPublish,
    /// The same, and the new message is dead-lettered. A quorum queue takes it for drop-head.
    RejectPublishDlx,
}

impl Overflow {
    /// RabbitMQ's word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DropHead => "drop-head",
            Self::RejectPublish => "reject-publish",
            Self::RejectPublishDlx => "reject-publish-dlx",
        }
    }
}
