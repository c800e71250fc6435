//! The broker has a message and confirms it, and the confirm does not arrive.
//!
//! The publisher sends the event again, under a new message id: whoever does not recognise the event handles it twice. Only who waits
//! for confirms can lose one.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static CONFIRM_LOST: Definition = Definition {
    name: "confirm-lost",
    does: "the confirms of {share} of the messages are lost, those with the key {key}, at most {count}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::LoseConfirm)),
};
