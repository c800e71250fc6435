//! From telemetry to verdicts, order by order, without knowing what really happened.
//!
//! A [`Lifecycle`] says what the life of an order should look like. A [`Detector`] takes in spans and log records as they come,
//! keeps of each what it is evidence of, and at the end walks the way of every order: what was seen has happened, and so has whatever that
//! needs. Where the way breaks off in time, the order is in flight; where it breaks off for good, the first step that did not
//! happen is the hop.
//!
//! Read on in this order: [`finding`], [`lifecycle`], `way`, `sighting`, `logbook`, `record`, `order`, [`detector`](Detector), `journey`,
//! `verdict`.

pub mod cause;
pub mod finding;
pub mod gap;
pub mod lifecycle;
pub mod requests;

mod behind;
mod broker;
mod clocks;
mod detector;
mod journey;
mod keys;
mod leaks;
mod logbook;
mod order;
mod orders;
mod record;
mod sighting;
mod spent;
mod strays;
mod turns;
mod verdict;
mod way;

pub use behind::Behind;
pub use cause::{CAUSES, Cause};
pub use detector::{Alarm, Counts, Detector};
pub use finding::{Finding, HopSeen, Said, Source, Tier, Verdict};
pub use gap::Gap;
pub use leaks::Leak;
pub use lifecycle::{Lifecycle, LifecycleError};
pub use requests::{Failure, Request, Route};
