//! The judge's whole work on one run, in the order a reader asks.

use std::collections::BTreeMap;

use detector::Verdict;
use signals::{Loss, firehose::Contexts};

use crate::{
    answer,
    case::Case,
    clients, doubt, exposure, flow,
    matching::{self, Matched, Pair},
    order_row,
    ordered::Ordered,
    outcome::{self, Base},
    parts,
    report::{self, BadOrder, BadOrderWithJourney, CauseRow, LossRow, Messages, Report, Setting, Standing, TelemetryRow, Window},
    requests, states, thresholds, timeline, unseen, words,
};

/// The bad orders that `report.json` lists at most.
pub const LISTED: usize = 1_000;
/// The false alarms that `report.json` lists at most.
pub const LISTED_FALSE_ALARMS: usize = 100;

/// A judged run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// `report.json`.
    pub report: Report,
    /// `bad-orders.jsonl`: every bad order with its journey, those not exposed first; then the false alarms.
    pub bad_orders: Vec<BadOrderWithJourney>,
}

/// Judges a run.
#[must_use]
pub fn judge(mut case: Case) -> Judged {
    states::sort(&mut case);
    doubt::borderline(&mut case);
    let matched = matching::matched(&case);
    let rows: Vec<BadOrderWithJourney> = matched
        .pairs
        .iter()
        .filter(|pair| pair.standing.is_some())
        .map(|pair| order_row::with_journey(pair, &case.run))
        .collect();
    let report = report(&case, &matched, &rows);
    Judged { report, bad_orders: rows }
}

fn report(case: &Case, matched: &Matched<'_>, rows: &[BadOrderWithJourney]) -> Report {
    let pairs = &matched.pairs;
    let run = &case.run;
    let orders = clients::orders(pairs, case.refused());
    let exposure = exposure::exposure(pairs);
    let faults = exposure::by_fault(pairs, &case.faults, run);
    let hops = exposure::by_hop(pairs, run, &faults, &case.faults);
    let clients = clients::rows(case, pairs);
    let unsaid = pairs.iter().filter(|pair| pair.verdict() == Verdict::Unknown).count() as u64;
    let gap = case.telemetry.gap().or_else(|| case.telemetry.missing(unsaid, run.epoch_ns));
    let base = Base {
        quiet: outcome::quiet(run, &orders, &faults),
        orders: &orders,
        exposure: &exposure,
        faults: &faults,
        gap: gap.as_deref(),
        strangers: matched.strangers.len() as u64,
    };
    let thresholds = thresholds::rows(case, pairs, &base);
    let (outcome, reasons) = outcome::outcome(&base, case, &thresholds);
    let listed = |wanted: fn(Standing) -> bool| rows.iter().map(|row| &row.order).filter(move |order| wanted(order.standing));
    let bad: Vec<BadOrder> = listed(|standing| standing != Standing::FalseAlarm).take(LISTED).cloned().collect();
    Report {
        schema_version: report::SCHEMA_VERSION,
        scenario: run.scenario.clone(),
        title: run.title.clone(),
        world: run.world.clone(),
        seed: run.seed,
        architecture: run.architecture.clone(),
        instrumentation: run.instrumentation.clone(),
        answer: answer::answer(&orders, &exposure, &hops, &base),
        outcome,
        reasons,
        replay: run.replay.clone(),
        quiet: run.quiet,
        duration_s: words::since(run.end_ns, run.epoch_ns),
        scale: run.scale.clone(),
        scaled_by: run.scaled_by.map(|(machine, human)| report::Factors { machine, human }),
        versions: run.versions.clone(),
        configuration: settings(case),
        verdicts: verdicts(pairs),
        truth: clients::classes(pairs),
        causes: causes(rows),
        alarms_by_cause: alarms_by_cause(rows),
        truncated: orders.bad > bad.len() as u64,
        bad_orders: bad,
        false_alarms: listed(|standing| standing == Standing::FalseAlarm).take(LISTED_FALSE_ALARMS).cloned().collect(),
        without_fault: exposure::exposed(pairs.iter().filter(|pair| pair.truth.faults.is_empty())),
        states: states::states(&case.states),
        lead_time: states::lead_time(&case.lead_times),
        requests: requests::rows(case),
        parts: parts::rows(&run.used, run.epoch_ns),
        unseen: unseen::unseen((case, gap.as_deref()), matched, &hops, &faults, &exposure, &clients),
        telemetry: TelemetryRow {
            ended: case.telemetry.ended,
            exported: case.telemetry.exported,
            found: case.telemetry.found,
            killed: case.telemetry.killed,
            lost: lost(case),
            gap,
            messages: case.contexts.as_ref().map(messages),
        },
        clients,
        flow: flow::flow(case, pairs),
        timeline: timeline::timeline(case, pairs, &faults),
        orders,
        exposure,
        hops,
        faults,
        thresholds: thresholds.into_iter().map(|judged| judged.row).collect(),
    }
}

