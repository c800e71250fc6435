//! What the faults did, as proof.

use std::sync::{Arc, Mutex};

use faults::{Effect, What};

use crate::runtime::lock;

/// All effects so far. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Effects(Arc<Mutex<Vec<Effect>>>);

impl Effects {
    /// Adds one; `hit` is the order and the hop.
    pub(crate) fn add(&self, fault: &str, at_ns: u64, what: What, hit: Option<(&str, &str)>) {
        let (order_id, hop) = hit.map_or((None, None), |(order, hop)| (Some(order.to_owned()), Some(hop.to_owned())));
        lock(&self.0).push(Effect { fault: fault.to_owned(), at_ns, what, order_id, hop });
    }

    /// Adds one that no hop is known of, with its order where that is known.
    pub(crate) fn add_about(&self, fault: &str, at_ns: u64, what: What, order_id: Option<String>) {
        lock(&self.0).push(Effect { fault: fault.to_owned(), at_ns, what, order_id, hop: None });
    }

    /// All of them, in the order they happened.
    pub(crate) fn all(&self) -> Vec<Effect> {
        lock(&self.0).clone()
    }
}
