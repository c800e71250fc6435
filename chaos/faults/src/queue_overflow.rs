//! A queue may hold so many messages, and the oldest gives way to the newest (`x-overflow: drop-head`, the default).
//!
//! Everything was confirmed, nothing fails, and the orders that had waited longest are gone.

use crate::{
    deed::{Change, Deed, Policy},
    definition::{BOTH, Definition},
};

/// The fault.
pub static QUEUE_OVERFLOW: Definition = Definition {
    name: "queue-overflow",
    does: "{queue} holds {length} messages at most, and drops the oldest",
    worlds: BOTH,
    deed: |given| {
        let most = u32::try_from(given.whole("length").unwrap_or_default()).unwrap_or(u32::MAX);
        Deed::Broker(Change::Policy { queue: given.name("queue"), policy: Policy::DropHead(most) })
    },
};
