//! Each statement of a database takes longer than it should.
//!
//! Nothing fails; every step of every order is a little later.

use crate::{
    deed::{DatabaseFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static SLOW_DATABASE: Definition = Definition {
    name: "slow-database",
    does: "each statement of the {database} database takes {takes} longer",
    worlds: BOTH,
    deed: |given| Deed::Database { database: given.name("database"), how: DatabaseFault::Slow(given.span("takes")) },
};
