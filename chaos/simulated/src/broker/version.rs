//! The versions of RabbitMQ that the model can be, and what differs between them.
//!
//! The conformance suite holds 4.0 against a real 4.0.5. What is said here of 3.13 and 4.3 is taken from the documentation: no
//! real broker here has confirmed it.

use world::broker::QueueKind;

/// A version of RabbitMQ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 3.13.
    V3_13,
    /// 4.0.
    #[default]
    V4_0,
    /// 4.3.
    V4_3,
}

/// Why a delivery comes back to its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    /// `basic.nack` with requeue.
    Nacked,
    /// Its channel, connection or consumer's process ended; or the broker itself was restarted.
    ChannelLost,
    /// It stayed unanswered for too long.
    TimedOut,
}

/// What happens when a delivery stays unanswered for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// Nothing.
    Allowed,
    /// At the channel's next look its channel closes with 406, and everything it has out goes back.
    ClosesChannel,
    /// At once its consumer is cancelled, and what that has out goes back. This is for clients that announce
    /// `consumer_cancel_notify`, as lapin does; the channel of another one closes.
    CancelsConsumer,
}

impl Version {
    /// How often a message may come back to a quorum queue that sets no limit.
    ///
    /// 20 since 4.0, before without limit (4.0, quorum-queues.md, "Poison Message Handling").
    pub(super) fn default_delivery_limit(self) -> Option<u32> {
        (self >= Self::V4_0).then_some(20)
    }

    /// Whether this return counts towards the delivery limit, and in `x-delivery-count`.
    ///
    /// Since 4.3 only failures do: a lost channel and `basic.reject` do, `basic.nack` and the consumer timeout do not (4.3,
    /// quorum-queues.md, "When is delivery count incremented?").
    pub(super) fn counts(self, cause: Return) -> bool {
        self < Self::V4_3 || cause == Return::ChannelLost
    }

    /// Whether a dead letter says to the next quorum queue how often consumers have failed with it: a rejection and a lost channel
    /// count, `basic.nack` with requeue does not.
    ///
    /// The documentation does not say so; a real 4.0.5 does it (rabbit_fifo of 4.0.5: `delivery_count`). No real 3.13 or 4.3 was
    /// asked.
    pub(super) fn carries_failures(self) -> bool {
        self >= Self::V4_0
    }

    /// Whether what a consumer gives back to a quorum queue without a delivery limit goes to the tail, so that the queue's log
    /// can be cut (4.0 and 3.13, quorum-queues.md, "Repeatedly Requeued Deliveries"). 4.3 knows no such exception ("Redelivery
    /// of Returned Messages").
    pub(super) fn unlimited_returns_to_tail(self) -> bool {
        self < Self::V4_3
    }

    /// The consumer timeout's meaning for a queue of this kind.
    ///
    /// Up to 4.2 it holds for both kinds; since 4.3 for quorum queues alone, to which it is exact (4.3, quorum-queues.md,
    /// "Consumer Timeout"; 4.0, consumers.md, "Delivery Acknowledgement Timeout").
    pub(super) fn unanswered(self, kind: QueueKind) -> Unanswered {
        match (self, kind) {
            (Self::V3_13 | Self::V4_0, _) => Unanswered::ClosesChannel,
            (Self::V4_3, QueueKind::Classic) => Unanswered::Allowed,
            (Self::V4_3, QueueKind::Quorum) => Unanswered::CancelsConsumer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nack_counts_until_4_3_and_a_lost_channel_always() {
        let all = [Version::V3_13, Version::V4_0, Version::V4_3];
        assert_eq!(all.map(|version| version.counts(Return::Nacked)), [true, true, false]);
        assert_eq!(all.map(|version| version.counts(Return::TimedOut)), [true, true, false]);
        assert_eq!(all.map(|version| version.counts(Return::ChannelLost)), [true; 3]);
        assert_eq!(all.map(Version::default_delivery_limit), [None, Some(20), Some(20)]);
    }

    #[test]
    fn the_consumer_timeout_has_another_meaning_since_4_3() {
        assert_eq!(Version::V4_0.unanswered(QueueKind::Quorum), Unanswered::ClosesChannel);
        assert_eq!(Version::V4_3.unanswered(QueueKind::Quorum), Unanswered::CancelsConsumer);
        assert_eq!(Version::V4_3.unanswered(QueueKind::Classic), Unanswered::Allowed);
    }
}
