//! What a fault does to a world: what whoever inflicts it has to be able to do.
//!
//! There are more faults than ways to get at a world. A fault says which way it goes; a nemesis knows the ways.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{given::Given, telemetry::Blur};

/// A way to get at a world.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The broker's process goes away and comes back.
    Outage(Outage),
    /// A service's process dies and is started again.
    Kill {
        /// The service.
        service: String,
    },
    /// A service's process stands still.
    Pause {
        /// The service.
        service: String,
    },
    /// A service's process gets little of a processor.
    Throttle {
        /// The service.
        service: String,
        /// How long it takes for a second's work.
        second_takes: Duration,
    },
    /// Some messages are meddled with on their way.
    Meddle(Meddling),
    /// Some commits fail after their news was sent: a failpoint of the services.
    RollBack(RollBack),
    /// The broker is set up otherwise while it lasts.
    Broker(Change),
    /// A service's ways to the broker are cut, and neither end is told.
    CutOff {
        /// The service.
        service: String,
    },
    /// Something is wrong with a database.
    Database {
        /// Its name: `shop` or `mes`.
        database: String,
        /// What is wrong.
        how: DatabaseFault,
    },
    /// Something is wrong with the object store.
    Files(FilesFault),
    /// Something is wrong with the calls to a service.
    Calls(CallFault),
    /// People work otherwise: whoever drives them does it.
    People {
        /// `customer`, `seller`, `operator` or `carrier`.
        pool: String,
        /// What they do otherwise.
        how: Habit,
    },
    /// Price calculations take long, fail or hang: the services are told of the window when they start.
    Pricing(PricingFault),
    /// Something happens to the spans, and nothing to the orders.
    Telemetry(Blur),
}

/// How the broker goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// `SIGKILL`: what is not on disk is gone.
    Killed,
    /// `SIGTERM`: the queues are written first.
    Stopped,
}

/// What is otherwise at the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// No queue is bound to a routing key.
    Unbound {
        /// The routing key.
        key: String,
    },
    /// Nothing is bound to an exchange.
    Stranded {
        /// The exchange.
        exchange: String,
    },
    /// A queue has a policy.
    Policy {
        /// The queue.
        queue: String,
        /// What it says.
        policy: Policy,
    },
    /// What waits in a queue is thrown away, now and after each such time; `None`: now alone.
    Purged {
        /// The queue.
        queue: String,
        /// How often.
        each: Option<Duration>,
    },
    /// It is short of something, and reads from no connection that publishes.
    Short(Resource),
    /// It has forgotten who consumes a queue; the consumers do not know.
    Deaf {
        /// The queue.
        queue: String,
    },
}

/// What a policy says of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// So many messages may wait; the oldest gives way.
    DropHead(u32),
    /// So many messages may wait; the new one is refused.
    RejectPublish(u32),
    /// A message may wait so long.
    MessageTtl(Duration),
    /// A delivery may stay unanswered so long.
    ConsumerTimeout(Duration),
}

/// What a broker can be short of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Memory above its watermark.
    Memory,
    /// Free disk space below its limit.
    Disk,
}

/// What is wrong with a database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DatabaseFault {
    /// It answers nobody.
    Down,
    /// No connection of the pool becomes free.
    Exhausted,
    /// Each statement takes so much longer.
    Slow(Duration),
    /// A share of the commits, 0 to 1, fails because somebody else has written the same (SQLSTATE 40001).
    Conflicts(f64),
    /// Whoever claims rows to work on overlooks a share of them, 0 to 1, and never comes back to them.
    Overlooked(f64),
    /// Its table of orders holds so many rows more.
    Grown(u64),
}

/// What is wrong with the object store.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FilesFault {
    /// It answers nobody.
    Down,
    /// It says yes to a share of the uploads, 0 to 1, and keeps none of them.
    LosesUploads(f64),
    /// Each upload takes so long.
    Slow(Duration),
}

/// What is wrong with calls over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFault {
    /// The service that is called.
    pub to: String,
    /// The service that calls; `None`: anybody.
    pub from: Option<String>,
    /// Which share of the calls, 0 to 1.
    pub share: f64,
    /// What happens to them.
    pub how: Call,
}

