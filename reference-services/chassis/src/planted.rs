//! Bugs that tests plant in the services, to see that a verdict names each at its hop.
//!
//! They are compiled in with the feature `planted` alone, which nothing but tests asks for. Without it no question costs anything, and
//! the answer is no.

/// A bug that programmers make. It bites one order of five, unless its text says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The transition is written without its row in the outbox.
    OutboxRowForgotten,
    /// The outbox's relay marks a row as sent and sends nothing.
    MarkedUnsent,
    /// Nobody awaits the publish of an event.
    PublishUnawaited,
    /// The CRM's relay marks a submitted order as seen and sends nothing.
    ClaimedUnsent,
    /// An event is published a second time, as another message.
    PublishedTwice,
    /// A consumer acknowledges a message that it has not handled.
    AckedUnhandled,
    /// A consumer acknowledges before the work although it is told to do so after it: every message.
    AckedEarly,
    /// A consumer refuses for good what it could handle.
    GoodRejected,
    /// The check of an event's version is off by one: the next event passes for an old one.
    VersionOffByOne,
    /// The check whether an event has been handled before is missing: of every event.
    DuplicateUnnoticed,
    /// An order is taken in without a job for its price.
    JobForgotten,
    /// A price is calculated and not recorded.
    PriceUnwritten,
    /// The CRM answers that the order is closed, and has rolled back.
    CloseUnwritten,
}

#[cfg(feature = "planted")]
mod plant {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug in all that runs on this thread, as long as `run` lasts.
    pub fn with<T>(bug: Bug, run: impl FnOnce() -> T) -> T {
        PLANTED.set(Some(bug));
        let outcome = run();
        PLANTED.set(None);
        outcome
    }

    /// Whether a bug is planted and bites this order.
    pub fn bites(bug: Bug, order_id: &str) -> bool {
        let all = matches!(bug, Bug::AckedEarly | Bug::DuplicateUnnoticed);
        PLANTED.get() == Some(bug) && (all || order_id.bytes().map(u32::from).sum::<u32>() % 5 == 0)
    }
}

#[cfg(not(feature = "planted"))]
mod plant {
    use super::Bug;

    /// None is planted.
    #[must_use]
    pub const fn bites(_: Bug, _: &str) -> bool {
        false
    }
}

pub use plant::*;
