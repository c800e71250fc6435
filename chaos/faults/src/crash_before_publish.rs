//! A service records a state and dies before it publishes the news.
//!
//! Without an outbox nobody ever sends it: the order stands still on the other side. The spans that its process had not exported die
//! with it; what the log and the other side say is left.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static CRASH_BEFORE_PUBLISH: Definition = Definition {
    name: "crash-before-publish",
    does: "the publisher of {share} of the messages dies before it writes, those with the key {key}, at most {count}, and comes back after {back}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::CrashBeforePublish(given.span("back")))),
};
