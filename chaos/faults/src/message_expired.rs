//! Messages may wait in a queue for a time, then the broker drops them (`x-message-ttl`).
//!
//! It hits the messages that wait behind a slow consumer, each at the same age.

use crate::{
    deed::{Change, Deed, Policy},
    definition::{BOTH, Definition},
};

/// The fault.
pub static MESSAGE_EXPIRED: Definition = Definition {
    name: "message-expired",
    does: "messages in {queue} expire after {ttl}",
    worlds: BOTH,
    deed: |given| {
        let policy = Policy::MessageTtl(given.span("ttl"));
        Deed::Broker(Change::Policy { queue: given.name("queue"), policy })
    },
};
