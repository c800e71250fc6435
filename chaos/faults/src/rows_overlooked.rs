//! Whoever looks through a database for work overlooks some of the rows.
//!
//! A poller that remembers up to which time it has looked never sees a row that a longer transaction commits behind that mark.

use crate::{
    deed::{DatabaseFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static ROWS_OVERLOOKED: Definition = Definition {
    name: "rows-overlooked",
    does: "whoever looks through the {database} database for work overlooks {share} of the rows for good",
    worlds: BOTH,
    deed: |given| Deed::Database { database: given.name("database"), how: DatabaseFault::Overlooked(given.share()) },
};
