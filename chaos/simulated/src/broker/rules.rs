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
    /// The rules of a queue; none for a classic queue that was declared without arguments and has no policy.
    ///
    /// Where arguments and a policy both say something, the smaller number counts, and the argument's word (RabbitMQ 4.0, ttl.md,
    /// maxlength.md, dlx.md).
    pub(super) fn of(declared: &Declaration, policy: Option<&Declaration>, version: Version) -> Option<Box<Self>> {
        let own = &declared.arguments;
        let laid = policy.map_or(Arguments::NONE, |policy| policy.arguments);
        let plain = declared.kind == QueueKind::Classic && *own == Arguments::NONE && declared.dead_letter_exchange.is_none();
        if plain && policy.is_none() {
            return None;
        }
        let exchange = declared.dead_letter_exchange.clone().or_else(|| policy?.dead_letter_exchange.clone());
        let key = declared.dead_letter_routing_key.clone().or_else(|| policy?.dead_letter_routing_key.clone());
        let limit = match (own.delivery_limit, laid.delivery_limit) {
            (None, None) => version.default_delivery_limit(),
            // Negative is without limit.
            (own, laid) => own.into_iter().chain(laid).filter_map(|limit| u32::try_from(limit).ok()).min(),
        };
        Some(Box::new(Self {
            ttl: smaller(own.message_ttl, laid.message_ttl),
            expires: smaller(own.expires, laid.expires),
            max_length: smaller(own.max_length, laid.max_length).map(|length| length as usize),
            overflow: own
                .overflow
                .or(laid.overflow)
                .filter(|overflow| known(declared.kind, *overflow))
                .unwrap_or(Overflow::DropHead),
            dead_letter: exchange.map(|exchange| DeadLetter { exchange, key }),
            delivery_limit: limit,
            consumer_timeout: smaller(own.consumer_timeout, laid.consumer_timeout),
        }))
    }
}

/// A quorum queue can be declared with `reject-publish-dlx`, does not know it, and drops from its head (a real 4.0.5).
fn known(kind: QueueKind, overflow: Overflow) -> bool {
    kind == QueueKind::Classic || overflow != Overflow::RejectPublishDlx
}

fn smaller<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(arguments: Arguments<'_>) -> Declaration {
        Declaration::of(&Declared::classic("work").with(arguments))
    }

    #[test]
    fn a_plain_queue_has_no_rules() {
        assert_eq!(Rules::of(&declared(Arguments::NONE), None, Version::V4_0), None);
        assert!(Rules::of(&Declaration::of(&Declared::quorum("work")), None, Version::V4_0).is_some());
        let dead = Arguments { dead_letter_exchange: Some("dlx"), ..Arguments::NONE };
        assert!(Rules::of(&declared(dead), None, Version::V4_0).is_some());
    }

    #[test]
    fn of_arguments_and_policy_the_smaller_number_counts_and_the_arguments_word() {
        let own = Arguments { max_length: Some(5), dead_letter_exchange: Some("own"), ..Arguments::NONE };
        let laid = Arguments {
            max_length: Some(3),
            message_ttl: Some(Duration::from_secs(1)),
            dead_letter_exchange: Some("laid"),
            dead_letter_routing_key: Some("key"),
            overflow: Some(Overflow::RejectPublish),
            ..Arguments::NONE
        };
        let rules = Rules::of(&declared(own), Some(&declared(laid)), Version::V4_0).unwrap();
        assert_eq!(
            (rules.max_length, rules.ttl, rules.overflow),
            (Some(3), Some(Duration::from_secs(1)), Overflow::RejectPublish)
        );
        assert_eq!(rules.dead_letter, Some(DeadLetter { exchange: "own".into(), key: Some("key".into()) }));
    }
}
