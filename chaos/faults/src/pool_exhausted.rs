//! No connection of a service's pool becomes free: everybody waits for one, and gives up.
//!
//! The wait lies before the first statement, so no database span shows it.

use crate::{
    deed::{DatabaseFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static POOL_EXHAUSTED: Definition = Definition {
    name: "pool-exhausted",
    does: "no connection to the {database} database becomes free",
    worlds: BOTH,
    deed: |given| Deed::Database { database: given.name("database"), how: DatabaseFault::Exhausted },
};
