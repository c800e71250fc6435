//! How long a sequence took between two waits.

use std::time::Duration;

use super::sequence::SHORT;

/// A sequence whose steps took so long that what is to expire may have expired between them says nothing.
const TOO_SLOW: Duration = Duration::from_millis(SHORT.as_millis() as u64 - 100);

/// The longest time between two waits, until somebody waited in vain for what was expected.
///
/// Whoever waits in vain has seen a difference, and what comes after it follows from that. Its patience must not count: a difference
/// would pass for slowness.
pub(crate) struct Busy {
    since: Duration,
    longest: Duration,
    over: bool,
}

impl Busy {
    /// Begins at this instant.
    pub(crate) fn from(now: Duration) -> Self {
        Self { since: now, longest: Duration::ZERO, over: false }
    }

    /// The next wait begins, or all is over.
    pub(crate) fn rests(&mut self, now: Duration) {
        if !self.over {
            self.longest = self.longest.max(now - self.since);
        }
    }

    /// A wait is over.
    pub(crate) fn goes_on(&mut self, now: Duration) {
        self.since = now;
    }

    /// What was expected did not come; somebody began to wait for it at this instant.
    pub(crate) fn in_vain(&mut self, began: Duration) {
        self.rests(began);
        self.over = true;
    }

    /// Whether something may have expired where nothing was to.
    pub(crate) fn too_slow(&self) -> bool {
        self.longest > TOO_SLOW
    }
}

#[test]
fn patience_in_vain_is_not_slowness_and_what_was_slow_before_it_is() {
    let ms = Duration::from_millis;
    let mut vain = Busy::from(ms(0));
    vain.in_vain(ms(500));
    vain.rests(ms(10_500));
    assert!(!vain.too_slow());
    let mut slow = Busy::from(ms(0));
    slow.rests(ms(800));
    slow.goes_on(ms(2_300));
    assert!(!slow.too_slow(), "a wait is no time between waits");
    slow.in_vain(ms(3_300));
    assert!(slow.too_slow());
}
