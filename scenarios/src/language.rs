//! The scenario language: what a scenario file says, as plain values.
//!
//! A file is read in three steps: `keys` describes every key once, `check` holds a document against it, `read` makes a
//! [`Scenario`] of what is left. [`schema`] writes the JSON Schema from the same description.

mod check;
mod fault;
mod fields;
mod find;
mod keys;
#[cfg(test)]
mod manual;
mod problem;
mod read;
pub mod recording;
pub mod schema;
pub mod thresholds;
pub mod units;
pub mod version;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::{Architecture, Status, architecture::Preset};
use serde::Serialize;

pub use problem::{ScenarioError, nearest};
pub(crate) use read::whole_millis;
pub use recording::Recorded;

use crate::{people::People, scale::Clock};

/// A scenario: everything that decides a run but the world and the version.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file's stem, kebab-case: `broker-kill`.
    pub name: String,
    /// One sentence for people.
    pub title: String,
    /// Of every random draw.
    pub seed: u64,
    /// How long orders arrive. The run itself ends when all have settled.
    pub duration: Duration,
    /// Nothing is meant to go wrong: then no alarm is the proof, and a threshold on nothing is no gap.
    pub quiet: bool,
    /// What a reader looks for who may want it.
    pub group: Option<Group>,
    /// How the services are built.
    pub architecture: Architecture,
    /// What the telemetry shows.
    pub instrumentation: Instrumentation,
    /// Who orders, and how often. Never empty.
    pub load: Vec<Load>,
    /// How long price calculations take. Slow windows are faults.
    pub pricing: Pricing,
    /// How long people take, and how many there are.
    pub people: People,
    /// The limits of the partners' intake.
    pub partner_api: PartnerApi,
    /// The broker's own time settings.
    pub broker: Broker,
    /// What goes wrong, by begin. A repeated fault stands here once per time.
    pub faults: Vec<faults::Fault>,
    /// What replaces the lifecycle's deadlines. A scaled scenario replaces all of them.
    pub sla: Sla,
    /// How a real stack may shorten it.
    pub scale: Option<Scale>,
    /// How it was shortened: set in a scaled scenario only.
    pub scaled_by: Option<Clock>,
    /// What must hold, the defaults included.
    pub thresholds: Vec<Threshold>,
    /// The architecture as the file has it, whatever the command line chose: see [`Scenario::with_architecture`].
    pub written: Architecture,
    /// The instrumentation as the file has it, whatever the command line chose.
    pub written_instrumentation: Instrumentation,
    /// What finds it again: its name when it is one of the library, else its file as it was called.
    pub called: String,
}

impl Scenario {
    /// What the scenario's times have been divided by; 1 where it is not scaled.
    #[must_use]
    pub fn factors(&self) -> Factors {
        self.scaled_by.as_ref().map_or(Factors { machine: 1.0, human: 1.0 }, |clock| clock.factors)
    }

    /// The same scenario on another architecture. The file's toggles belong to the file's own preset, but for those that no
    /// preset decides: see [`Architecture::on`].
    #[must_use]
    pub fn with_architecture(mut self, preset: Preset) -> Self {
        self.architecture = self.written.on(preset);
        self
    }

    /// The same scenario with another instrumentation, as the preset has it.
    #[must_use]
    pub fn with_instrumentation(mut self, preset: InstrumentationPreset) -> Self {
        self.instrumentation = preset.instrumentation();
        self
    }
}

/// What the telemetry shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Instrumentation {
    /// The set it started from.
    pub preset: InstrumentationPreset,
    /// Services without traces.
    pub silent: Vec<String>,
    /// Services that write a log.
    pub logs: Vec<String>,
    /// Whether `traceparent` travels: in messages, in HTTP headers, in order rows.
    pub propagation: bool,
    /// Services that neither pass a `traceparent` on nor take one up.
    pub unlinked: Vec<String>,
    /// What the broker lets see of itself.
    pub broker: BrokerTelemetry,
    /// Between two looks at the broker's counters.
    #[serde(serialize_with = "written")]
    pub scrape_interval: Duration,
}

