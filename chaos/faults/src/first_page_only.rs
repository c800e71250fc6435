//! Sellers or operators take only what stands on the first page of their list.
//!
//! With a list that shows the newest first, what has fallen off the page is seen again when the page is empty.

use crate::{
    deed::{Deed, Habit},
    definition::{BOTH, Definition},
};

/// The fault.
pub static FIRST_PAGE_ONLY: Definition = Definition {
    name: "first-page-only",
    does: "every {pool} looks at the first {rows} orders of the list",
    worlds: BOTH,
    deed: |given| Deed::People { pool: given.name("pool"), how: Habit::FirstPage(usize::try_from(given.whole("rows").unwrap_or_default()).unwrap_or(usize::MAX)) },
};
