//! Futures that wait for something to happen to an object: each has a place, and leaves it when it is dropped.

use std::task::Waker;

/// The places.
#[derive(Default)]
pub(crate) struct Waiters {
    places: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Waiters {
    /// Takes a place, or renews the waker in the one that is held.
    pub(crate) fn wait(&mut self, place: &mut Option<usize>, waker: &Waker) {
        match *place {
            Some(held) => match &mut self.places[held] {
                Some(old) => old.clone_from(waker),
                empty => *empty = Some(waker.clone()),
            },
            None => {
                *place = Some(self.free.pop().unwrap_or_else(|| {
                    self.places.push(None);
                    self.places.len() - 1
                }));
                self.wait(place, waker);
            }
        }
    }

    /// Gives a place back.
    pub(crate) fn leave(&mut self, place: Option<usize>) {
        if let Some(held) = place {
            self.places[held] = None;
            self.free.push(held);
        }
    }

    /// The wakers of all who wait, to be woken outside any lock. They keep their places.
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        self.places.iter_mut().filter_map(Option::take).collect()
    }
}
