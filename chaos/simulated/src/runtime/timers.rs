//! Timers: a heap of (deadline, registration), so that equal deadlines fire in the order they were set.

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
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    set: u64,
    live: usize,
}

/// Whom to wake. The slot belongs to the timer with this number; 0 is nobody's.
#[derive(Default)]
struct Slot {
    number: u64,
    waker: Option<Waker>,
}

impl Timers {
    fn register(&mut self, at: u64, waker: Waker) -> (u32, u64) {
        self.set += 1;
        let number = self.set;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.slots[slot as usize] = Slot { number, waker: Some(waker) };
        self.heap.push(Reverse((at, number, slot)));
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
        if self.heap.len() > 64 && self.heap.len() > 2 * self.live {
            let slots = &self.slots;
            self.heap.retain(|Reverse((_, number, slot))| slots[*slot as usize].number == *number);
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
        while let Some(&Reverse((at, number, slot))) = self.heap.peek() {
            if self.slots[slot as usize].number == number && (at > until || instant.is_some_and(|instant| at > instant)) {
                break;
            }
            self.heap.pop();
            if let Some(waker) = self.take(slot, number) {
                due.push(waker);
                instant = Some(at);
            }
        }
        instant
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
        if self.inner.now_ns.load(Relaxed) >= self.at {
            return Poll::Ready(());
        }
        let mut timers = lock(&self.inner.timers);
        match self.ticket {
            Some(ticket) => timers.renew(ticket, cx.waker()),
            None => self.ticket = Some(timers.register(self.at, cx.waker().clone())),
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
