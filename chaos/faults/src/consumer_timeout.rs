//! The broker's patience with consumers is shorter than their work: it closes their channel and delivers again.
//!
//! Whoever acknowledges after the work is delivered what it is still at, for as long as the work takes longer than that.

use crate::{
    deed::{Change, Deed, Policy},
    definition::{BOTH, Definition},
};

/// The fault.
pub static CONSUMER_TIMEOUT: Definition = Definition {
    name: "consumer-timeout",
    does: "who has not acknowledged a message of {queue} after {timeout} loses its channel",
    worlds: BOTH,
    deed: |given| {
        let policy = Policy::ConsumerTimeout(given.span("timeout"));
        Deed::Broker(Change::Policy { queue: given.name("queue"), policy })
    },
};
