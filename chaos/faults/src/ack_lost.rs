//! A consumer acknowledges a message, and its connection breaks before the answer arrives.
//!
//! The broker delivers the message again, though its work is done.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static ACK_LOST: Definition = Definition {
    name: "ack-lost",
    does: "the answers to {share} of the messages are lost, those with the key {key}, at most {count}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::LoseAck)),
};
