//! Time to live of messages.
//!
//! A message lives for the queue's `x-message-ttl` or its own `expiration`, whichever is shorter, from when it came into the
//! queue until it is delivered; a requeued one keeps its time. An expired message is never delivered, and leaves from the head
//! only (RabbitMQ 4.0, ttl.md). A dead-lettered message has lost its own `expiration`, so it does not expire again (4.0, dlx.md,
//! "Dead-Lettered Effects on Messages").

use std::time::Duration;

use world::broker::{DeathReason, QueueKind};

use super::{Exchange, State};

/// When a message that comes into a queue now expires there.
///
/// With 0 it expires at once, unless it can be delivered at once (4.0, ttl.md, "Per-Queue Message TTL"); a quorum queue gives it
/// a millisecond (rabbit_fifo of 4.0).
pub(super) fn expiry(kind: QueueKind, queue: Option<Duration>, own: Option<Duration>, now: Duration) -> Option<Duration> {
    let ttl = match (queue, own) {
        (Some(queue), Some(own)) => queue.min(own),
        (queue, own) => queue.or(own)?,
    };
    let least = if kind == QueueKind::Quorum { Duration::from_millis(1) } else { Duration::ZERO };
    Some(now + ttl.max(least))
}

impl Exchange {
    /// Takes expired messages from the head.
    pub(super) fn expire(&self, state: &mut State, at: usize, now: Duration) {
        while let Some(item) = state.queues[at].ready.take_expired(now) {
            self.give_up(state, at, item, DeathReason::Expired);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_time_to_live_counts() {
        let ms = Duration::from_millis;
        let expiry = |queue, own| expiry(QueueKind::Classic, queue, own, ms(10));
        assert_eq!(expiry(None, None), None);
        assert_eq!(expiry(Some(ms(5)), None), Some(ms(15)));
        assert_eq!(expiry(Some(ms(5)), Some(ms(3))), Some(ms(13)));
        assert_eq!(expiry(Some(ms(5)), Some(ms(7))), Some(ms(15)));
        assert_eq!(expiry(Some(ms(0)), None), Some(ms(10)));
        assert_eq!(super::expiry(QueueKind::Quorum, Some(ms(0)), None, ms(10)), Some(ms(11)));
    }
}
