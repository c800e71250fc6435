//! `x-max-length`: how many messages may be ready, and who has to give way.
//!
//! Messages that are out do not count. By default the message at the head gives way, with `reject-publish` the new one, of which
//! the publisher learns by a `basic.nack` (RabbitMQ 4.0, maxlength.md). A quorum queue lets its publishers know when it is too
//! long, and again when it is down to four fifths: until they know it takes what they send, so it is always longer than it may
//! be by one message at least (quorum-queues.md, "Length Limit").

use std::collections::BTreeSet;

use faults::End;
use world::broker::{DeathReason, Overflow};

use super::{Exchange, Queue, State, dead_letter::Dead, ready::Incoming};

/// Channels that know of a full quorum queue, and those that publish to it.
#[derive(Default)]
pub(super) struct Told {
    publishers: BTreeSet<u64>,
    refused: BTreeSet<u64>,
}

impl Told {
    pub(super) fn forget(&mut self, channel: u64) {
        self.publishers.remove(&channel);
        self.refused.remove(&channel);
    }
}

impl Queue {
    fn too_long(&self, more: usize) -> bool {
        let limit = self.rules.as_ref().and_then(|rules| rules.max_length);
        limit.is_some_and(|limit| self.ready.len() + more > limit)
    }

    fn overflow(&self) -> Option<Overflow> {
        let rules = self.rules.as_ref()?;
        rules.max_length.map(|_| rules.overflow)
    }

    /// Whether it does not take a message; `from`: the channel that publishes it, none for a dead-lettered one.
    pub(super) fn refuses(&mut self, from: Option<u64>) -> bool {
        let rejects = matches!(self.overflow(), Some(Overflow::RejectPublish | Overflow::RejectPublishDlx));
        if !rejects {
            return false;
        }
        if !self.is_quorum() {
            return self.too_long(1);
        }
        let Some(channel) = from else { return false };
        if self.told.publishers.insert(channel) && self.too_long(0) {
            self.told.refused.insert(channel);
        }
        self.told.refused.contains(&channel)
    }

    /// Tells the publishers of a quorum queue what has changed.
    fn tell(&mut self) {
        let limit = self.rules.as_ref().and_then(|rules| rules.max_length).unwrap_or_default();
        if self.too_long(0) {
            self.told.refused.extend(&self.told.publishers);
        } else if self.ready.len() <= limit * 4 / 5 {
            self.told.refused.clear();
        }
    }
}

impl Exchange {
    /// A message is refused: it is dropped, or dead-lettered. Its publisher hears of it, unless it is a dead letter itself.
    pub(super) fn refuse(&self, state: &mut State, at: usize, incoming: &Incoming, published: bool) {
        let entry = incoming.entry;
        state.account.end(entry, End::Refused, self.wall_ns());
        self.dropped(state, at, entry, "refused");
        if published {
            state.account.nack(entry);
        }
        if state.queues[at].overflow() == Some(Overflow::RejectPublishDlx) {
            state.dead.push_back(Dead { from: at, incoming: incoming.clone(), reason: DeathReason::MaxLen });
        }
    }

    /// Makes a queue as short as it has to be, after something came into it or left it.
    pub(super) fn shorten(&self, state: &mut State, at: usize) {
        match state.queues[at].overflow() {
            Some(Overflow::DropHead) => {
                while state.queues[at].too_long(0) {
                    let Some(item) = state.queues[at].ready.pop() else { return };
                    self.give_up(state, at, item, DeathReason::MaxLen);
                    if state.queues[at].is_quorum() {
                        state.bury_first(at);
                    }
                }
            }
            Some(_) if state.queues[at].is_quorum() => state.queues[at].tell(),
            _ => {}
        }
    }
}
