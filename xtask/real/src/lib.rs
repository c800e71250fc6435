//! The containers world put together: which services it runs, how a scenario becomes their settings, and what the driver
//! gets to see.

pub mod assembly;

pub use assembly::Assembly;
