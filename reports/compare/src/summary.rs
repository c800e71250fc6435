//! What of a run a comparison looks at: it fits on a page, and a baseline keeps it under version control.

use std::collections::BTreeMap;

use judge::{
    ordered::Ordered,
    report::{BadOrder, Outcome, Report, StateRow},
};
use serde::{Deserialize, Serialize};

/// A run in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Which run.
    pub which: Which,
    /// Whether it passed.
    pub outcome: Outcome,
    /// Orders begun.
    pub initiated: u64,
    /// Orders that came to their end.
    pub closed: u64,
    /// Alarms for orders that are fine.
    pub false_alarms: u64,
    /// Exposed bad orders of all bad ones; null without bad ones.
    pub recall: Option<f64>,
    /// Right alarms of all alarms; null without alarms.
    pub precision: Option<f64>,
    /// Bad orders whose hop was named rightly, of all bad ones; null without bad ones.
    pub hop_at_1: Option<f64>,
    /// What became of the bad orders.
    pub classes: Vec<Class>,
    /// The faults, in the order they began.
    pub faults: Vec<Fault>,
    /// Orders that came to each hop.
    pub hops: Ordered<u64>,
    /// Time into each state, and from the first to the last.
    pub times: Ordered<Band>,
}

/// Which run: two with the same are one run, done again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The scenario's name.
    pub scenario: String,
    /// `simulated` or `containers`.
    pub world: String,
    /// Architecture preset.
    pub architecture: String,
    /// Instrumentation preset.
    pub instrumentation: String,
    /// The seed.
    pub seed: u64,
    /// It was shortened.
    pub scaled: bool,
}

/// Bad orders of one kind of client with one fate at one hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// `retail` or `api_partner`.
    pub client: String,
    /// What became of them.
    pub fate: String,
    /// Where.
    pub hop: Option<String>,
    /// How many.
    pub orders: u64,
    /// What the telemetry says of them, and of how many.
    pub said: BTreeMap<String, u64>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// `<kind>@<n>`.
    pub name: String,
    /// How many things it did.
    pub effects: u64,
    /// Orders that it made bad.
    pub orders: u64,
    /// Of those: exposed.
    pub exposed: u64,
}

/// How long something took: half of the orders, and all but the slowest 5 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// How many orders.
    pub orders: u64,
    /// Seconds; null without orders.
    pub p50_s: Option<f64>,
    /// Seconds; null without orders.
    pub p95_s: Option<f64>,
    /// How long it may take; null where nobody says.
    #[serde(default)]
    pub deadline_s: Option<f64>,
}

impl Band {
    /// All but the slowest 5 % are within the deadline, which has the real stack's own time on top in a run that was shortened.
    pub(crate) fn in_time(&self) -> bool {
        self.p95_s.zip(self.deadline_s).is_some_and(|(p95_s, deadline_s)| p95_s <= deadline_s)
    }
}

/// The name of the time from the first state to the last among the times.
pub(crate) const LEAD_TIME: &str = "lead time";

impl Summary {
    /// Of a report with all its bad orders.
    #[must_use]
    pub fn of(report: &Report, bad: &[BadOrder]) -> Self {
        let exposure = &report.exposure;
        let hops = report.flow.hops.iter().map(|hop| (hop.hop.clone(), hop.entered));
        let states = report.states.0.iter().map(|(state, row)| (state.clone(), band(row)));
        let lead_time = std::iter::once((LEAD_TIME.to_owned(), band(&report.lead_time.row)));
        Self {
            which: Which {
                scenario: report.scenario.clone(),
                world: report.world.clone(),
                architecture: report.architecture.clone(),
                instrumentation: report.instrumentation.clone(),
                seed: report.seed,
                scaled: report.scaled_by.is_some(),
            },
            outcome: report.outcome,
            initiated: report.orders.initiated,
            closed: report.orders.closed,
            false_alarms: exposure.false_alarms,
            recall: exposure.recall,
            precision: exposure.precision,
            hop_at_1: exposure.hop_at_1,
            classes: classes(bad),
            faults: report.faults.iter().map(fault).collect(),
            hops: hops.collect(),
            times: states.chain(lead_time).collect(),
        }
    }
}

fn classes(bad: &[BadOrder]) -> Vec<Class> {
    let mut classes: BTreeMap<_, (u64, BTreeMap<String, u64>)> = BTreeMap::new();
    for order in bad {
        let (orders, said) =
            classes.entry((order.truth.clone(), order.truth_hop.clone(), order.client_type.clone())).or_default();
        *orders += 1;
        *said.entry(at(&order.verdict, order.hop.as_deref())).or_default() += 1;
    }
    let rows = classes.into_iter();
    rows.map(|((fate, hop, client), (orders, said))| Class { client, fate, hop, orders, said }).collect()
}

/// A fate or a verdict with its hop, in words.
pub(crate) fn at(what: &str, hop: Option<&str>) -> String {
    hop.map_or_else(|| what.to_owned(), |hop| format!("{what} at {hop}"))
}

fn fault(row: &judge::report::FaultRow) -> Fault {
    Fault { name: row.name.clone(), effects: row.effects, orders: row.exposure.orders, exposed: row.exposure.exposed }
}

fn band(row: &StateRow) -> Band {
    Band { orders: row.count, p50_s: row.p50_s, p95_s: row.p95_s, deadline_s: row.sla_s }
}

impl Which {
    /// Everything but the scenario, in words.
    #[must_use]
    pub fn says(&self) -> String {
        let Self { world, architecture, instrumentation, seed, scaled, .. } = self;
        let shortened = if *scaled { "  shortened" } else { "" };
        format!("{world}  {architecture}  {instrumentation}  seed {seed}{shortened}")
    }
}
