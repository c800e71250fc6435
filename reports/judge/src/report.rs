//! `report.json`: a contract that other tools read. Fields are added, never changed or taken away.
//!
//! Times are seconds of the scenario, instants seconds since the start of the run, both to the millisecond; of a run that was
//! shortened they are multiplied back. A number is null where there was nothing to take it from, never a good-looking default.

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::calls::FailedCalls;
pub use crate::clients::ClientRow;
pub use crate::flow::{Flow, FlowHop, FlowState};
pub use crate::order_row::{BadOrder, BadOrderWithJourney, Evidence, Hops, Miss, RecordRow, Standing};
use crate::ordered::Ordered;
pub use crate::parts::{PartPoint, PartRow};
pub use crate::requests::{RequestRow, WaitsFor};
pub use crate::timeline::{Around, Slice, Timeline};

/// The number in `schema_version`.
pub const SCHEMA_VERSION: u32 = 1;

/// What the judge says of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Report {
    /// Version of this contract.
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// `simulated` or `containers`.
    pub world: String,
    /// The seed.
    pub seed: u64,
    /// Architecture preset.
    pub architecture: String,
    /// Instrumentation preset.
    pub instrumentation: String,
    /// Whether the run passes.
    pub outcome: Outcome,
    /// Why not, in sentences; empty when it passes.
    pub reasons: Vec<String>,
    /// The run in a sentence.
    pub answer: String,
    /// The command that repeats the run.
    pub replay: String,
    /// Nothing was meant to go wrong.
    pub quiet: bool,
    /// From the first arrival to the end of the run, seconds.
    pub duration_s: f64,
    /// How the run was shortened, in words; null when it was not.
    pub scale: Option<String>,
    /// By what: instants of the spans and the ledger, which have the run's own time, were multiplied by `machine`.
    #[serde(default)]
    pub scaled_by: Option<Factors>,
    /// What took part, and in which version.
    pub versions: BTreeMap<String, String>,
    /// How scenario, architecture and instrumentation were set.
    pub configuration: Vec<Setting>,
    /// How many orders.
    pub orders: Orders,
    /// Orders by the detector's verdict, worst first.
    pub verdicts: Ordered<u64>,
    /// Orders by what became of them, worst first.
    pub truth: Ordered<u64>,
    /// How much of the truth the telemetry exposes.
    pub exposure: Exposure,
    /// The bad orders by what became of them and where.
    pub hops: Vec<BadHop>,
    /// Orders in which something went wrong: those not exposed first; 1,000 at most, all of them in `bad-orders.jsonl`.
    pub bad_orders: Vec<BadOrder>,
    /// There are more bad orders than are listed.
    pub truncated: bool,
    /// Orders that are fine and were alarmed all the same; 100 at most.
    pub false_alarms: Vec<BadOrder>,
    /// What the causes mean that bad orders and false alarms name.
    pub causes: BTreeMap<String, String>,
    /// How often the alarms for bad orders name each cause, and the tier of evidence it rests on; the most frequent first.
    #[serde(default)]
    pub alarms_by_cause: Vec<CauseRow>,
    /// The faults, in the order they began.
    pub faults: Vec<FaultRow>,
    /// Bad orders that no fault hit: load and design alone.
    pub without_fault: Exposed,
    /// Time into each state from the state before, in the order of the lifecycle.
    pub states: Ordered<StateRow>,
    /// Time from the first state to the last.
    pub lead_time: LeadTime,
    /// The orders of each type of client apart.
    #[serde(default)]
    pub clients: Ordered<ClientRow>,
    /// How long services took to answer requests, as measured, by service and route: first while no fault lasted, then while each did.
    #[serde(default)]
    pub requests: Vec<RequestRow>,
    /// What the parts of a real stack used of the machine; empty where there is none.
    #[serde(default)]
    pub parts: Vec<PartRow>,
    /// The thresholds of the scenario.
    pub thresholds: Vec<ThresholdRow>,
    /// Whether the telemetry is all there.
    pub telemetry: TelemetryRow,
    /// What this run could not see, and what would show it.
    pub unseen: Vec<Unseen>,
    /// How many orders came to each hop and went on.
    #[serde(default)]
    pub flow: Flow,
    /// The run over scenario time.
    #[serde(default)]
    pub timeline: Timeline,
}

/// What divided the times of a shortened run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Factors {
    /// Arrivals, faults, machines.
    pub machine: f64,
    /// What people take their time for.
    pub human: f64,
}

/// Whether a run passes. No data is never a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every threshold holds.
    Pass,
    /// Something that would have to be known is not.
    Unknown,
    /// A threshold is violated by what is known.
    Fail,
}

