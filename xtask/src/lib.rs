//! The simulated world put together, and the project's own checks. `main.rs` is the command line over it.

pub mod browser;
pub mod explain;
pub mod simulated;
pub mod tidy;
