//! A scenario, any world, a judge: what is the same whichever world a run takes place in.

pub mod archive;
pub mod exit;
pub mod folder;

pub use archive::Archive;
pub use exit::Exit;
pub use folder::{FolderError, RunFolder};