impl CallFault {
    /// What the keys of such a fault say.
    pub(crate) fn of(given: &Given, how: Call) -> Self {
        Self { to: given.name("service"), from: given.text("from").map(str::to_owned), share: given.share(), how }
    }
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Nobody answers the connection.
    Refused,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// It takes so much longer to arrive.
    Slow(Duration),
}

/// How people work otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Habit {
    /// They take what has come last.
    NewestFirst,
    /// They take nothing but what stands among the first so many of their list.
    FirstPage(usize),
    /// A share of them, 0 to 1, is not there.
    Away(f64),
    /// Nobody hears what they say of a share of the orders, 0 to 1, and they say it once.
    Unheard(f64),
    /// For a share of the orders, 0 to 1, they send another model, and send the order off before that one is stored.
    Corrects {
        /// Which share.
        share: f64,
        /// How long the object store takes for an upload meanwhile.
        takes: Duration,
    },
}

/// What happens to a share of the price calculations begun in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricingFault {
    /// Which share, 0 to 1.
    pub share: f64,
    /// What happens to them.
    pub how: Calculation,
}

/// What happens to a price calculation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calculation {
    /// It takes so long.
    Slow(Duration),
    /// It ends without a price.
    Fails,
    /// It gives no answer before the fault is over, and no price then.
    Hangs,
}

/// Commits that fail after their news was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct RollBack {
    /// Those announced with this routing key; `None`: any.
    pub key: Option<String>,
    /// Which share of them, 0 to 1, drawn per event: a second attempt at the same event is spared.
    pub share: f64,
    /// At most so many; `None`: as many as come.
    pub most: Option<u64>,
}

/// Messages that are meddled with.
#[derive(Clone, Debug, PartialEq)]
pub struct Meddling {
    /// Those with this routing key; `None`: any.
    pub key: Option<String>,
    /// Which share of them, 0 to 1, drawn per event: a second attempt at the same event is spared.
    pub share: f64,
    /// At most so many; `None`: as many as come.
    pub most: Option<u64>,
    /// What is done to them.
    pub how: Interference,
}

impl Meddling {
    /// What the keys of such a fault say.
    pub(crate) fn of(given: &Given, how: Interference) -> Self {
        Self { key: given.text("key").map(str::to_owned), share: given.share(), most: given.whole("count"), how }
    }
}

/// What is done to a message, and where on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interference {
    /// Its publisher's process dies before it is written.
    /// It comes back after this time.
    CrashBeforePublish(Duration),
    /// It is written, and the connection breaks before it arrives.
    LoseOnTheWire,
    /// It arrives, and the broker's confirm does not.
    LoseConfirm,
    /// It arrives so much later than others that were written after it.
    Delay(Duration),
    /// Its payload arrives as something that is no event.
    Corrupt,
    /// It arrives without its trace context.
    StripContext,
    /// Its consumer's process dies after the work and before the answer.
    /// It comes back after this time.
    CrashBeforeAck(Duration),
    /// Its consumer's answer is lost: the channel closes over it.
    LoseAck,
}

impl Interference {
    /// Its name in `faults.jsonl`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrashBeforePublish(_) => "publisher-crashed",
            Self::LoseOnTheWire => "lost-on-the-wire",
            Self::LoseConfirm => "confirm-lost",
            Self::Delay(_) => "delayed",
            Self::Corrupt => "corrupted",
            Self::StripContext => "context-stripped",
            Self::CrashBeforeAck(_) => "consumer-crashed",
            Self::LoseAck => "ack-lost",
        }
    }
}

impl Deed {
    /// Whether a service's process dies of it.
    #[must_use]
    pub const fn kills(&self) -> bool {
        match self {
            Self::Kill { .. } => true,
            Self::Meddle(meddling) => {
                matches!(meddling.how, Interference::CrashBeforePublish(_) | Interference::CrashBeforeAck(_))
            }
            _ => false,
        }
    }
}