fn lost(case: &Case) -> Vec<LossRow> {
    let since = |at_ns: u64| words::since(at_ns, case.run.epoch_ns);
    let row = |loss: &Loss| LossRow {
        service: loss.service.as_deref().map(str::to_owned),
        window: Window { from_s: since(loss.from_ns), to_s: since(loss.until_ns) },
        spans: loss.spans,
        why: loss.why.name().to_owned(),
    };
    case.telemetry.losses.iter().map(row).collect()
}

fn messages(contexts: &Contexts) -> Messages {
    let (published, with_context) = contexts.sum();
    let without = contexts.by_key.iter().filter(|(_, (messages, valid))| valid < messages);
    let without_context = without.map(|(key, (messages, valid))| (key.to_string(), messages - valid)).collect();
    Messages { published, with_context, without_context }
}

/// Bad orders by cause and tier of their alarm, the most frequent first.
fn alarms_by_cause(rows: &[BadOrderWithJourney]) -> Vec<CauseRow> {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let bad = rows.iter().map(|row| &row.order).filter(|order| matches!(order.standing, Standing::Exposed | Standing::Misjudged));
    for order in bad {
        if let (Some(cause), Some(tier)) = (&order.cause, &order.tier) {
            *counts.entry((cause, tier)).or_default() += 1;
        }
    }
    let row = |((cause, tier), orders): ((&str, &str), u64)| CauseRow { cause: cause.to_owned(), tier: tier.to_owned(), orders };
    let mut rows: Vec<CauseRow> = counts.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.orders));
    rows
}

fn causes(rows: &[BadOrderWithJourney]) -> BTreeMap<String, String> {
    let said = |cause: &detector::Cause| rows.iter().any(|row| row.order.cause.as_deref() == Some(cause.name));
    detector::CAUSES.iter().filter(|cause| said(cause)).map(|cause| (cause.name.to_owned(), cause.meaning.to_owned())).collect()
}

