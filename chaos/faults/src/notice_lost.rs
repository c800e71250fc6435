//! The news of a price does not reach the customer, though it left the shop.
//!
//! Whoever has not heard of a price cannot agree to it, and a seller waits for that.

use crate::{
    deed::{Deed, Habit},
    definition::{BOTH, Definition},
};

/// The fault.
pub static NOTICE_LOST: Definition = Definition {
    name: "notice-lost",
    does: "the news of a price does not reach {share} of the customers",
    worlds: BOTH,
    deed: |given| Deed::People { pool: "customer".to_owned(), how: Habit::Unheard(given.share()) },
};
