//! The news of a price does not reach the customer, though it left the shop.
//!
//! Whoever has not heard of a price cannot agree to it, and a seller waits for that.

use crate::{
    deed::{Deed, Habit},
    definition::{Definition, SIMULATED},
};

/// The fault.
pub static NOTICE_LOST: Definition = Definition {
    name: "notice-lost",
    does: "the news of a price does not reach {share} of the customers",
    worlds: SIMULATED,
    deed: |given| Deed::People { pool: "customer".to_owned(), how: Habit::Unheard(given.share()) },
};
