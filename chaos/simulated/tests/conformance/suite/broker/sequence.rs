//! Sequences of what clients do to a broker: a profile of one queue and what hangs on it, and steps.

use std::time::Duration;

use world::broker::{Arguments, QueueKind, Settle};

/// How long what is to expire lives.
pub(crate) const SHORT: Duration = Duration::from_millis(1_000);
/// How long a wait is: whatever is to expire has expired.
pub(crate) const WAIT: Duration = Duration::from_millis(1_500);
/// How long what is not to expire lives.
pub(crate) const LONG: Duration = Duration::from_secs(600);
/// Consumers of the queue under test; one more listens to dead letters.
pub(crate) const CONSUMERS: usize = 3;

/// The queue under test and what hangs on it.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) kind: QueueKind,
    /// Its arguments, without the exchange for dead letters, whose name is the sequence's own.
    pub(crate) arguments: Arguments<'static>,
    pub(crate) dead: Dead,
    /// Dead letters get a key of their own.
    pub(crate) dead_key: bool,
    pub(crate) dead_kind: QueueKind,
    /// The exchange has an alternate one.
    pub(crate) strays: bool,
}

/// Where dead letters go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dead {
    /// Nowhere is said.
    Unsaid,
    /// To an exchange that does not exist.
    Missing,
    /// To a queue.
    Kept,
    /// To a queue where they live shortly, and from there back.
    Retried,
}

impl Profile {
    /// Whether anything in a sequence with this profile depends on time.
    pub(crate) fn expires(&self) -> bool {
        self.arguments.message_ttl.is_some() || self.dead == Dead::Retried
    }
}

/// Where a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// To the queue under test.
    Work,
    /// To it and to another one.
    Both,
    /// To no queue.
    Nowhere,
}

/// Something that a client does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Publish {
        to: To,
        confirm: bool,
        mandatory: bool,
        persistent: bool,
        priority: Option<u8>,
        expiration: Option<Duration>,
    },
    /// A consumer begins, on a connection of its own; where one is, it receives.
    Open {
        consumer: usize,
        prefetch: u16,
    },
    Receive {
        consumer: usize,
    },
    Settle {
        consumer: usize,
        nth: usize,
        how: Settle,
    },
    /// A consumer's connection ends.
    Close {
        consumer: usize,
    },
    Wait,
}

/// A sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) profile: Profile,
    pub(crate) steps: Vec<Step>,
}

impl Sequence {
    /// Whether anything is sent to a second queue.
    pub(crate) fn copies(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Publish { to: To::Both, .. }))
    }

    /// Whether anything in it depends on time.
    pub(crate) fn expires(&self) -> bool {
        let short = |step: &Step| matches!(step, Step::Publish { expiration: Some(after), .. } if *after == SHORT);
        self.profile.expires() || self.steps.iter().any(short)
    }
}
