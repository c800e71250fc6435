//! A database keeps the orders of years, and its table of orders has grown.
//!
//! Whoever lists orders without an index to walk looks at all of them, also for one page of the few that wait.

use crate::{
    deed::{DatabaseFault, Deed},
    definition::{Definition, SIMULATED},
};

/// The fault.
pub static TABLE_GROWN: Definition = Definition {
    name: "table-grown",
    does: "the table of orders in the {database} database holds {rows} more rows, of orders long closed",
    worlds: SIMULATED,
    deed: |given| {
        let rows = given.whole("rows").unwrap_or_default();
        Deed::Database { database: given.name("database"), how: DatabaseFault::Grown(rows) }
    },
};
