//! The carrier's call-back gets lost: nobody hears that the customer has the piece.
//!
//! Carriers call once. What no one hears of stays shipped for ever.

use crate::{
    deed::{Deed, Habit},
    definition::{BOTH, Definition},
};

/// The fault.
pub static CALL_BACK_LOST: Definition = Definition {
    name: "call-back-lost",
    does: "the carrier's call-back gets lost for {share} of the orders",
    worlds: BOTH,
    deed: |given| Deed::People { pool: "carrier".to_owned(), how: Habit::Unheard(given.share()) },
};
