//! A consumer has done what a message asks for and dies before it acknowledges.
//!
//! The broker delivers the message again. A consumer that does not recognise the event does the work twice.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static CRASH_BEFORE_ACK: Definition = Definition {
    name: "crash-before-ack",
    does: "the consumer of {share} of the messages dies before it answers, those with the key {key}, at most {count}, and comes back after {back}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::CrashBeforeAck(given.span("back")))),
};
