//! What really became of each order, by the ledger alone.

use std::sync::Arc;

use faults::End;
use serde::Serialize;

/// The truth about one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// The order, as shop-api named it.
    pub order_id: Arc<str>,
    /// The client's own reference: the same in both worlds.
    pub order_ref: Arc<str>,
    /// `retail` or `api_partner`.
    pub client_type: Arc<str>,
    /// What became of it.
    pub class: Class,
    /// Where: the same names as the detector's. None for `ok`.
    pub hop: Option<String>,
    /// When it went wrong, nanoseconds since the Unix epoch: lost: its last sign of life; slow: the deadline passed.
    pub since_ns: Option<u64>,
    /// The faults that hit it, by their effect records.
    pub faults: Vec<String>,
    /// Within the measured clock error of a deadline: neither right nor wrong to call slow. Never in the simulated world.
    pub borderline: bool,
    /// When it was initiated, nanoseconds since the Unix epoch.
    pub initiated_ns: u64,
    /// When it was closed.
    pub closed_ns: Option<u64>,
    /// The true hops for the waterfall: name, begin, end (`None` when it never ended).
    pub journey: Vec<(String, u64, Option<u64>)>,
    /// What a cause is held against.
    pub proof: Proof,
}

/// What the ledger knows of the hop at which an order went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What became of the messages that the hop is about; `None` where it is about none.
    pub ends: Option<Vec<End>>,
    /// Some message of the order was delivered more than once.
    pub redelivered: bool,
    /// Some event of the order was published as more than one message.
    pub published_again: bool,
    /// News of the hop's state was sent, and its owner never recorded it.
    pub phantom: bool,
    /// A row of the order stands behind its own history: somebody has overwritten what others had written.
    pub update_lost: bool,
    /// A call about it was held up, refused, or lost its answer; `None` where nobody knows whom the calls were about.
    pub call_hit: Option<bool>,
    /// A calculation of its price has begun.
    pub calculation_begun: bool,
}

/// What became of an order. The worst stands first: an order that is both lost and slow is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// No row, message, job, timer or actor's intent can move it further.
    Lost,
    /// The two databases disagree about it for good.
    Diverged,
    /// A transition is recorded twice in one database.
    Duplicated,
    /// It does not get further, though something could still move it.
    Stuck,
    /// A message of it waits where nobody looks.
    Parked,
    /// Others overtook it beyond its deadline.
    Starved,
    /// It took longer than a deadline.
    Slow,
    /// Not at its end, and within its deadlines.
    InFlight,
    /// Came to its end in time.
    Ok,
}

impl Class {
    /// Its name, the same as the verdict that exposes it.
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
        }
    }

    /// Whether something is wrong with the order.
    #[must_use]
    pub const fn bad(self) -> bool {
        !matches!(self, Self::Ok | Self::InFlight)
    }
}
