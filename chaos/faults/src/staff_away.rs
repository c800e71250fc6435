//! Some of the sellers or operators are not there.
//!
//! What waits for them waits longer; whether the old or the new waits depends on how the others pick.

use crate::{
    deed::{Deed, Habit},
    definition::{BOTH, Definition},
};

/// The fault.
pub static STAFF_AWAY: Definition = Definition {
    name: "staff-away",
    does: "{share} of the {pool}s are away",
    worlds: BOTH,
    deed: |given| Deed::People { pool: given.name("pool"), how: Habit::Away(given.share()) },
};
