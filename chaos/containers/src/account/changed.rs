//! What faults changed in the broker, and what it drops because of that.

use faults::{Change, End, MessageFate, Policy};

use super::ON_THE_WAY_NS;

/// The broker was set up otherwise for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The fault.
    pub fault: String,
    /// The routing keys of the messages that this concerns.
    pub keys: Vec<String>,
    /// What was changed.
    pub what: Change,
    /// From when on, nanoseconds since the Unix epoch.
    pub from_ns: u64,
    /// Until when; `None`: it lasts.
    pub until_ns: Option<u64>,
}

impl Changed {
    /// Where a message ends that the broker drops because of it; `None` where it drops none.
    #[must_use]
    pub const fn end(&self) -> Option<End> {
        match self.what {
            Change::Unbound { .. } => Some(End::Unroutable),
            Change::Policy { policy: Policy::DropHead(_), .. } => Some(End::Overflowed),
            Change::Policy { policy: Policy::RejectPublish(_), .. } => Some(End::Refused),
            Change::Policy { policy: Policy::MessageTtl(_), .. } => Some(End::Expired),
            Change::Purged { .. } => Some(End::Purged),
            _ => None,
        }
    }

    /// Whether a moment lies in its time, give or take the way to the broker.
    #[must_use]
    pub fn covers(&self, at_ns: u64) -> bool {
        self.from_ns <= at_ns + ON_THE_WAY_NS && self.until_ns.is_none_or(|until_ns| at_ns <= until_ns + ON_THE_WAY_NS)
    }

    /// How a message ends that came to the broker and is nowhere, when that can be its doing.
    pub(super) fn dropped(&self, fate: &MessageFate) -> Option<End> {
        let end = self.end().filter(|_| self.keys.iter().any(|key| *key == *fate.routing_key))?;
        let can = match end {
            // These happen as it comes, the others while it waits.
            End::Unroutable | End::Refused => fate.deliveries.is_empty() && self.covers(fate.published_ns),
            _ => self.until_ns.is_none_or(|until_ns| fate.end_ns <= until_ns + ON_THE_WAY_NS),
        };
        can.then_some(end)
    }
}