impl Outcome {
    /// The exit code of a run with this outcome.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Unknown => 2,
        }
    }

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// How many orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Orders {
    /// Begun.
    pub initiated: u64,
    /// Turned away when they came, so that they never began.
    #[serde(default)]
    pub refused: u64,
    /// Came to their end.
    pub closed: u64,
    /// Not at their end when the run ended.
    pub in_flight: u64,
    /// Named by the telemetry.
    pub analysed: u64,
    /// Too near to a deadline for the clocks that measured it, or said to be unknown since a process was killed with what it knew of
    /// them: not judged.
    pub borderline: u64,
    /// Something went wrong with them.
    pub bad: u64,
}

/// How much of the truth the telemetry exposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Exposure {
    /// exposed / (exposed + missed + unknown); null without bad orders.
    pub recall: Option<f64>,
    /// Right alarms of all alarms; null without alarms.
    pub precision: Option<f64>,
    /// Bad orders whose hop was named rightly, of all whose hop a trace could tell; null without any.
    pub hop_at_1: Option<f64>,
    /// Exposed orders whose traces end before the hop where they went wrong, since a killed process took the rest with it.
    #[serde(default)]
    pub hop_in_doubt: u64,
    /// True causes of all that were named at the right hop and that the ledger can prove or refute; null without any.
    #[serde(default)]
    pub cause_accuracy: Option<f64>,
    /// Exposed orders whose cause the ledger can prove or refute.
    #[serde(default)]
    pub causes_judged: u64,
    /// Those of them with the true cause.
    #[serde(default)]
    pub causes_right: u64,
    /// Bad orders with the right verdict.
    pub exposed: u64,
    /// Bad orders taken for fine, or for bad in another way.
    pub missed: u64,
    /// Alarms for orders that are fine.
    pub false_alarms: u64,
    /// Bad orders of which the telemetry does not say.
    pub unknown: u64,
    /// Those of `missed` that were alarmed with a wrong verdict.
    pub misjudged: u64,
    /// Orders that are fine and of which the telemetry does not say.
    pub fine_but_unknown: u64,
    /// From going wrong to the alarm, over the exposed orders.
    pub exposed_after: After,
}

/// From going wrong to the alarm, seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct After {
    /// The quickest.
    pub min_s: Option<f64>,
    /// Half of them were quicker.
    pub p50_s: Option<f64>,
    /// The slowest.
    pub max_s: Option<f64>,
}

/// What became of a group of bad orders in the telemetry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Exposed {
    /// Bad orders.
    pub orders: u64,
    /// Of those: with the right verdict.
    pub exposed: u64,
    /// Of those: with the right hop.
    pub right_hop: u64,
    /// Of those: whose traces end before the hop, since a killed process took the rest with it.
    #[serde(default)]
    pub hop_in_doubt: u64,
    /// Of those: taken for fine, or for bad in another way.
    pub missed: u64,
    /// Of those: not known.
    pub unknown: u64,
    /// From going wrong to the alarm, over the exposed ones.
    pub exposed_after: After,
    /// The alarms by tier of evidence.
    pub tiers: BTreeMap<String, u64>,
}

/// The bad orders of one class at one hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct BadHop {
    /// What became of them.
    pub truth: String,
    /// Where.
    pub hop: Option<String>,
    /// The services on both sides, where the hop is a message's: sender and receiver.
    pub between: Option<(String, String)>,
    /// The telemetry does not expose all of them.
    pub blind: bool,
    /// What became of them in the telemetry.
    #[serde(flatten)]
    pub exposure: Exposed,
    /// The faults that hit them, by name.
    pub faults: Vec<String>,
    /// In words: the faults, when they began, what they did.
    pub because: Option<String>,
}

/// A cause that alarms for bad orders name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct CauseRow {
    /// The cause.
    pub cause: String,
    /// The tier of evidence that it rests on.
    pub tier: String,
    /// How many bad orders.
    pub orders: u64,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FaultRow {
    /// `<kind>@<n>`.
    pub name: String,
    /// What went wrong.
    pub kind: String,
    /// How often it was inflicted: once. Each repetition of a fault is a fault with a row of its own.
    pub attempts: u64,
    /// How many things it did.
    pub effects: u64,
    /// What it did, in words; null when it did nothing.
    pub proof: Option<String>,
    /// From when to when.
    pub window: Window,
    /// Orders that its effects name.
    pub orders_hit: u64,
    /// The architecture promises to lose no order under it.
    pub in_envelope: bool,
    /// The first alarm, since it began, for an order that it made bad; seconds since the start of the run.
    pub first_alarm_s: Option<f64>,
    /// The orders that it made bad.
    pub exposure: Exposed,
}

