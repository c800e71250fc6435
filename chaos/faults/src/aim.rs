//! What a fault hits: by routing key, a share of the events, at most so many. What is tried again is spared.
//!
//! Whoever inflicts it draws alike: the same seed hits the same events in each world.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use world::random::Random;

/// Whom a fault is aimed at, and whom it has met.
#[derive(Debug, Serialize, Deserialize)]
pub struct Aim {
    /// The fault's name.
    pub fault: Arc<str>,
    key: Option<String>,
    share: f64,
    most: Option<u64>,
    /// Events that it has met: what is sent again, or comes again, is spared.
    met: BTreeSet<Box<str>>,
    hits: u64,
}

impl Aim {
    /// At a share, 0 to 1, of the events with a routing key (`None`: any), and at most so many of them.
    #[must_use]
    pub fn new(fault: &Arc<str>, key: Option<String>, share: f64, most: Option<u64>) -> Self {
        Self { fault: Arc::clone(fault), key, share, most, met: BTreeSet::new(), hits: 0 }
    }

    /// Whether it hits an event: drawn once for each.
    pub fn hits(&mut self, seed: u64, key: &str, event: &str) -> bool {
        let aimed = self.key.as_ref().is_none_or(|of| of == key)
            && self.most.is_none_or(|most| self.hits < most)
            && !self.met.contains(event);
        if !aimed {
            return false;
        }
        self.met.insert(event.into());
        let hit = Random::new(seed, &self.fault, event).unit() < self.share;
        self.hits += u64::from(hit);
        hit
    }
}
