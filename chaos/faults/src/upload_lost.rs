//! The object store says yes to an upload and does not keep it.
//!
//! The order goes on without its model, until somebody wants to read it.

use crate::{
    deed::{Deed, FilesFault},
    definition::{Definition, SIMULATED},
};

/// The fault.
pub static UPLOAD_LOST: Definition = Definition {
    name: "upload-lost",
    does: "{share} of the uploads are not kept",
    worlds: SIMULATED,
    deed: |given| Deed::Files(FilesFault::LosesUploads(given.share())),
};
