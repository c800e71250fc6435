//! People in a process of their own: sellers, operators, and customers who ask, played by users of a load tool.
//!
//! They call the same [`actors`](crate::actors) functions as the people of the driver's own process. What they write into their
//! book, the driver writes into its own; what needs nobody's hands for the most of the time, a piece that matures, goes back to
//! the driver. [`lines`] is what the two say to each other, [`troupe`] the driver's end, [`household`] the other one.

pub mod household;
pub mod lines;
pub(crate) mod troupe;

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

pub use household::Household;
pub use lines::{Counted, Place, Said, Say, Told};
pub use troupe::Line;

/// Who else plays: those whom the actors of this process must tell, or be told by.
#[derive(Clone, Default)]
pub(crate) enum Others {
    /// Everybody is here.
    #[default]
    Nobody,
    /// This is the driver's process.
    People(UnboundedSender<Say>),
    /// This is the people's process.
    Driver(Arc<dyn Fn(Told) + Send + Sync>),
}

impl Others {
    /// Tells the people. False where everybody is here.
    pub(crate) fn say(&self, say: impl FnOnce() -> Say) -> bool {
        let Self::People(line) = self else { return false };
        // Who is not there any more has ended the run elsewhere.
        drop(line.send(say()));
        true
    }

    /// Tells the driver. False where this is its process.
    pub(crate) fn tell(&self, told: impl FnOnce() -> Told) -> bool {
        let Self::Driver(tell) = self else { return false };
        tell(told());
        true
    }
}
