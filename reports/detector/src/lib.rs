//! From spans to verdicts, order by order, without knowing what really happened.

pub mod finding;

pub use finding::{Finding, HopSeen, Tier, Verdict};
