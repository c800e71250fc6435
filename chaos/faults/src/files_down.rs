//! The object store answers nobody for a while.
//!
//! Uploads are tried again by the customer; a calculation cannot read its model.

use crate::{
    deed::{Deed, FilesFault},
    definition::{BOTH, Definition},
};

/// The fault.
pub static FILES_DOWN: Definition = Definition {
    name: "files-down",
    does: "the object store answers nobody",
    worlds: BOTH,
    deed: |_| Deed::Files(FilesFault::Down),
};
