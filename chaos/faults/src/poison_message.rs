//! The payload of a message arrives as something that no consumer can read.
//!
//! Its consumer refuses it for good: without a dead-letter queue it is gone.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static POISON_MESSAGE: Definition = Definition {
    name: "poison-message",
    does: "{share} of the messages arrive unreadable, those with the key {key}, at most {count}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::Corrupt)),
};