fn verdicts(pairs: &[Pair<'_>]) -> Ordered<u64> {
    let mut counts: BTreeMap<Verdict, u64> = BTreeMap::new();
    for pair in pairs {
        *counts.entry(pair.verdict()).or_insert(0) += 1;
    }
    counts.into_iter().map(|(verdict, count)| (verdict.name().to_owned(), count)).collect()
}

fn settings(case: &Case) -> Vec<Setting> {
    let setting = |setting: &crate::case::Setting| Setting {
        of: setting.of.clone(),
        name: setting.name.clone(),
        value: setting.value.clone(),
        preset: setting.preset.clone(),
    };
    case.run.settings.iter().map(setting).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use faults::Fault;

    use super::*;
    use crate::{
        report::{Miss, Outcome},
        sample::{self, Shape},
    };

    const FINE: Shape = Shape { orders: 10, lost: 0, unseen: 0, slow: 0, false_alarms: 0 };

    #[test]
    fn a_run_whose_every_bad_order_is_exposed_passes() {
        let report = judge(sample::broker_kill()).report;
        assert_eq!((report.outcome, report.reasons), (Outcome::Pass, Vec::<String>::new()));
        let exposure = report.exposure;
        assert_eq!((exposure.recall, exposure.precision, exposure.hop_at_1), (Some(1.0), Some(1.0), Some(1.0)));
        assert_eq!((exposure.exposed, exposure.missed, exposure.unknown, exposure.false_alarms), (41, 0, 0, 0));
        assert_eq!((exposure.exposed_after.min_s, exposure.exposed_after.max_s), (Some(0.0), Some(1_860.0)));
        assert_eq!(report.answer, "41 of 5,412 orders went wrong (29 lost and 12 late); the traces expose every one of them.");
    }

    #[test]
    fn a_blind_hop_is_named_with_what_would_show_it() {
        let report = judge(sample::blind_hop()).report;
        assert_eq!(report.outcome, Outcome::Fail);
        assert_eq!(report.exposure.recall, Some(24.0 / 41.0));
        assert_eq!(report.exposure.precision, Some(24.0 / 26.0));
        let hop = &report.hops[0];
        assert_eq!((hop.hop.as_deref(), hop.blind), (Some("order.submitted transit"), true));
        assert_eq!((hop.exposure.orders, hop.exposure.exposed, hop.exposure.missed), (29, 12, 17));
        let first = "threshold lost_unexposed count==0: observed 17 at order.submitted transit; worst order c-000001";
        assert_eq!(report.reasons[0], first);
        assert!(report.unseen[0].remedy.as_deref().unwrap().contains("traceparent"));
        assert_eq!(report.bad_orders[0].miss, Some(Miss::NotExposableWithThisInstrumentation));
        assert_eq!(report.false_alarms.len(), 2);
    }

    #[test]
    fn an_alarm_of_another_class_does_not_expose() {
        let mut case = sample::case(Shape { lost: 1, ..FINE });
        case.findings[0].verdict = Verdict::Stuck;
        let report = judge(case).report;
        assert_eq!((report.exposure.exposed, report.exposure.missed, report.exposure.misjudged), (0, 1, 1));
        assert_eq!((report.exposure.precision, report.exposure.hop_at_1), (Some(0.0), Some(1.0)));
        assert_eq!(report.bad_orders[0].standing, Standing::Misjudged);
    }

    #[test]
    fn a_bad_order_that_telemetry_does_not_speak_of_counts_against_recall_and_hop() {
        let mut case = sample::case(Shape { lost: 2, ..FINE });
        case.findings[0].verdict = Verdict::Unknown;
        let report = judge(case).report;
        assert_eq!((report.exposure.recall, report.exposure.hop_at_1), (Some(0.5), Some(0.5)));
        assert_eq!(report.exposure.unknown, 1);
        assert_eq!(report.outcome, Outcome::Fail, "recall and unknown have thresholds, and both are known");
    }

    #[test]
    fn a_wrong_hop_costs_the_hop_but_not_the_recall() {
        let mut case = sample::case(Shape { lost: 4, ..FINE });
        case.findings[0].hop = Some("order.submitted process".to_owned());
        let exposure = judge(case).report.exposure;
        assert_eq!((exposure.recall, exposure.hop_at_1), (Some(1.0), Some(0.75)));
    }

    #[test]
    fn an_answer_does_not_boast_of_orders_that_are_exposed_in_the_wrong_place() {
        let mut case = sample::case(Shape { lost: 4, ..FINE });
        for finding in &mut case.findings[..2] {
            finding.hop = Some("order.submitted process".to_owned());
        }
        let answer = judge(case).report.answer;
        assert_eq!(answer, "4 of 10 orders were lost; the traces expose every one of them, but 2 at the wrong hop.");
    }

    #[test]
    fn faults_of_a_kind_that_hit_the_same_hop_are_told_together() {
        let mut case = sample::case(Shape { lost: 3, ..FINE });
        let (kill, effects) = case.faults.iter().find(|(fault, _)| fault.name == "broker-kill@1").cloned().unwrap();
        let later =
            |n: u32| Fault { name: format!("broker-kill@{n}"), at: kill.at + n * Duration::from_secs(3_600), ..kill.clone() };
        for n in [2, 3] {
            case.faults.push((later(n), effects[..1].to_vec()));
            case.truths.iter_mut().filter(|truth| truth.class.bad()).for_each(|truth| truth.faults.push(later(n).name));
        }
        let because = judge(case).report.hops[0].because.clone().unwrap();
        assert_eq!(because, "broker-kill, 3 times from 1 d 1 h to 1 d 4 h (5 messages lost from queues)");
    }

    #[test]
    fn borderline_orders_are_counted_and_not_judged() {
        let mut case = sample::case(Shape { orders: 200, slow: 2, ..FINE });
        for at in [0, 1] {
            case.truths[at].borderline = true;
        }
        case.findings[0].verdict = Verdict::Ok;
        let report = judge(case.clone()).report;
        assert_eq!((report.orders.borderline, report.orders.bad, report.exposure.recall), (2, 0, None));
        assert!(!report.reasons.iter().any(|reason| reason.contains("borderline")), "2 of 200 are just 1 %");
        case.truths[2].borderline = true;
        assert!(judge(case).report.reasons.iter().any(|reason| reason.starts_with("3 orders are borderline")));
    }

    #[test]
    fn an_alarm_before_the_order_went_wrong_took_no_time() {
        let mut case = sample::case(Shape { lost: 1, ..FINE });
        case.findings[0].alarmed_ns = Some(sample::EPOCH_NS);
        assert_eq!(judge(case).report.bad_orders[0].exposed_after_s, Some(0.0));
    }

    #[test]
    fn a_report_lists_a_thousand_bad_orders_and_says_that_there_are_more() {
        let judged = judge(sample::case(Shape { orders: 1_002, lost: 1_001, ..FINE }));
        assert_eq!((judged.report.bad_orders.len(), judged.report.truncated, judged.bad_orders.len()), (1_000, true, 1_001));
    }

    #[test]
    fn a_fault_says_what_it_did_and_whether_that_was_exposed() {
        let report = judge(sample::broker_kill()).report;
        let names: Vec<&str> = report.faults.iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(names, ["slow-pricing@1", "broker-kill@1"], "in the order they began");
        let kill = &report.faults[1];
        assert_eq!(kill.proof.as_deref(), Some("29 messages lost from queues, 3 connections broken"));
        assert_eq!((kill.effects, kill.orders_hit, kill.exposure.exposed), (32, 29, 29));
        assert_eq!(kill.exposure.tiers, BTreeMap::from([("C".to_owned(), 29)]));
    }

    #[test]
    fn the_same_case_gives_the_same_bytes_whatever_order_it_comes_in() {
        let case = sample::broker_kill();
        let mut turned = case.clone();
        turned.truths.reverse();
        turned.findings.rotate_left(7);
        let bytes = |case| serde_json::to_vec(&judge(case).report).unwrap();
        assert!(bytes(case) == bytes(turned));
    }
}
