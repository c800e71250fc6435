//! The broker has forgotten who consumes a queue, and the consumers believe that they still do.
//!
//! Nothing fails and every health check is green; messages pile up until somebody closes the connections.

use crate::{
    deed::{Change, Deed},
    definition::{Definition, SIMULATED},
};

/// The fault.
pub static CONSUMER_FORGOTTEN: Definition = Definition {
    name: "consumer-forgotten",
    does: "the broker forgets who consumes {queue}",
    worlds: SIMULATED,
    deed: |given| Deed::Broker(Change::Deaf { queue: given.name("queue") }),
};
