//! A list that grows without moving what is in it: a vector of a million rows would copy itself twenty times on its way, and
//! touch twice the memory.

use std::ops::{Index, IndexMut};

/// A list of many things.
pub(crate) struct Pile<T> {
    chunks: Vec<Vec<T>>,
}

/// The logarithm of how many things a chunk holds.
const BITS: usize = 10;

impl<T> Default for Pile<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Pile<T> {
    pub(crate) fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| ((self.chunks.len() - 1) << BITS) + last.len())
    }

    pub(crate) fn push(&mut self, thing: T) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < 1 << BITS => last.push(thing),
            _ => {
                let mut chunk = Vec::with_capacity(1 << BITS);
                chunk.push(thing);
                self.chunks.push(chunk);
            }
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.chunks.get(at >> BITS)?.get(at & ((1 << BITS) - 1))
    }
}

impl<T> Index<usize> for Pile<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.chunks[at >> BITS][at & ((1 << BITS) - 1)]
    }
}

impl<T> IndexMut<usize> for Pile<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at >> BITS][at & ((1 << BITS) - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_where_it_was_put() {
        let mut pile = Pile::default();
        for n in 0..5_000 {
            assert_eq!((pile.len(), pile.get(n)), (n, None));
            pile.push(n);
        }
        pile[4_096] = 0;
        assert_eq!((pile[4_095], pile[4_096], pile.get(4_999)), (4_095, 0, Some(&4_999)));
    }
}