fn written<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&units::written(*duration))
}

impl Instrumentation {
    /// Whether a service passes trace contexts on.
    #[must_use]
    pub fn propagates(&self, service: &str) -> bool {
        self.propagation && !self.unlinked.iter().any(|unlinked| unlinked == service)
    }

    /// Whether a service's spans are exported.
    #[must_use]
    pub fn traces(&self, service: &str) -> bool {
        !self.silent.iter().any(|silent| silent == service)
    }

    /// Whether a service writes a log.
    #[must_use]
    pub fn logs(&self, service: &str) -> bool {
        self.logs.iter().any(|logs| logs == service)
    }

    /// The services that have traces: without another word they are those that write a log.
    fn traced(&self) -> Vec<String> {
        contracts::services::ALL.into_iter().filter(|service| self.traces(service)).map(str::to_owned).collect()
    }
}

/// What the broker lets see of itself; each adds to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokerTelemetry {
    /// Nothing.
    None,
    /// Its counters, looked at again and again.
    Counters,
    /// Each message that passes, too.
    Firehose,
}

impl BrokerTelemetry {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Counters, Self::Firehose];

    /// Its name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Counters => "counters",
            Self::Firehose => "firehose",
        }
    }
}

/// A named instrumentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstrumentationPreset {
    /// Traces and a log of every service, propagation everywhere, the broker's counters.
    Full,
    /// None of it.
    Blind,
}

impl InstrumentationPreset {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Full, Self::Blind];

    /// Its name in scenario files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Blind => "blind",
        }
    }

    /// What it shows.
    #[must_use]
    pub fn instrumentation(self) -> Instrumentation {
        let blind = self == Self::Blind;
        let silent = if blind { contracts::services::ALL.map(str::to_owned).to_vec() } else { Vec::new() };
        let broker = if blind { BrokerTelemetry::None } else { BrokerTelemetry::Counters };
        let mut instrumentation = Instrumentation {
            preset: self,
            silent,
            logs: Vec::new(),
            propagation: !blind,
            unlinked: Vec::new(),
            broker,
            scrape_interval: Duration::from_secs(60),
        };
        instrumentation.logs = instrumentation.traced();
        instrumentation
    }
}

/// A stream of orders.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Who orders; `None` where each order says it.
    pub actor: Option<Actor>,
    /// When.
    pub executor: Executor,
}

/// What a reader looks for: scenarios are listed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Orders that never arrive.
    Loss,
    /// Orders that are late.
    Slowness,
    /// What is done twice.
    Duplication,
    /// Orders that others overtake.
    Starvation,
    /// Telemetry that shows less than there is.
    TelemetryGaps,
    /// Nothing goes wrong.
    Quiet,
}

impl Group {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 6] =
        [Self::Loss, Self::Slowness, Self::Duplication, Self::Starvation, Self::TelemetryGaps, Self::Quiet];

    /// Its name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Slowness => "slowness",
            Self::Duplication => "duplication",
            Self::Starvation => "starvation",
            Self::TelemetryGaps => "telemetry-gaps",
            Self::Quiet => "quiet",
        }
    }

    /// The one of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }
}

/// Who orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A customer at the internet shop: client type `retail`, references `c-000001`.
    Customer,
    /// A partner's program at the shop's API: client type `api_partner`, references `p-000001`.
    ApiUser,
}

impl Actor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Customer, Self::ApiUser];

    /// Its name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::ApiUser => "api-user",
        }
    }

    /// First letter of its order references.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Customer => 'c',
            Self::ApiUser => 'p',
        }
    }
}

