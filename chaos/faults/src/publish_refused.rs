//! A queue may hold so many messages, and refuses the next one (`x-overflow: reject-publish`).
//!
//! A publisher that waits for confirms gets a `basic.nack`. One that does not never learns that its message was refused.

use crate::{
    deed::{Change, Deed, Policy},
    definition::{BOTH, Definition},
};

/// The fault.
pub static PUBLISH_REFUSED: Definition = Definition {
    name: "publish-refused",
    does: "{queue} holds {length} messages at most, and refuses the next",
    worlds: BOTH,
    deed: |given| {
        let most = u32::try_from(given.whole("length").unwrap_or_default()).unwrap_or(u32::MAX);
        Deed::Broker(Change::Policy { queue: given.name("queue"), policy: Policy::RejectPublish(most) })
    },
};
