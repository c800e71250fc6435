//! Timers: heaps of (deadline, registration), so that equal deadlines fire in the order they were set.
//!
//! People sleep by the thousand and for days, machines one at a time for a millisecond, and each call has a time-out of hours
//! that never comes: each kind has a heap of its own, so that a millisecond need not pass by all who sleep for days, and a
//! time-out stands at the end, where it was put. Nobody can tell from the order in which timers fire.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, Waker},
};

use super::{Inner, lock};

/// All timers that are set. A cancelled one stays in the heap until it comes up or until it is one of too many.
#[derive(Default)]
pub(super) struct Timers {
    heaps: [BinaryHeap<Due>; BOUNDS.len() + 1],
    slots: Vec<Slot>,
    free: Vec<u32>,
    set: u64,
    live: usize,
}

/// Deadline, number and slot of a timer; the earliest is the greatest.
type Due = Reverse<(u64, u64, u32)>;

/// How long the sleeps of one heap are, in nanoseconds: two seconds, half an hour, half a day.
const BOUNDS: [u64; 3] = [2_000_000_000, 1_800_000_000_000, 43_200_000_000_000];

/// Whom to wake. The slot belongs to the timer with this number; 0 is nobody's.
#[derive(Default)]
struct Slot {
    number: u64,
    waker: Option<Waker>,
}

impl Timers {
    pub(super) fn register(&mut self, now: u64, at: u64, waker: Waker) -> (u32, u64) {
        self.set += 1;
        let number = self.set;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.slots[slot as usize] = Slot { number, waker: Some(waker) };
        let kind = BOUNDS.iter().filter(|bound| at - now >= **bound).count();
        self.heaps[kind].push(Reverse((at, number, slot)));
        self.live += 1;
        (slot, number)
    }

    fn renew(&mut self, (slot, number): (u32, u64), waker: &Waker) {
        if let Some(Slot { number: owner, waker: Some(old) }) = self.slots.get_mut(slot as usize)
            && *owner == number
        {
            old.clone_from(waker);
        }
    }

    fn cancel(&mut self, (slot, number): (u32, u64)) -> Option<Waker> {
        let waker = self.take(slot, number);
        if self.heaps.iter().map(BinaryHeap::len).sum::<usize>() > 64 + 2 * self.live {
            let slots = &self.slots;
            let set = |Reverse((_, number, slot)): &Due| slots[*slot as usize].number == *number;
            self.heaps.iter_mut().for_each(|heap| heap.retain(set));
        }
        waker
    }

    fn take(&mut self, slot: u32, number: u64) -> Option<Waker> {
        let place = self.slots.get_mut(slot as usize)?;
        if place.number != number {
            return None;
        }
        place.number = 0;
        self.free.push(slot);
        self.live -= 1;
        place.waker.take()
    }

    /// Takes the wakers of all timers with the earliest deadline, in the order they were set; none beyond `until`.
    pub(super) fn advance(&mut self, until: u64, due: &mut Vec<Waker>) -> Option<u64> {
        let mut instant = None;
        while let Some((Reverse((at, number, slot)), kind)) = self.first() {
            if self.slots[slot as usize].number == number && (at > until || instant.is_some_and(|instant| at > instant)) {
                break;
            }
            self.heaps[kind].pop();
            if let Some(waker) = self.take(slot, number) {
                due.push(waker);
                instant = Some(at);
            }
        }
        instant
    }

    /// The earliest timer of all heaps, and in which one it is.
    fn first(&self) -> Option<(Due, usize)> {
        let mut first: Option<(Due, usize)> = None;
        for (kind, heap) in self.heaps.iter().enumerate() {
            if let Some(due) = heap.peek()
                && first.is_none_or(|(other, _)| *due > other)
            {
                first = Some((*due, kind));
            }
        }
        first
    }

    /// Whether no timer fires until then. A cancelled one counts: it is in the way until it comes up.
    pub(super) fn none_until(&self, at: u64) -> bool {
        self.heaps.iter().all(|heap| heap.peek().is_none_or(|Reverse((first, ..))| *first > at))
    }

    /// Whether no timer is set.
    pub(super) fn is_empty(&self) -> bool {
        self.live == 0
    }
}

/// A timer, set when it is first polled and cancelled when it is dropped.
pub(super) struct Sleep {
    inner: Arc<Inner>,
    at: u64,
    ticket: Option<(u32, u64)>,
}

impl Sleep {
    pub(super) fn new(inner: Arc<Inner>, at: u64) -> Self {
        Self { inner, at, ticket: None }
    }

    pub(super) fn check(&mut self, cx: &Context<'_>) -> Poll<()> {
        let now = self.inner.now_ns.load(Relaxed);
        if now >= self.at {
            return Poll::Ready(());
        }
        let mut timers = lock(&self.inner.timers);
        match self.ticket {
            Some(ticket) => timers.renew(ticket, cx.waker()),
            None => self.ticket = Some(timers.register(now, self.at, cx.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take()
            && self.inner.now_ns.load(Relaxed) < self.at
        {
            // The waker may be the last handle of a task: it goes outside the lock.
            let waker = lock(&self.inner.timers).cancel(ticket);
            drop(waker);
        }
    }
}
