//! How a slice of a run ends, and why a run cannot get on.

use std::time::Duration;

/// How a slice of a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// Every awaited future is done.
    Done,
    /// The number of polls is used up.
    Sliced,
    /// The time is reached.
    Reached,
    /// Nothing can run, no timer is set, and nobody awaits anything.
    Idle,
}

/// Why a run cannot get on. `tasks` names some of the tasks that are left, as `node/name`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Nothing can run and no timer is set, but a future is awaited.
    #[error("deadlock after {at:?}: nothing can run, no timer is set; waiting: {}", tasks.join(", "))]
    Deadlock {
        /// When, since the start of the run.
        at: Duration,
        /// Tasks that wait.
        tasks: Vec<String>,
    },
    /// Tasks wake each other and time does not get on.
    #[error("wedged after {at:?}: {polls} polls and time did not advance; there are: {}", tasks.join(", "))]
    Wedged {
        /// When, since the start of the run.
        at: Duration,
        /// How many polls at that instant.
        polls: u64,
        /// Tasks that are there.
        tasks: Vec<String>,
    },
    /// The run has gone beyond its limit of virtual time.
    #[error("still not done after {at:?} of virtual time; there are: {}", tasks.join(", "))]
    Overrun {
        /// When, since the start of the run.
        at: Duration,
        /// Tasks that are there.
        tasks: Vec<String>,
    },
}

impl Stopped {
    pub(super) fn deadlock(at: Duration, tasks: Vec<String>) -> Self {
        Self::Deadlock { at, tasks }
    }

    pub(super) fn wedged(at: Duration, polls: u64, tasks: Vec<String>) -> Self {
        Self::Wedged { at, polls, tasks }
    }

    pub(super) fn overrun(at: Duration, tasks: Vec<String>) -> Self {
        Self::Overrun { at, tasks }
    }
}
