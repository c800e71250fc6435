//! Whose turn it is: which of a queue's consumers gets the next message.

use std::collections::VecDeque;

use world::broker::QueueKind;

/// A subscription: channel and the number of the consumer on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) channel: u64,
    pub(super) consumer: usize,
    /// How many deliveries may be out; 0: any number.
    pub(super) prefetch: u16,
}

/// A queue's consumers.
pub(super) struct Turns {
    kind: QueueKind,
    /// In the order of their turns.
    able: VecDeque<Subscription>,
    /// Those that have as much as they may.
    busy: Vec<Subscription>,
    /// With a single active consumer: it. The others wait.
    single: Option<Option<Subscription>>,
    /// Channels whose consumers are forgotten, while they are.
    forgotten: Option<Vec<u64>>,
}

impl Turns {
    pub(super) fn new(kind: QueueKind, single_active: bool) -> Self {
        Self { kind, able: VecDeque::new(), busy: Vec::new(), single: single_active.then_some(None), forgotten: None }
    }

    /// A consumer begins. The first one of a queue with a single active consumer is it (4.0, consumers.md, "Single Active
    /// Consumer").
    pub(super) fn add(&mut self, subscription: Subscription) {
        if let Some(forgotten) = &mut self.forgotten {
            forgotten.push(subscription.channel);
            return;
        }
        self.able.push_back(subscription);
        if let Some(active @ None) = &mut self.single {
            *active = Some(subscription);
        }
    }

    /// Who gets the next message; `free` tells whether a consumer may have more.
    ///
    /// Consumers take turns. A classic queue notices that one is busy when its turn comes, and lets it stand aside; a quorum
    /// queue notices when it hands out the last message that the consumer may have ([`Self::served`]).
    pub(super) fn next(&mut self, free: impl Fn(&Subscription) -> bool) -> Option<Subscription> {
        if let Some(active) = self.single {
            return active.filter(free);
        }
        while let Some(first) = self.able.pop_front() {
            if free(&first) {
                self.able.push_back(first);
                return Some(first);
            }
            self.busy.push(first);
        }
        None
    }

    /// A consumer has got a message; `free`: it may have more.
    pub(super) fn served(&mut self, subscription: Subscription, free: bool) {
        if self.kind == QueueKind::Quorum && self.single.is_none() && !free {
            self.able.retain(|other| *other != subscription);
            self.busy.push(subscription);
        }
    }

    /// A consumer has given an answer: if it stood aside, its turn comes after that of all others.
    pub(super) fn answered(&mut self, channel: u64, consumer: usize) {
        let same = |other: &Subscription| (other.channel, other.consumer) == (channel, consumer);
        if let Some(at) = self.busy.iter().position(same) {
            let free = self.busy.remove(at);
            self.able.push_back(free);
        }
    }

    /// A channel's consumers, or one of them, are gone. Returns whether there were any.
    ///
    /// Where the single active consumer was among them, the next one in line is it now. Which one that is RabbitMQ does not
    /// promise; a quorum queue takes one with the largest prefetch.
    pub(super) fn remove(&mut self, channel: u64, consumer: Option<usize>) -> bool {
        let gone = |other: &Subscription| other.channel == channel && consumer.is_none_or(|consumer| other.consumer == consumer);
        let before = self.len();
        self.able.retain(|other| !gone(other));
        self.busy.retain(|other| !gone(other));
        if let Some(active) = &mut self.single
            && active.as_ref().is_some_and(gone)
        {
            *active = match self.kind {
                QueueKind::Classic => self.able.front().copied(),
                // The first of those with the largest prefetch.
                QueueKind::Quorum => self.able.iter().rev().max_by_key(|waiting| waiting.prefetch.wrapping_sub(1)).copied(),
            };
        }
        self.len() < before
    }

    /// Forgets everybody who consumes it, and who will: they do not know.
    pub(super) fn deafen(&mut self) {
        let forgotten = self.iter().map(|subscription| subscription.channel).collect();
        self.clear();
        self.forgotten = Some(forgotten);
    }

    /// Takes consumers again; gives the channels of those who were forgotten.
    pub(super) fn hear(&mut self) -> Vec<u64> {
        self.forgotten.take().unwrap_or_default()
    }

    /// Whether it forgets who consumes it.
    pub(super) const fn deaf(&self) -> bool {
        self.forgotten.is_some()
    }

    pub(super) fn clear(&mut self) {
        self.able.clear();
        self.busy.clear();
        self.single = self.single.map(|_| None);
    }

    pub(super) fn len(&self) -> usize {
        self.able.len() + self.busy.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.able.iter().chain(&self.busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(channel: u64) -> Subscription {
        Subscription { channel, consumer: 0, prefetch: 1 }
    }

    fn turns(kind: QueueKind, single: bool) -> Turns {
        let mut turns = Turns::new(kind, single);
        (1..=3).for_each(|channel| turns.add(subscription(channel)));
        turns
    }

    #[test]
    fn a_consumer_that_was_busy_at_its_turn_has_its_next_one_after_the_others() {
        let mut turns = turns(QueueKind::Classic, false);
        assert_eq!(turns.next(|it| it.channel != 1).map(|it| it.channel), Some(2));
        turns.answered(1, 0);
        let next: Vec<_> = (0..3).filter_map(|_| turns.next(|_| true)).map(|it| it.channel).collect();
        assert_eq!(next, [3, 2, 1]);
    }

    #[test]
    fn a_quorum_queue_lets_a_consumer_stand_aside_as_soon_as_it_is_busy() {
        let mut turns = turns(QueueKind::Quorum, false);
        for _ in 0..2 {
            let served = turns.next(|_| true).unwrap();
            turns.served(served, false);
        }
        turns.answered(2, 0);
        turns.answered(1, 0);
        let next: Vec<_> = (0..3).filter_map(|_| turns.next(|_| true)).map(|it| it.channel).collect();
        assert_eq!(next, [3, 2, 1]);
    }

    #[test]
    fn a_single_active_consumer_has_every_turn_until_it_is_gone() {
        let mut turns = turns(QueueKind::Classic, true);
        assert_eq!(turns.next(|_| true).map(|it| it.channel), Some(1));
        assert_eq!(turns.next(|it| it.channel != 1), None, "the others wait while it is busy");
        assert!(turns.remove(2, None));
        assert!(turns.remove(1, None));
        assert_eq!(turns.next(|_| true).map(|it| it.channel), Some(3));
        assert!(turns.remove(3, None) && !turns.remove(3, None));
        assert_eq!(turns.next(|_| true), None);
    }
}
