//! One order in the report: the truth about it, and what the telemetry says.

use detector::{Behind, Said};
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    case::{ORDER_IN_LINK, Run},
    journey::{self, HopRow},
    matching::Pair,
    words,
};

/// One order in which something went wrong, or that was alarmed without need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BadOrder {
    /// The order, as shop-api named it.
    pub order_id: String,
    /// The client's own reference.
    pub order_ref: String,
    /// `retail` or `api_partner`.
    pub client_type: String,
    /// What became of it.
    pub truth: String,
    /// Where.
    pub truth_hop: Option<String>,
    /// The detector's verdict; `unknown` also when it says nothing of the order.
    pub verdict: String,
    /// The detector's hop.
    pub hop: Option<String>,
    /// How many hops it should have shown, and showed.
    pub hops: Hops,
    /// The verdict is the truth.
    pub exposed: bool,
    /// From going wrong to the alarm, seconds; null when either is not known.
    pub exposed_after_s: Option<f64>,
    /// Tier of evidence; null without a finding.
    pub tier: Option<String>,
    /// The faults that hit it.
    pub faults: Vec<String>,
    /// The spans that the verdict rests on.
    pub evidence: Vec<Evidence>,
    /// The records that the verdict rests on as well: the broker's, and of a log what no span says.
    #[serde(default)]
    pub records: Vec<RecordRow>,
    /// Where its trace can be looked at; null when nothing keeps it.
    pub trace_url: Option<String>,
    /// Where its log records can be looked at; null when nothing keeps the logs.
    #[serde(default)]
    pub logs_url: Option<String>,
    /// How truth and verdict stand to each other.
    pub standing: Standing,
    /// The detector's hop is the true one.
    pub right_hop: bool,
    /// The traces end before the true hop, since a killed process took the rest with it.
    #[serde(default)]
    pub hop_in_doubt: bool,
    /// The detector's cause, as far as its evidence carries.
    pub cause: Option<String>,
    /// Where it waited in a queue: the order that it waited behind, by what the traces say.
    #[serde(default)]
    pub behind: Option<BehindRow>,
    /// Why it was missed; null when it was not, or when full instrumentation was not tried.
    pub miss: Option<Miss>,
    /// When it was initiated, seconds since the start of the run.
    pub initiated_s: f64,
    /// From then to its end, or to the end of the run, seconds.
    pub age_s: f64,
    /// When it went wrong, seconds since the start of the run.
    pub since_s: Option<f64>,
    /// When the first alarm for it was raised, seconds since the start of the run.
    pub alarmed_s: Option<f64>,
}

/// An order that another one waited behind: of those that were worked on meanwhile the one that took most of the wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BehindRow {
    /// The order, as shop-api named it.
    pub order_id: String,
    /// For how much of the wait it was worked on, seconds.
    pub for_s: f64,
}

/// How many hops an order should have shown, and showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Hops {
    /// Should have.
    pub expected: u32,
    /// Did.
    pub seen: u32,
}

/// A span, as tracing backends name it: lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Evidence {
    /// Its trace.
    pub trace_id: String,
    /// Its id.
    pub span_id: String,
}

/// A record that is no span, and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RecordRow {
    /// `counters`, `firehose` or `log`.
    pub source: String,
    /// When it was made, seconds since the start of the run.
    pub at_s: f64,
    /// Of the counters `broker` or a queue's name; of the firehose its routing key: `publish.<exchange>`, `deliver.<queue>`; of a
    /// log who wrote it.
    pub name: String,
    /// What it says.
    pub says: String,
}

/// How truth and verdict stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Bad, and taken for fine.
    Missed,
    /// Bad, and the telemetry does not say.
    Unknown,
    /// Bad, and alarmed with another verdict.
    Misjudged,
    /// Bad, and alarmed with the right verdict.
    Exposed,
    /// Fine, and alarmed.
    FalseAlarm,
}

impl Standing {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Unknown => "unknown",
            Self::Misjudged => "misjudged",
            Self::Exposed => "exposed",
            Self::FalseAlarm => "false-alarm",
        }
    }
}

/// Why a bad order was not exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// The same run with full instrumentation does not expose it either: the detector should have.
    ExposableButMissed,
    /// The same run with full instrumentation exposes it.
    NotExposableWithThisInstrumentation,
}

/// A row of `bad-orders.jsonl`: an order and its journey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BadOrderWithJourney {
    /// The order.
    #[serde(flatten)]
    pub order: BadOrder,
    /// Its hops, in the order of the lifecycle.
    pub journey: Vec<HopRow>,
}

fn record(said: &Said, run: &Run) -> RecordRow {
    RecordRow {
        source: said.source.name().to_owned(),
        at_s: words::since(said.at_ns, run.epoch_ns),
        name: said.name.clone(),
        says: said.says.clone(),
    }
}

fn behind(behind: &Behind) -> BehindRow {
    BehindRow { order_id: behind.order_id.to_string(), for_s: words::seconds(behind.for_ns) }
}

/// The row of one order.
#[must_use]
pub fn with_journey(pair: &Pair<'_>, run: &Run) -> BadOrderWithJourney {
    let (truth, finding) = (pair.truth, pair.finding);
    let since = |at_ns: Option<u64>| at_ns.map(|at| words::since(at, run.epoch_ns));
    let evidence: Vec<Evidence> = finding.map_or_else(Vec::new, |finding| {
        let span = |(trace, span): &(_, _)| Evidence { trace_id: format!("{trace:032x}"), span_id: format!("{span:016x}") };
        finding.evidence.iter().map(span).collect()
    });
    let order = BadOrder {
        order_id: truth.order_id.to_string(),
        order_ref: truth.order_ref.to_string(),
        client_type: truth.client_type.to_string(),
        truth: truth.class.name().to_owned(),
        truth_hop: truth.hop.clone(),
        verdict: pair.verdict().name().to_owned(),
        hop: finding.and_then(|finding| finding.hop.clone()),
        hops: finding.map_or_else(Hops::default, |finding| Hops { expected: finding.hops_expected, seen: finding.hops_seen }),
        exposed: pair.exposed(),
        exposed_after_s: pair.exposed_after_ns().map(words::seconds),
        tier: finding.map(|finding| format!("{:?}", finding.tier)),
        faults: truth.faults.clone(),
        // The last span is the nearest to where the order went wrong.
        trace_url: run.trace_base.as_ref().and_then(|base| Some(format!("{base}{}", evidence.last()?.trace_id))),
        logs_url: run.log_link.as_ref().map(|link| link.replace(ORDER_IN_LINK, &truth.order_id)),
        evidence,
        records: finding.map_or_else(Vec::new, |finding| finding.records.iter().map(|said| record(said, run)).collect()),
        standing: pair.standing.unwrap_or(Standing::FalseAlarm),
        right_hop: pair.right_hop(),
        hop_in_doubt: pair.hop_in_doubt,
        cause: finding.and_then(|finding| finding.cause).map(str::to_owned),
        behind: finding.and_then(|finding| finding.behind.as_ref()).map(behind),
        miss: pair.miss,
        initiated_s: words::since(truth.initiated_ns, run.epoch_ns),
        age_s: words::since(truth.closed_ns.unwrap_or(run.end_ns), truth.initiated_ns),
        since_s: since(truth.since_ns),
        alarmed_s: since(finding.and_then(|finding| finding.alarmed_ns)),
    };
    let seen = finding.map_or(&[][..], |finding| &finding.journey);
    BadOrderWithJourney { order, journey: journey::side_by_side(&truth.journey, seen, run.epoch_ns) }
}
