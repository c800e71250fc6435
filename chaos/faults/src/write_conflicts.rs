//! Commits fail because somebody else has written the same (SQLSTATE 40001, serialization failure).
//!
//! Whoever reads the row again and tries once more gets through.

use crate::{
    deed::{DatabaseFault, Deed},
    definition::{BOTH, Definition},
};

/// The fault.
pub static WRITE_CONFLICTS: Definition = Definition {
    name: "write-conflicts",
    does: "{share} of the commits in the {database} database meet a serialization failure",
    worlds: BOTH,
    deed: |given| Deed::Database { database: given.name("database"), how: DatabaseFault::Conflicts(given.share()) },
};
