//! When a queue process writes to disk what it only holds in memory.
//!
//! RabbitMQ's queue process (`gen_server2`) flushes before it hibernates, and it hibernates when it was idle for a back-off:
//! 1 s at first, growing by a random part with each wake-up, halved after a long nap. So a queue that is never idle for long
//! has flushed nothing, and a backlog behind a slow consumer is what a killed broker loses. It runs in real time and no
//! setting scales it. Nothing here sets a timer: everything follows from the times of activity.
//!
//! Besides, the message store writes its buffer when that holds 512 KiB, and the index writes its own when it holds 100
//! messages; a message survives when both have it. A publisher confirm forces both.

use std::time::Duration;

use world::random::mix;

/// The shortest back-off.
const MINIMUM: Duration = Duration::from_secs(1);
/// A nap this much longer than the shortest back-off means: hibernate sooner.
const DESIRED_HIBERNATION: Duration = Duration::from_secs(10);
/// The message store's buffer.
const STORE_BUFFER: usize = 512 * 1024;
/// The index' buffer, in messages.
const INDEX_BUFFER: u64 = 100;

/// The queue process' back-off and what it has flushed. Sequence numbers below the marks are on disk.
#[derive(Debug)]
pub(super) struct Flush {
    key: u64,
    wakes: u64,
    back_off: Duration,
    active: Duration,
    indexed: u64,
    stored: u64,
    unstored_bytes: usize,
}

impl Flush {
    /// A queue process that starts now; `key` names the queue under the seed.
    pub(super) fn new(key: u64, now: Duration) -> Self {
        Self { key, wakes: 0, back_off: MINIMUM, active: now, indexed: 0, stored: 0, unstored_bytes: 0 }
    }

    /// The process was asked something now. Returns whether it had hibernated: everything before is on disk then.
    pub(super) fn wake(&mut self, now: Duration, next: u64) -> bool {
        let idle = now.saturating_sub(self.active);
        let slept = idle >= self.back_off;
        self.active = now;
        if slept {
            self.all(next);
            // `idle` is the gap between messages: the nap and the back-off before it.
            let base = if idle > MINIMUM + DESIRED_HIBERNATION { MINIMUM.max(self.back_off / 2) } else { self.back_off };
            let base_ms = u64::try_from(base.as_millis()).unwrap_or(u64::MAX).max(1);
            self.wakes += 1;
            let extra = 1 + mix(self.key ^ mix(self.wakes)) % base_ms;
            self.back_off = Duration::from_millis(base_ms + extra);
        }
        slept
    }

    /// A persistent message with this sequence number was put into the buffers. Returns whether the index wrote its own.
    pub(super) fn published(&mut self, seq: u64, bytes: usize) -> bool {
        self.unstored_bytes += bytes;
        if self.unstored_bytes >= STORE_BUFFER {
            self.stored = seq + 1;
            self.unstored_bytes = 0;
        }
        let full = seq + 1 - self.indexed.min(seq + 1) >= INDEX_BUFFER;
        if full {
            self.indexed = seq + 1;
        }
        full
    }

    /// Everything below `next` is written.
    pub(super) fn all(&mut self, next: u64) {
        self.indexed = next;
        self.stored = next;
        self.unstored_bytes = 0;
    }

    /// Whether the index on disk knows the message.
    pub(super) fn indexed(&self, seq: u64) -> bool {
        seq < self.indexed
    }

    /// Whether a kill would leave the message on disk.
    pub(super) fn survives(&self, seq: u64) -> bool {
        seq < self.indexed.min(self.stored)
    }

    /// The process was started again.
    pub(super) fn restart(&mut self, now: Duration, next: u64) {
        self.all(next);
        self.back_off = MINIMUM;
        self.active = now;
    }
}
