//! The exchange that dead letters go to has lost its queues: the broker drops what comes to it.
//!
//! Nobody is told. What was refused looks as if it waited where it always does.

use crate::{
    deed::{Change, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static DEAD_LETTERS_DROPPED: Definition = Definition {
    name: "dead-letters-dropped",
    does: "no queue is bound to the exchange {exchange}",
    worlds: BOTH,
    deed: |given| Deed::Broker(Change::Stranded { exchange: given.name("exchange") }),
};
