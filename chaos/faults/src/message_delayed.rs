//! A message arrives much later than others that were sent after it.
//!
//! Messages about one order overtake each other: a consumer that takes them as they come refuses the later state.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static MESSAGE_DELAYED: Definition = Definition {
    name: "message-delayed",
    does: "{share} of the messages arrive {delay} later, those with the key {key}, at most {count}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::Delay(given.span("delay")))),
};
