//! The containers world put together: which services it runs, how a scenario becomes their settings, what the driver gets to
//! see, and what comes back to the harness; and the command that keeps a stack open.
//!
//! This crate links no service: they are in containers of their own.

pub mod arena;
pub mod assembly;
mod clocks;
pub mod interrupt;
pub mod people;
pub mod stack;

pub use arena::Containers;
pub use assembly::{Assembly, Place};
