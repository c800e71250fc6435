//! What goes wrong: each fault as data, one file and one kebab-case name each.
//!
//! A fault leaves proof. Its [`Effect`]s say which message or order was hit, at which hop; a fault without an effect makes
//! a run *unknown*, never green.

pub mod broker_kill;
pub mod broker_restart;
pub mod consumer_kill;
pub mod effect;
pub mod fates;
pub mod nemesis;
pub mod slow_pricing;

use std::time::Duration;

pub use effect::{Effect, What};
pub use fates::{End, Handover, MessageFate, MessageLog, Outcome};
pub use nemesis::{Nemesis, NemesisError};

/// A fault of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// `<kind>@<n>`: the nth fault of its kind in the scenario, from 1.
    pub name: String,
    /// What goes wrong.
    pub kind: Kind,
    /// When it begins, since the start of the run.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// See [`broker_kill`].
    BrokerKill,
    /// See [`broker_restart`].
    BrokerRestart,
    /// See [`consumer_kill`].
    ConsumerKill {
        /// The service that dies.
        service: String,
    },
    /// See [`slow_pricing`].
    SlowPricing {
        /// Share of the calculations begun meanwhile, 0 to 1.
        share: f64,
        /// How long those take.
        takes: Duration,
    },
}

impl Kind {
    /// Its name: the scenario key, the row in the docs, the argument of `explain`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BrokerKill => broker_kill::NAME,
            Self::BrokerRestart => broker_restart::NAME,
            Self::ConsumerKill { .. } => consumer_kill::NAME,
            Self::SlowPricing { .. } => slow_pricing::NAME,
        }
    }
}

/// Names of all kinds, in the order they are explained.
pub const KINDS: [&str; 4] = [broker_kill::NAME, broker_restart::NAME, consumer_kill::NAME, slow_pricing::NAME];
