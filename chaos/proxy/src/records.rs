//! What was done and what passed, kept for whoever asks. Bounded: what nobody has read in time is dropped, and counted.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::api::{Effect, Line, Page};

/// How much goes on a page.
const PAGE: usize = 10_000;

/// Effects and log of a proxy.
pub(crate) struct Records {
    effects: Mutex<Ring<Effect>>,
    log: Mutex<Ring<Line>>,
    forgotten: AtomicU64,
}

impl Records {
    pub(crate) fn new(keeps: usize) -> Self {
        Self { effects: Mutex::new(Ring::new(keeps)), log: Mutex::new(Ring::new(keeps)), forgotten: AtomicU64::new(0) }
    }

    pub(crate) fn effect(&self, effect: Effect) {
        lock(&self.effects).push(effect);
    }

    /// Takes lines over, in their order.
    pub(crate) fn log(&self, lines: &mut Vec<Line>) {
        if !lines.is_empty() {
            let mut log = lock(&self.log);
            lines.drain(..).for_each(|line| log.push(line));
        }
    }

    /// A message whose end no line will tell.
    pub(crate) fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn effects_after(&self, after: u64) -> Page<Effect> {
        let (items, next, dropped) = lock(&self.effects).page(after);
        Page { items, next, dropped, forgotten: self.forgotten.load(Ordering::Relaxed) }
    }

    pub(crate) fn log_after(&self, after: u64) -> Page<Line> {
        let (items, next, dropped) = lock(&self.log).page(after);
        Page { items, next, dropped, forgotten: self.forgotten.load(Ordering::Relaxed) }
    }
}

/// Nothing here leaves a lock with half of its work done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The latest of a sequence.
struct Ring<T> {
    /// How many are gone.
    gone: u64,
    items: VecDeque<T>,
    keeps: usize,
}

impl<T: Clone> Ring<T> {
    fn new(keeps: usize) -> Self {
        Self { gone: 0, items: VecDeque::new(), keeps: keeps.max(1) }
    }

    fn push(&mut self, item: T) {
        if self.items.len() == self.keeps {
            self.items.pop_front();
            self.gone += 1;
        }
        self.items.push_back(item);
    }

    /// What came after the first so many; what to ask for next; how many of them are gone.
    fn page(&self, after: u64) -> (Vec<T>, u64, u64) {
        let from = after.max(self.gone);
        let skip = usize::try_from(from - self.gone).unwrap_or(usize::MAX);
        let items: Vec<T> = self.items.iter().skip(skip).take(PAGE).cloned().collect();
        let next = from + items.len() as u64;
        (items, next, self.gone.saturating_sub(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_counted() {
        let mut ring = Ring::new(3);
        (0..5).for_each(|item| ring.push(item));
        assert_eq!(ring.page(0), (vec![2, 3, 4], 5, 2));
        assert_eq!(ring.page(2), (vec![2, 3, 4], 5, 0));
        assert_eq!(ring.page(4), (vec![4], 5, 0));
        assert_eq!(ring.page(5), (vec![], 5, 0));
        assert_eq!(ring.page(9), (vec![], 9, 0));
    }

    #[test]
    fn a_page_ends_and_the_next_goes_on_there() {
        let mut ring = Ring::new(PAGE + 5);
        (0..PAGE + 5).for_each(|item| ring.push(item));
        let (first, next, _) = ring.page(0);
        assert_eq!((first.len(), next), (PAGE, PAGE as u64));
        assert_eq!(ring.page(next).0.len(), 5);
    }
}