/// A span of time, seconds since the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Window {
    /// Its begin.
    pub from_s: f64,
    /// Its end.
    pub to_s: f64,
}

/// Time into a state from the state before, seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct StateRow {
    /// How many orders entered it.
    pub count: u64,
    /// Half of them took at most this.
    pub p50_s: Option<f64>,
    /// 90 % took at most this.
    pub p90_s: Option<f64>,
    /// 95 % took at most this.
    pub p95_s: Option<f64>,
    /// 99 % took at most this.
    pub p99_s: Option<f64>,
    /// The longest.
    pub max_s: Option<f64>,
    /// The deadline; null when it has none.
    pub sla_s: Option<f64>,
    /// Orders that broke the deadline.
    pub breaches: u64,
}

/// Time from the first state to the last, seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct LeadTime {
    /// The mean over closed orders.
    pub mean_s: Option<f64>,
    /// 95 % took at most this.
    pub p95_s: Option<f64>,
    /// Orders later than the promise, of those closed or open beyond it.
    pub overdue_share: Option<f64>,
    /// How many, how long at most: as for a state; its `sla_s` is the promise.
    #[serde(rename = "distribution")]
    pub row: StateRow,
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ThresholdRow {
    /// The metric.
    pub metric: String,
    /// What it shall be.
    pub expression: String,
    /// What it is (times in seconds); null when there was nothing to observe.
    pub observed: Option<f64>,
    /// Whether it holds; null when nobody can say.
    pub passed: Option<bool>,
    /// What `observed` is counted in.
    pub unit: Unit,
    /// Nobody wrote it: it always holds.
    pub default: bool,
    /// Nothing was there to go wrong, as the scenario wanted it: that nobody can say is no fault.
    pub excused: bool,
}

/// What a number is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Pieces.
    Count,
    /// A part of one.
    Share,
    /// Seconds.
    Seconds,
}

/// Whether the telemetry is all there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct TelemetryRow {
    /// Spans that services ended.
    pub ended: u64,
    /// Spans that their exporters handed over.
    pub exported: u64,
    /// Spans that the detector was given.
    pub found: u64,
    /// Spans that went down with a process that the scenario killed.
    pub killed: u64,
    /// Spans that were not passed on, as the counters of SDKs, exporters and backends tell.
    #[serde(default)]
    pub lost: Vec<LossRow>,
    /// Why it is no base for a verdict; null when it is.
    pub gap: Option<String>,
    /// The messages that came to the broker; null where nobody listened there.
    #[serde(default)]
    pub messages: Option<Messages>,
}

/// Spans that were not passed on, in a row of minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct LossRow {
    /// Whose; null where whoever counts does not tell the services apart.
    pub service: Option<String>,
    /// From when to when, to a minute.
    pub window: Window,
    /// How many.
    pub spans: u64,
    /// Why.
    pub why: String,
}

/// Messages, counted where they came to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Messages {
    /// All of them.
    pub published: u64,
    /// Those with a valid `traceparent`.
    pub with_context: u64,
    /// Those without, by routing key; a key whose messages all have one is left out.
    pub without_context: BTreeMap<String, u64>,
}

/// Something that this run could not see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Unseen {
    /// What.
    pub what: String,
    /// The smallest change that would show it; null when none is known.
    pub remedy: Option<String>,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Setting {
    /// `scenario`, `architecture`, `instrumentation`, or `containers`: what is no matter of the scenario.
    pub of: String,
    /// Its name.
    pub name: String,
    /// How it was set.
    pub value: String,
    /// What the preset says; null when no preset speaks of it.
    pub preset: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::{evaluate::judge, sample};

    #[test]
    fn the_shipped_schema_is_the_contract() {
        let schema = schemars::schema_for!(Report);
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        expect_test::expect_file!["../../report.schema.json"].assert_eq(&text);
    }

    #[test]
    fn a_report_comes_back_from_its_file() {
        let report = judge(sample::blind_hop()).report;
        let text = serde_json::to_string(&report).unwrap();
        assert!(serde_json::from_str::<Report>(&text).unwrap() == report);
    }

    #[test]
    fn what_was_not_there_is_null() {
        let report = serde_json::to_value(judge(sample::calm_week()).report).unwrap();
        for name in ["recall", "precision", "hop_at_1"] {
            assert!(report["exposure"][name].is_null(), "{name}");
        }
        let never = judge(sample::case(sample::Shape { orders: 1, lost: 1, unseen: 0, slow: 0, false_alarms: 0 })).report;
        assert_eq!(never.states.get("CLOSED").unwrap().p50_s, None);
    }
}
