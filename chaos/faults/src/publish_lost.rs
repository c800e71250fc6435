//! A message is written to its connection, and the connection breaks before the message arrives.
//!
//! A publisher that waits for no confirm takes it for sent. One that does learns of it and sends again.

use crate::{
    deed::{Deed, Interference, Meddling},
    definition::{BOTH, Definition},
};

/// The fault.
pub static PUBLISH_LOST: Definition = Definition {
    name: "publish-lost",
    does: "{share} of the messages are lost on the wire, those with the key {key}, at most {count}",
    worlds: BOTH,
    deed: |given| Deed::Meddle(Meddling::of(given, Interference::LoseOnTheWire)),
};
