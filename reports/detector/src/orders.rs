//! The orders by their ids: a hash table whose order never shows.

use std::sync::Arc;

use crate::{order::Order, record::hash};

/// All orders. Numbers are given in the order of appearance.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) all: Vec<Order>,
    /// The order that was asked for last: it is often asked for again.
    last: usize,
    /// By hash, open addressing: upper half the hash, lower half the order's number + 1; 0 is empty. A power of two long.
    slots: Vec<u64>,
}

impl Orders {
    /// The number of an order that may be new.
    pub(crate) fn number(&mut self, id: &str) -> usize {
        if self.all.get(self.last).is_none_or(|last| *last.id != *id) {
            self.last = self.look_up(id);
        }
        self.last
    }

    fn look_up(&mut self, id: &str) -> usize {
        if self.all.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(id);
        match self.find(hash, id) {
            Ok(number) => number,
            Err(slot) => {
                self.all.push(Order::new(Arc::from(id)));
                self.slots[slot] = entry(hash, self.all.len() - 1);
                self.all.len() - 1
            }
        }
    }

    /// The number of an order that is known.
    pub(crate) fn known(&self, id: &str) -> Option<usize> {
        if self.slots.is_empty() { None } else { self.find(hash(id), id).ok() }
    }

    /// The order's number, or the free slot where it belongs.
    fn find(&self, hash: u64, id: &str) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == 0 {
                return Err(slot);
            }
            let number = (found & 0xffff_ffff) as usize - 1;
            if found >> 32 == hash >> 32 && *self.all[number].id == *id {
                return Ok(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![0; (self.slots.len() * 2).max(64)];
        let mask = self.slots.len() - 1;
        for (number, order) in self.all.iter().enumerate() {
            let hash = hash(&order.id);
            let mut slot = hash as usize & mask;
            while self.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = entry(hash, number);
        }
    }
}

fn entry(hash: u64, number: usize) -> u64 {
    (hash & 0xffff_ffff_0000_0000) | (number as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_keeps_its_number() {
        let mut orders = Orders::default();
        assert_eq!(orders.known("o-0"), None);
        for round in 0..2 {
            for n in 0..10_000 {
                assert_eq!(orders.number(&format!("o-{n}")), n, "{round}");
            }
        }
        assert_eq!(orders.known("o-77"), Some(77));
        assert_eq!(orders.known("o-10000"), None);
    }
}
