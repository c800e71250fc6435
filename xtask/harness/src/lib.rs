//! A scenario, any world, a judge: what is the same whichever world a run takes place in.
//!
//! Read on in this order: [`options`], [`prepare`], [`arena`], [`conclude`], [`artefacts`], [`simulate`].

pub mod archive;
pub mod arena;
pub mod artefacts;
mod beside;
pub mod broker;
pub mod browser;
pub mod compare;
pub mod conclude;
pub mod exit;
pub mod folder;
pub mod latency;
pub mod lifecycle;
pub mod options;
pub mod plan;
pub mod prepare;
pub mod progress;
pub mod queues;
pub mod simulate;
pub mod stack;
pub mod together;

pub use archive::Archive;
pub use arena::{Arena, PlayError, Played, Prepared};
pub use exit::Exit;
pub use folder::{FolderError, RunFolder};
