//! Pass, fail or unknown, and why.
//!
//! Fail means that something known violates a threshold. Whatever should be known and is not makes a run unknown: no data
//! is never a pass.

use crate::{
    case::{Case, Run},
    report::{Exposure, FaultRow, Orders, Outcome},
    thresholds::JudgedThreshold,
    words,
};

/// The part of orders that may be borderline.
const BORDERLINE: f64 = 0.01;

/// What the outcome rests on.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// Nothing was to be exposed, and that is as it should be: precision and the absence of alarms decide.
    pub quiet: bool,
    /// How many orders.
    pub orders: &'a Orders,
    /// What the telemetry exposes.
    pub exposure: &'a Exposure,
    /// What went wrong by intent.
    pub faults: &'a [FaultRow],
    /// Why the telemetry is no base for a verdict.
    pub gap: Option<&'a str>,
    /// Orders that the telemetry names and the ledger does not know.
    pub strangers: u64,
}

impl Base<'_> {
    /// What the telemetry says counts for nothing: it is not all there, or it does not speak of the orders at hand.
    #[must_use]
    pub fn blocks_testimony(&self) -> bool {
        self.gap.is_some() || self.orders.analysed != self.orders.initiated || self.orders.initiated == 0
    }
}

/// Whether nothing was to be exposed, and that is as it should be: the scenario says so, or all its faults are of the kinds
/// under which the architecture promises to lose nothing, and it lost nothing.
#[must_use]
pub fn quiet(run: &Run, orders: &Orders, faults: &[FaultRow]) -> bool {
    run.quiet || (orders.bad == 0 && faults.iter().all(|fault| fault.in_envelope))
}

/// The outcome and its reasons, the worst kind of reason first.
#[must_use]
pub fn outcome(base: &Base<'_>, case: &Case, thresholds: &[JudgedThreshold]) -> (Outcome, Vec<String>) {
    let of = |violated: bool| {
        let wanted = move |judged: &&JudgedThreshold| (judged.row.passed == Some(false)) == violated;
        thresholds.iter().filter(wanted).filter_map(|judged| judged.reason.clone())
    };
    let mut failures: Vec<String> = of(true).collect();
    failures.extend(noise(base, &case.run));
    let mut gaps = gaps(base, &case.run);
    gaps.extend(of(false));
    gaps.extend(unknown_orders(base, thresholds));
    let outcome = match (failures.is_empty(), gaps.is_empty()) {
        (false, _) => Outcome::Fail,
        (true, false) => Outcome::Unknown,
        (true, true) => Outcome::Pass,
    };
    failures.extend(gaps);
    (outcome, failures)
}

/// A quiet run must be quiet: both in truth and in what the telemetry says.
fn noise(base: &Base<'_>, run: &Run) -> Vec<String> {
    let mut reasons = Vec::new();
    if run.quiet && base.orders.bad > 0 {
        reasons.push(format!("the scenario is meant to be quiet, and something went wrong with {}", orders(base.orders.bad)));
    }
    if base.quiet && base.exposure.false_alarms > 0 && !base.blocks_testimony() {
        let alarms = words::several(base.exposure.false_alarms, "alarm");
        reasons.push(format!("nothing was to be exposed, and {alarms} went off for orders that are fine"));
    }
    reasons
}

/// What should be known and is not.
fn gaps(base: &Base<'_>, run: &Run) -> Vec<String> {
    let mut reasons = Vec::new();
    let counts = base.orders;
    if let Some(reason) = &run.unsettled {
        reasons.push(format!("the run did not come to rest: {reason}"));
    }
    if let Some(gap) = base.gap {
        reasons.push(gap.to_owned());
    }
    match (counts.initiated, counts.analysed) {
        (0, _) => reasons.push("no order was initiated, so no order was analysed".to_owned()),
        (_, 0) => reasons.push("no order was analysed: the telemetry names none".to_owned()),
        (initiated, analysed) if initiated != analysed => {
            let (analysed, initiated) = (words::count(analysed), words::count(initiated));
            reasons.push(format!("only {analysed} of {initiated} orders were analysed: the telemetry does not name the others"));
        }
        _ => {}
    }
    if base.strangers > 0 {
        reasons.push(format!("the telemetry names {} that nobody initiated", orders(base.strangers)));
    }
    let idle = base.faults.iter().filter(|fault| fault.effects == 0);
    reasons.extend(idle.map(|fault| format!("the fault {} had no effect: nothing was tried", fault.name)));
    if counts.borderline as f64 > BORDERLINE * counts.initiated as f64 {
        let (borderline, share) = (orders(counts.borderline), words::decimals(BORDERLINE * 100.0));
        reasons.push(format!("{borderline} lie within the clock error of a deadline, more than {share} %"));
    }
    reasons
}

/// Bad orders of which the telemetry does not say, unless a threshold on their number has been set and judged.
fn unknown_orders(base: &Base<'_>, thresholds: &[JudgedThreshold]) -> Option<String> {
    let unknown = base.exposure.unknown;
    let judged = thresholds.iter().any(|judged| judged.row.metric == "unknown" && judged.row.passed.is_some());
    (unknown > 0 && !judged && !base.blocks_testimony())
        .then(|| format!("the telemetry does not say what became of {}", words::several(unknown, "bad order")))
}

fn orders(number: u64) -> String {
    words::several(number, "order")
}
