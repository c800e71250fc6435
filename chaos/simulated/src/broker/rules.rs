//! What a queue was declared with, and what it goes by.

use std::time::Duration;

use world::broker::{Arguments, BrokerError, Overflow, Queue as Declared, QueueKind};

use super::version::Version;

/// A queue's declaration, kept: another one of the same name must say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declaration {
    kind: QueueKind,
    durable: bool,
    dead_letter_exchange: Option<Box<str>>,
    dead_letter_routing_key: Option<Box<str>>,
    /// The other arguments.
    arguments: Arguments<'static>,
}

impl Declaration {
    pub(super) fn of(queue: &Declared<'_>) -> Self {
        let Arguments { dead_letter_exchange, dead_letter_routing_key, .. } = queue.arguments;
        Self {
            kind: queue.kind,
            durable: queue.durable,
            dead_letter_exchange: dead_letter_exchange.map(Into::into),
            dead_letter_routing_key: dead_letter_routing_key.map(Into::into),
            arguments: Arguments {
                dead_letter_exchange: None,
                dead_letter_routing_key: None,
                message_ttl: queue.arguments.message_ttl,
                expires: queue.arguments.expires,
                max_length: queue.arguments.max_length,
                overflow: queue.arguments.overflow,
                delivery_limit: queue.arguments.delivery_limit,
                max_priority: queue.arguments.max_priority,
                single_active_consumer: queue.arguments.single_active_consumer,
                consumer_timeout: queue.arguments.consumer_timeout,
            },
        }
    }

    /// Which property or argument of another declaration is not the same.
    pub(super) fn differs_in(&self, other: &Self) -> Option<&'static str> {
        let (mine, others) = (&self.arguments, &other.arguments);
        let same = [
            ("durable", self.durable == other.durable),
            ("x-queue-type", self.kind == other.kind),
            ("x-message-ttl", mine.message_ttl == others.message_ttl),
            ("x-expires", mine.expires == others.expires),
            ("x-max-length", mine.max_length == others.max_length),
            ("x-overflow", mine.overflow == others.overflow),
            ("x-dead-letter-exchange", self.dead_letter_exchange == other.dead_letter_exchange),
            ("x-dead-letter-routing-key", self.dead_letter_routing_key == other.dead_letter_routing_key),
            ("x-delivery-limit", mine.delivery_limit == others.delivery_limit),
            ("x-max-priority", mine.max_priority == others.max_priority),
            ("x-single-active-consumer", mine.single_active_consumer == others.single_active_consumer),
            ("x-consumer-timeout", mine.consumer_timeout == others.consumer_timeout),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }

    pub(super) fn kind(&self) -> QueueKind {
        self.kind
    }

    pub(super) fn durable(&self) -> bool {
        self.durable
    }

    pub(super) fn single_active(&self) -> bool {
        self.arguments.single_active_consumer
    }

    pub(super) fn max_priority(&self) -> Option<u8> {
        self.arguments.max_priority
    }

    /// Why the broker cannot make this queue, in its words.
    pub(super) fn refused(&self) -> Option<&'static str> {
        let quorum = self.kind == QueueKind::Quorum;
        match () {
            () if quorum && !self.durable => Some("invalid property 'non-durable' for queue"),
            () if quorum && self.arguments.overflow == Some(Overflow::RejectPublishDlx) => {
                Some("invalid arg 'x-overflow' for queue")
            }
            () if quorum && self.arguments.max_priority.is_some() => Some("invalid arg 'x-max-priority' for queue"),
            () if !quorum && self.arguments.delivery_limit.is_some() => Some("invalid arg 'x-delivery-limit' for queue"),
            () if self.arguments.expires == Some(Duration::ZERO) => Some("invalid arg 'x-expires' for queue"),
            () if self.dead_letter_routing_key.is_some() && self.dead_letter_exchange.is_none() => {
                Some("invalid arg 'x-dead-letter-routing-key' for queue")
            }
            () => None,
        }
    }
}

/// RabbitMQ's words for a declaration that it does not accept.
pub(super) fn precondition_failed(why: &str, queue: &str) -> BrokerError {
    BrokerError::ChannelClosed { code: 406, text: format!("PRECONDITION_FAILED - {why} '{queue}' in vhost '/'") }
}

/// What a queue goes by beyond first in, first out. The queues of the services have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) ttl: Option<Duration>,
    pub(super) expires: Option<Duration>,
    pub(super) max_length: Option<usize>,
    pub(super) overflow: Overflow,
    pub(super) dead_letter: Option<DeadLetter>,
    /// Of a quorum queue; none: without limit.
    pub(super) delivery_limit: Option<u32>,
    pub(super) consumer_timeout: Option<Duration>,
}

/// Where a queue sends what it gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DeadLetter {
    pub(super) exchange: Box<str>,
    pub(super) key: Option<Box<str>>,
}

impl Rules {
    /// The rules of a queue; none for a classic queue that was declared without arguments.
    pub(super) fn of(declared: &Declaration, version: Version) -> Option<Box<Self>> {
        let Declaration { kind, arguments, .. } = declared;
        let rules = Self {
            ttl: arguments.message_ttl,
            expires: arguments.expires,
            max_length: arguments.max_length.map(|length| length as usize),
            overflow: arguments.overflow.unwrap_or(Overflow::DropHead),
            dead_letter: declared
                .dead_letter_exchange
                .clone()
                .map(|exchange| DeadLetter { exchange, key: declared.dead_letter_routing_key.clone() }),
            delivery_limit: match arguments.delivery_limit {
                Some(limit) => u32::try_from(limit).ok(),
                None => version.default_delivery_limit(),
            },
            consumer_timeout: arguments.consumer_timeout,
        };
        (*kind == QueueKind::Quorum || declared.arguments != Arguments::NONE || rules.dead_letter.is_some())
            .then(|| Box::new(rules))
    }
}
