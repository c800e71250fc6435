//! How alike two runs have to be.

use crate::summary::Which;

/// What is asked of two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// How much longer a time may be than the other one, as a share of it.
    pub tolerance: f64,
    /// How alike they are to be.
    pub likeness: Likeness,
    /// One of them ran on a real stack, which takes its own time.
    pub two_worlds: bool,
}

/// How alike two runs are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same run again: each order has the same fate, and the times differ by the tolerance at most.
    Same,
    /// Other draws, another world or another architecture: the same kinds of things happen, and times lie in bands that overlap.
    Alike,
}

impl Likeness {
    /// What two runs can be held to. Only the simulated world does the same again.
    #[must_use]
    pub fn of(a: &Which, b: &Which) -> Self {
        if a == b && a.world == "simulated" { Self::Same } else { Self::Alike }
    }
}

impl Terms {
    /// What is asked of two runs, with a tolerance for times.
    #[must_use]
    pub fn of(a: &Which, b: &Which, tolerance: f64) -> Self {
        Self { tolerance, likeness: Likeness::of(a, b), two_worlds: a.world != b.world }
    }
}
