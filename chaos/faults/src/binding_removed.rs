//! Nothing is bound to a routing key any more: the broker drops what is published under it.
//!
//! It confirms what it drops; only who publishes as mandatory gets the message back.

use crate::{
    deed::{Change, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static BINDING_REMOVED: Definition = Definition {
    name: "binding-removed",
    does: "no queue is bound to {key}",
    worlds: BOTH,
    deed: |given| Deed::Broker(Change::Unbound { key: given.name("key") }),
};
