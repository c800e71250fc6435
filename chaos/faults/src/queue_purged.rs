//! Somebody empties a queue: an operator in the wrong window, or a clean-up job that comes again and again.
//!
//! Whatever waits in it is gone, confirmed or not; what a consumer has been handed stays.

use crate::{
    deed::{Change, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static QUEUE_PURGED: Definition = Definition {
    name: "queue-purged",
    does: "somebody empties {queue}, again every {each}",
    worlds: BOTH,
    deed: |given| Deed::Broker(Change::Purged { queue: given.name("queue"), each: given.time("each") }),
};
