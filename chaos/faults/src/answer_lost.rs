//! A call is carried out, and its answer is lost.
//!
//! The caller cannot know. If it tries again, the same is asked for twice.

use crate::{
    deed::{Call, CallFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static ANSWER_LOST: Definition = Definition {
    name: "answer-lost",
    does: "the answers to {share} of the calls to {service} are lost, those of {from}",
    worlds: BOTH,
    deed: |given| Deed::Calls(CallFault::of(given, Call::AnswerLost)),
};
