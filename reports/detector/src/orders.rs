//! The orders by their ids.

use std::sync::Arc;

use signals::words::Words;

use crate::order::Order;

/// All orders. Numbers are given in the order of appearance.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) all: Vec<Order>,
    /// The order that was asked for last: it is often asked for again.
    last: usize,
    ids: Words,
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
        let number = self.ids.number(id) as usize;
        if number == self.all.len() {
            self.all.extend(self.ids.texts().last().map(|id| Order::new(Arc::clone(id))));
        }
        number
    }

    /// The number of an order that is known.
    pub(crate) fn known(&self, id: &str) -> Option<usize> {
        self.ids.known(id).map(|number| number as usize)
    }
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
