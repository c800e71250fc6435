//! The containers world put together: which services it runs, how a scenario becomes their settings, what the driver gets to
//! see, and what comes back to the harness.
//!
//! This crate links no service: they are in containers of their own.

pub mod arena;
pub mod assembly;

pub use arena::Containers;
pub use assembly::Assembly;
