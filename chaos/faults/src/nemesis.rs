//! Whoever inflicts faults on a world.

use world::Boxed;

use crate::{Effect, Fault};

/// Inflicts and lifts faults in one world.
pub trait Nemesis: Send + Sync {
    /// Begins a fault. Returns at once; the fault lasts until it is lifted.
    ///
    /// # Errors
    /// When this world cannot inflict it, or the attempt failed.
    fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>>;

    /// Ends a fault: the world works again when this returns (the broker accepts connections, the process runs).
    ///
    /// # Errors
    /// When the world could not be healed.
    fn lift<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>>;

    /// What the faults so far did.
    fn effects(&self) -> Boxed<'_, Vec<Effect>>;
}

/// Why a fault could not be inflicted or lifted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NemesisError {
    /// This world cannot inflict this fault.
    #[error("{fault}: the {world} world cannot inflict it")]
    Unable {
        /// The fault's name.
        fault: String,
        /// `simulated` or `containers`.
        world: &'static str,
    },
    /// It was tried and failed.
    #[error("{fault}: {reason}")]
    Failed {
        /// The fault's name.
        fault: String,
        /// Why.
        reason: String,
    },
}
