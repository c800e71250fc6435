//! What the detector says of one order.

use std::{fmt, sync::Arc};

use opentelemetry::{SpanId, TraceId};
use serde::Serialize;

use crate::behind::Behind;

/// The detector's word on one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The order, as its telemetry names it.
    pub order_id: Arc<str>,
    /// `retail`, `api_partner`, or empty when no span says so.
    pub client_type: Arc<str>,
    /// The word.
    pub verdict: Verdict,
    /// Where: `<routing key> commit-send|transit|process|settle`, `<STATE> wait`, `pricing work-wait|work`. None for `ok`.
    pub hop: Option<String>,
    /// Why, as far as the evidence carries: a low-cardinality word, never more than the tier allows.
    pub cause: Option<&'static str>,
    /// What kind of evidence it rests on.
    pub tier: Tier,
    /// The spans it rests on, oldest first, ten at most.
    pub evidence: Vec<(TraceId, SpanId)>,
    /// The other records it rests on: what the broker lets see of itself, and the log records that say what no span says.
    pub records: Vec<Said>,
    /// Where it waited in a queue: the order that it waited behind.
    pub behind: Option<Behind>,
    /// When the first alarm for this order was raised (telemetry time, nanoseconds since the Unix epoch).
    pub alarmed_ns: Option<u64>,
    /// How many hops an order in its state should have shown.
    pub hops_expected: u32,
    /// How many of those the telemetry shows.
    pub hops_seen: u32,
    /// The hops in the order of the lifecycle, for the waterfall: also those without evidence.
    pub journey: Vec<HopSeen>,
}

/// A record that is no span, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What kind of record it is.
    pub source: Source,
    /// When it was made, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// Of the counters `broker` or a queue's name; of the firehose its routing key: `publish.<exchange>`, `deliver.<queue>`; of a
    /// log who wrote it.
    pub name: String,
    /// What it says, in words.
    pub says: String,
}

/// Where a record comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A look at the broker's counters.
    Counters,
    /// The broker's firehose.
    Firehose,
    /// A service's log.
    Log,
}

impl Source {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counters => "counters",
            Self::Firehose => "firehose",
            Self::Log => "log",
        }
    }
}

/// A hop of a journey as the telemetry shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HopSeen {
    /// Its name, as in [`Finding::hop`].
    pub hop: String,
    /// Begin, nanoseconds since the Unix epoch; `None` when its beginning was not seen.
    pub from_ns: Option<u64>,
    /// End; `None` when its end was not seen.
    pub to_ns: Option<u64>,
}

/// A verdict on an order. The worst one stands first: an order that is both lost and slow is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It will never get further.
    Lost,
    /// The two sides disagree about it for good.
    Diverged,
    /// A transition was made twice.
    Duplicated,
    /// It does not get further, though something could still move it.
    Stuck,
    /// A message of it waits where nobody looks.
    Parked,
    /// Others overtake it.
    Starved,
    /// It took longer than its deadline.
    Slow,
    /// Not at its end, and within its deadlines.
    InFlight,
    /// Came to its end in time.
    Ok,
    /// The telemetry does not say.
    Unknown,
}

impl Verdict {
    /// All of them, worst first.
    pub const ALL: [Self; 10] = [
        Self::Lost,
        Self::Diverged,
        Self::Duplicated,
        Self::Stuck,
        Self::Parked,
        Self::Starved,
        Self::Slow,
        Self::InFlight,
        Self::Ok,
        Self::Unknown,
    ];

    /// Its name: in files, in the docs, as an argument of `explain`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Diverged => "diverged",
            Self::Duplicated => "duplicated",
            Self::Stuck => "stuck",
            Self::Parked => "parked",
            Self::Starved => "starved",
            Self::Slow => "slow",
            Self::InFlight => "in-flight",
            Self::Ok => "ok",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it says that something is wrong with the order.
    #[must_use]
    pub const fn alarms(self) -> bool {
        !matches!(self, Self::Ok | Self::InFlight | Self::Unknown)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of evidence a verdict rests on; a later tier carries more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Tier {
    /// Spans alone: the hop.
    A,
    /// Messaging attributes too (confirm, returned, redelivered): which side.
    B,
    /// The broker's counters too: what became of its queues meanwhile.
    C,
    /// The broker's firehose too: what became of this very message.
    D,
}
