//! Sellers or operators take what has come last.
//!
//! Nobody notices as long as everything is taken at once. With a backlog the oldest orders are overtaken again and again.

use crate::{
    deed::{Deed, Habit},
    definition::{BOTH, Definition},
};

/// The fault.
pub static NEWEST_FIRST: Definition = Definition {
    name: "newest-first",
    does: "every {pool} takes the newest order first",
    worlds: BOTH,
    deed: |given| Deed::People { pool: given.name("pool"), how: Habit::NewestFirst },
};
