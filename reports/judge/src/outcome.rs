//! Pass, fail or unknown, and why.
//!
//! Fail means that something known violates a threshold. Whatever should be known and is not makes a run unknown: no data
//! is never a pass.

use detector::Leak;

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
    failures.extend(case.telemetry.leaks.iter().map(leaked));
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

/// Personal data belongs into no telemetry, whatever the orders are like.
fn leaked(leak: &Leak) -> String {
    let Leak { service, attribute, what, times } = leak;
    let times = words::several(*times, "place");
    format!("personal data in the telemetry: {} in `{attribute}`, in {times} of {service}", what.words())
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
    // First: whatever else is missing may be for that.
    let accident = |what: &String| format!("an accident that is no fault of the scenario: {what}");
    let mut reasons: Vec<String> = run.accidents.iter().map(accident).collect();
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
        let are = if counts.borderline == 1 { "is" } else { "are" };
        let why = "within the clock error of a deadline, or in doubt since a process or its connection died";
        reasons.push(format!("{borderline} {are} borderline ({why}), more than {share} %"));
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

#[cfg(test)]
mod tests {
    use signals::{Loss, loss::Why};

    use super::*;
    use crate::{
        evaluate::judge,
        report::Report,
        sample::{self, Shape},
    };

    const FINE: Shape = Shape { orders: 200, lost: 0, unseen: 0, slow: 0, false_alarms: 0 };

    fn judged(case: Case) -> Report {
        judge(case).report
    }

    fn said(report: &Report) -> (Outcome, &str) {
        (report.outcome, report.reasons.first().map_or("", String::as_str))
    }

    #[test]
    fn each_outcome_has_its_exit_code() {
        assert_eq!([Outcome::Pass, Outcome::Fail, Outcome::Unknown].map(Outcome::exit_code), [0, 1, 2]);
    }

    #[test]
    fn no_orders_are_never_a_pass() {
        let mut case = sample::calm_week();
        case.truths.clear();
        case.findings.clear();
        let report = judged(case);
        assert_eq!(said(&report), (Outcome::Unknown, "no order was initiated, so no order was analysed"));
        assert_eq!((report.exposure.recall, report.exposure.precision), (None, None));
    }

    #[test]
    fn orders_without_a_trace_are_never_a_pass() {
        let mut case = sample::calm_week();
        case.findings.clear();
        assert_eq!(said(&judged(case)), (Outcome::Unknown, "no order was analysed: the telemetry names none"));
        let mut case = sample::calm_week();
        case.findings.pop();
        let report = judged(case);
        assert_eq!(report.outcome, Outcome::Unknown);
        assert!(report.reasons[0].starts_with("only 839 of 840 orders were analysed"));
    }

    #[test]
    fn a_quiet_run_passes_without_anything_to_expose() {
        let report = judged(sample::calm_week());
        assert_eq!(said(&report), (Outcome::Pass, ""));
        assert_eq!((report.exposure.recall, report.thresholds[1].passed, report.thresholds[1].excused), (None, None, true));
    }

    #[test]
    fn an_alarm_in_a_quiet_run_fails_it() {
        let mut case = sample::calm_week();
        case.findings[3].verdict = detector::Verdict::Slow;
        let report = judged(case);
        assert_eq!(report.outcome, Outcome::Fail);
        assert!(report.reasons.iter().any(|reason| reason.contains("1 alarm went off")));
    }

    #[test]
    fn trouble_in_a_quiet_run_fails_it_even_when_exposed() {
        let mut case = sample::case(Shape { lost: 1, ..FINE });
        case.run.quiet = true;
        assert!(said(&judged(case)).1.starts_with("the scenario is meant to be quiet"));
    }

    #[test]
    fn nothing_to_expose_is_unknown_unless_the_architecture_promised_it() {
        let mut case = sample::case(FINE);
        case.faults[1].1 = case.faults[0].1.clone();
        case.thresholds.truncate(1);
        assert_eq!(said(&judged(case.clone())), (Outcome::Unknown, "threshold lost_unexposed count==0: nothing to observe"));
        case.run.envelope = vec!["broker-kill".to_owned(), "slow-pricing".to_owned()];
        assert_eq!(said(&judged(case)), (Outcome::Pass, ""));
    }

    #[test]
    fn a_fault_without_effect_is_never_a_pass() {
        let mut case = sample::broker_kill();
        case.faults[0].1.clear();
        let report = judged(case);
        assert_eq!(said(&report), (Outcome::Unknown, "the fault slow-pricing@1 had no effect: nothing was tried"));
        assert_eq!(report.faults[0].proof, None);
    }

    #[test]
    fn incomplete_telemetry_is_unknown_and_not_red() {
        let mut case = sample::blind_hop();
        case.telemetry.found -= 1;
        let report = judged(case);
        let gap = "telemetry is incomplete: 330,132 spans ended, 330,132 exported, 330,131 found";
        assert_eq!(said(&report), (Outcome::Unknown, gap));
        assert!(report.thresholds.iter().take(4).all(|threshold| threshold.passed.is_none()));
    }

    /// Spans that a service's exporter counts as not handed over, for two hours of the second day.
    fn not_exported(case: &Case, spans: u64) -> Loss {
        let hour = 3_600_000_000_000;
        let (from_ns, until_ns) = (case.run.epoch_ns + 24 * hour, case.run.epoch_ns + 26 * hour);
        Loss { service: Some("mes-api".into()), from_ns, until_ns, spans, why: Why::ExportFailed }
    }

    #[test]
    fn spans_that_are_counted_as_lost_are_no_gap_where_they_leave_nothing_open() {
        let mut case = sample::broker_kill();
        case.telemetry.losses = vec![not_exported(&case, 12)];
        case.telemetry.ended += 12;
        assert_eq!(judged(case.clone()).outcome, Outcome::Pass);
        case.telemetry.ended += 1;
        assert!(said(&judged(case)).1.starts_with("telemetry is incomplete: "), "one that nobody accounts for");
    }

    #[test]
    fn spans_that_are_counted_as_lost_and_leave_an_order_open_are_never_a_pass() {
        let mut case = sample::broker_kill();
        case.telemetry.losses = vec![not_exported(&case, 12)];
        case.telemetry.ended += 12;
        case.findings[0].verdict = detector::Verdict::Unknown;
        let report = judged(case);
        let reason = "telemetry is incomplete: 12 spans that could not be exported, of mes-api, from 1 d to 1 d 2 h; \
            it leaves open what became of 1 order";
        assert_eq!(said(&report), (Outcome::Unknown, reason));
        assert_eq!(report.telemetry.lost[0].why, "export-failed");
    }

    #[test]
    fn personal_data_is_never_a_pass() {
        let mut case = sample::calm_week();
        let (service, attribute) = ("shop-api".into(), "customer.email".to_owned());
        case.telemetry.leaks = vec![Leak { service, attribute, what: signals::Personal::EMail, times: 3 }];
        let reason = "personal data in the telemetry: an e-mail address in `customer.email`, in 3 places of shop-api";
        assert_eq!(said(&judged(case)), (Outcome::Fail, reason));
    }

    #[test]
    fn a_broken_promise_is_red_even_without_telemetry() {
        let mut case = sample::broker_kill();
        case.telemetry.unavailable = Some("jaeger does not answer".to_owned());
        case.thresholds[4].limit = 1.0;
        let report = judged(case);
        assert_eq!(report.outcome, Outcome::Fail);
        assert!(report.reasons[0].starts_with("threshold order_latency{state:PRICE_CALCULATED} p(95)<10m: observed"));
        assert!(report.reasons.contains(&"jaeger does not answer".to_owned()));
    }

    #[test]
    fn spans_that_died_with_a_killed_process_are_no_gap() {
        let mut case = sample::broker_kill();
        case.telemetry.ended += 12;
        case.telemetry.killed = 12;
        assert_eq!(judged(case).outcome, Outcome::Pass);
    }

    #[test]
    fn an_accident_of_the_stack_is_never_a_pass_and_no_excuse_for_a_failure() {
        let mut case = sample::broker_kill();
        assert_eq!(judged(case.clone()).outcome, Outcome::Pass);
        case.run.accidents = vec!["Jaeger stopped".to_owned()];
        let reason = "an accident that is no fault of the scenario: Jaeger stopped";
        assert_eq!(said(&judged(case.clone())), (Outcome::Unknown, reason));
        case.thresholds[4].limit = 1.0;
        let report = judged(case);
        assert_eq!(report.outcome, Outcome::Fail);
        assert_eq!(report.reasons[1..], [reason]);
    }

    #[test]
    fn a_run_that_did_not_come_to_rest_is_unknown() {
        let mut case = sample::broker_kill();
        case.run.unsettled = Some("3 messages were still queued".to_owned());
        assert_eq!(said(&judged(case)), (Outcome::Unknown, "the run did not come to rest: 3 messages were still queued"));
    }

    #[test]
    fn unknown_orders_without_a_threshold_on_them_are_never_a_pass() {
        let mut case = sample::case(Shape { lost: 1, ..FINE });
        case.findings[0].verdict = detector::Verdict::Unknown;
        case.faults.remove(0);
        case.thresholds.clear();
        assert_eq!(said(&judged(case)), (Outcome::Unknown, "the telemetry does not say what became of 1 bad order"));
    }

    #[test]
    fn an_order_that_nobody_initiated_is_never_a_pass() {
        let mut case = sample::calm_week();
        case.truths.pop();
        assert_eq!(said(&judged(case)), (Outcome::Unknown, "the telemetry names 1 order that nobody initiated"));
    }
}