/// When the orders of a load arrive: an open model, no arrival waits for another order.
#[derive(Clone, Debug, PartialEq)]
pub enum Executor {
    /// The same rate for the whole duration, exponential gaps.
    ConstantArrivalRate {
        /// Orders per second.
        rate: Rate,
    },
    /// The rate runs in a straight line to each stage's target.
    RampingArrivalRate {
        /// The rate at the beginning of the first stage. May be 0.
        start: Rate,
        /// One after another. Nothing arrives after the last.
        stages: Vec<RampStage>,
    },
    /// A number of orders, spread evenly with jitter.
    Burst {
        /// The begin, since the start of the run.
        at: Duration,
        /// How many.
        count: u32,
        /// All arrive within this time after the begin.
        within: Duration,
    },
    /// Orders that somebody once placed.
    Replay {
        /// The file, as the scenario names it.
        file: String,
        /// By time.
        orders: Arc<[Recorded]>,
    },
}

/// One stage of a ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RampStage {
    /// The rate at its end. May be 0.
    pub target: Rate,
    /// How long it takes.
    pub duration: Duration,
}

/// An arrival rate in orders per second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Default)]
pub struct Rate(pub f64);

/// How long price calculations take: log-normal with a coefficient of variation of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// Mean before the cap.
    pub mean: Duration,
    /// No calculation takes longer, unless a fault says so.
    pub max: Duration,
}

/// The limits of the partners' intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartnerApi {
    /// The largest model, bytes.
    pub max_model_size: u32,
}

/// The broker's own time settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broker {
    /// A consumer that has not acknowledged for this long loses its channel.
    pub consumer_timeout: Duration,
    /// How often the broker looks for such consumers.
    pub tick: Duration,
}

/// What replaces the lifecycle's deadlines.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sla {
    /// From entering a state's predecessor to entering the state.
    pub states: BTreeMap<Status, Duration>,
    /// The shares of the hops in a state's deadline, by the lifecycle's names. Only a scaled scenario has them: there people
    /// and machines shrink differently.
    pub shares: BTreeMap<Status, BTreeMap<String, f64>>,
    /// A message's own deadline, by routing key.
    pub messages: BTreeMap<String, Duration>,
    /// From INITIATED to CLOSED.
    pub promise: Option<Duration>,
}

/// How a real stack may shorten the scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// What divides people's and machines' time.
    pub factors: Factors,
    /// How much of the timeline is kept. None: all of it.
    pub window: Option<Duration>,
    /// Pools whose utilisation may change.
    pub unstudied: Vec<Pool>,
    /// What the real stack itself may add to a deadline, real time.
    pub floor: Duration,
    /// Why more may happen for real than under any seed of the simulated world. None: nothing may.
    pub unlike: Option<String>,
}

/// Divisors of time, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Factors {
    /// Of the timeline, arrival gaps, service times and faults.
    pub machine: f64,
    /// Of think times.
    pub human: f64,
}

/// A pool that orders wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// CRM managers.
    Seller,
    /// Operators at the bench.
    Operator,
    /// Consumers of the factory's queue, or workers of price jobs.
    MesConsumers,
}

impl Pool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Seller, Self::Operator, Self::MesConsumers];

    /// Its name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Operator => "operator",
            Self::MesConsumers => "mes-consumers",
        }
    }
}

/// Something that must hold, in k6's grammar.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The metric as it is written: `order_latency{state:PRICE_CALCULATED}`.
    pub metric: String,
    /// The expression as it is written: `p(95)<10m`. A scaled scenario has the scaled limit here.
    pub expression: String,
    /// The metric's name without its tag: one of the catalogue.
    pub name: &'static str,
    /// The value of the metric's tag, where it has one.
    pub tag: Option<String>,
    /// What is compared.
    pub aggregation: Aggregation,
    /// How.
    pub comparison: Comparison,
    /// With what. Seconds where the metric is a time.
    pub limit: f64,
    /// Nobody wrote it: it always holds.
    pub default: bool,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregation {
    /// How many.
    Count,
    /// Share, 0 to 1.
    Rate,
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Median.
    Med,
    /// Percentile, 0 to 100.
    P(f64),
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}
