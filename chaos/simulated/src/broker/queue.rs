//! A queue: what is in it, who takes from it, and what of it is on disk.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use signals::QueueCounters;
use world::broker::{Headers, Message, QueueKind};

use super::{
    flush::Flush,
    max_length::Told,
    meddle::CONTEXT,
    priority::Lanes,
    ready::{Incoming, Item, Ready},
    rules::{Declaration, Rules},
    ttl,
    turns::Turns,
    version::Version,
};

/// A queue.
pub(super) struct Queue {
    pub(super) name: Arc<str>,
    pub(super) declared: Declaration,
    /// What it goes by; most queues go by nothing.
    pub(super) rules: Option<Box<Rules>>,
    pub(super) ready: Ready,
    pub(super) turns: Turns,
    pub(super) flush: Flush,
    /// Acknowledged, while the message is on disk and the acknowledgement is not: a kill brings it back.
    pub(super) unwritten_acks: Vec<Item>,
    /// Since when nobody uses it.
    pub(super) unused_since: Duration,
    /// Publishers that a full quorum queue has told so.
    pub(super) told: Told,
    /// It was deleted. Its place stays empty, because messages that are out remember it.
    pub(super) gone: bool,
    /// What passed through it since the broker came up. How much is in it is counted when somebody looks.
    pub(super) counts: QueueCounters,
    next: u64,
}

impl Queue {
    pub(super) fn new(name: &str, declared: Declaration, version: Version, key: u64, now: Duration) -> Self {
        let ready = match (declared.kind(), declared.max_priority()) {
            (QueueKind::Classic, None) => Ready::Fifo(VecDeque::new()),
            (QueueKind::Classic, Some(highest)) => Ready::Priorities(Lanes::classic(highest)),
            (QueueKind::Quorum, _) => Ready::Quorum { returned: VecDeque::new(), lanes: Lanes::quorum(version) },
        };
        Self {
            name: name.into(),
            rules: Rules::of(&declared, None, version),
            ready,
            turns: Turns::new(declared.kind(), declared.single_active()),
            flush: Flush::new(key, now),
            unwritten_acks: Vec::new(),
            unused_since: now,
            told: Told::default(),
            gone: false,
            declared,
            counts: QueueCounters { queue: name.into(), ..QueueCounters::default() },
            next: 0,
        }
    }

    pub(super) fn kind(&self) -> QueueKind {
        self.declared.kind()
    }

    pub(super) fn is_quorum(&self) -> bool {
        self.kind() == QueueKind::Quorum
    }

    /// The queue process was asked something.
    pub(super) fn touch(&mut self, now: Duration) {
        if self.flush.wake(now, self.next) {
            self.unwritten_acks.clear();
        }
    }

    /// Adds a message at the tail.
    pub(super) fn push(&mut self, Incoming { entry, message, failures }: Incoming, now: Duration) {
        let expires = ttl::expiry(self.kind(), self.rules.as_deref().and_then(|rules| rules.ttl), message.expiration, now);
        let seq = self.number();
        // A quorum queue takes over what others have counted, and a message that has a count says that it was delivered before.
        let redelivered = self.is_quorum() && failures > 0;
        if self.is_quorum() {
            // It comes from the log: it is on disk already.
            self.flush.all(self.next);
        } else if message.persistent && self.flush.published(seq, size(&message)) {
            self.unwritten_acks.clear();
        }
        self.ready.push(Item { seq, entry, message, expires, returns: 0, failures, redelivered });
    }

    /// The number of a new place at the tail.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// The message is done with.
    pub(super) fn acknowledge(&mut self, item: Item) {
        if !self.is_quorum() && item.message.persistent && self.flush.indexed(item.seq) {
            self.unwritten_acks.push(item);
        }
    }

    /// Whether a kill would leave a message here.
    pub(super) fn survives(&self, item: &Item) -> bool {
        self.is_quorum() || (item.message.persistent && self.flush.survives(item.seq))
    }

    /// Its process starts again: what there is now comes from the disk.
    pub(super) fn restart(&mut self, now: Duration) {
        self.flush.restart(now, self.next);
        self.unused_since = now;
        self.counts = QueueCounters { queue: Arc::clone(&self.name), ..QueueCounters::default() };
    }

    /// Writes everything.
    pub(super) fn write(&mut self) {
        self.flush.all(self.next);
        self.unwritten_acks.clear();
    }

    /// When the message at the head expires.
    pub(super) fn next_expiry(&self) -> Option<Duration> {
        self.ready.next_expiry()
    }

    /// When there is something to do in it.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.next_expiry().into_iter().chain(self.expires_at()).min()
    }
}

/// About what the message store keeps of a message: payload, properties and headers in Erlang's external format.
fn size(message: &Message) -> usize {
    let ids = message.message_id.len() + message.correlation_id.len() + message.routing_key.len();
    160 + message.body.len() + headers_size(&message.headers) + ids
}

/// The trace context is not counted: which messages a kill leaves must not depend on who is traced.
fn headers_size(headers: &Headers) -> usize {
    let kept = headers.0.iter().filter(|(key, _)| key != CONTEXT);
    kept.map(|(key, value)| key.len() + value.len() + 16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_large_with_a_trace_context_as_without() {
        let mut headers = Headers::default();
        headers.set("x-event-id", "e");
        let plain = headers_size(&headers);
        headers.set(CONTEXT, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        assert_eq!((headers_size(&headers), plain), (27, 27));
    }
}
