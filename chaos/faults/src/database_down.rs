//! A database answers nobody for a while.
//!
//! People try again. A consumer that has acknowledged its message before the work does not.

use crate::{
    deed::{DatabaseFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static DATABASE_DOWN: Definition = Definition {
    name: "database-down",
    does: "the {database} database answers nobody",
    worlds: BOTH,
    deed: |given| Deed::Database { database: given.name("database"), how: DatabaseFault::Down },
};
