//! Exit codes of every command.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every threshold holds.
    Pass,
    /// A threshold is violated.
    Red,
    /// Something could not be seen: never a pass.
    Unknown,
    /// The command line or a scenario file is wrong.
    Usage,
    /// The harness itself failed.
    Failure,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Red => 1,
            Self::Unknown => 2,
            Self::Usage => 254,
            Self::Failure => 255,
        }
    }

    /// The one that speaks for several runs: a failure before red, red before unknown, unknown before pass.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Pass => 0,
            Self::Unknown => 1,
            Self::Red => 2,
            Self::Usage => 3,
            Self::Failure => 4,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_speaks_for_unknown_and_failure_for_all() {
        assert_eq!(Exit::Unknown.worst(Exit::Red), Exit::Red);
        assert_eq!(Exit::Red.worst(Exit::Unknown), Exit::Red);
        assert_eq!(Exit::Pass.worst(Exit::Unknown), Exit::Unknown);
        assert_eq!(Exit::Failure.worst(Exit::Red), Exit::Failure);
    }
}
