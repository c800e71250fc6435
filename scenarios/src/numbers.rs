//! Numbers for texts: a hash table whose order never shows. Every order has a reference and an id, and there are many orders.

use std::sync::Arc;

use world::random::{mix, name};

/// Texts, numbered in the order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    texts: Vec<Arc<str>>,
    /// Open addressing: upper half the hash, lower half the number + 1; 0 is empty. A power of two long.
    slots: Vec<u64>,
}

/// Numbers and hashes have half a slot each.
const HALF: u32 = 32;

impl Numbers {
    /// The number of a text that may be new.
    pub(crate) fn number(&mut self, text: &Arc<str>) -> usize {
        if self.texts.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(text);
        match self.find(hash, text) {
            Ok(number) => number,
            Err(slot) => {
                self.texts.push(Arc::clone(text));
                self.slots[slot] = entry(hash, self.texts.len());
                self.texts.len() - 1
            }
        }
    }

    /// The number of a text that is known.
    pub(crate) fn known(&self, text: &str) -> Option<usize> {
        if self.slots.is_empty() { None } else { self.find(hash(text), text).ok() }
    }

    /// All texts, in the order of their numbers.
    pub(crate) fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// The text's number, or the free slot where it belongs.
    fn find(&self, hash: u64, text: &str) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return Err(slot);
            }
            let number = (found as u32) as usize - 1;
            if found >> HALF == hash >> HALF && *self.texts[number] == *text {
                return Ok(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; (self.slots.len() * 2).max(64)];
        let mask = self.slots.len() - 1;
        for (at, text) in self.texts.iter().enumerate() {
            let hash = hash(text);
            let mut slot = hash as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = entry(hash, at + 1);
        }
    }
}

fn hash(text: &str) -> u64 {
    mix(name(text))
}

fn entry(hash: u64, number: usize) -> u64 {
    (hash >> HALF << HALF) | number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_keeps_its_number() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.known("c-0"), None);
        for round in 0..2 {
            for n in 0..5_000 {
                assert_eq!(numbers.number(&format!("c-{n}").into()), n, "{round}");
            }
        }
        assert_eq!((numbers.known("c-77"), numbers.known("c-5000")), (Some(77), None));
        assert_eq!(&*numbers.texts()[77], "c-77");
    }
}
