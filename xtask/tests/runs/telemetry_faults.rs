//! Telemetry faults hide things; they never make anything up. Alone they make nobody lost. Under a system fault no verdict is wrong, no bad
//! order passes for a fine one, and no more is unknown than the fault's own file allows.

use std::{collections::BTreeMap, path::Path};

use contracts::architecture::Preset;
use harness::{Arena as _, prepare, progress::Progress};
use judge::report::{BadOrder, Outcome, Report, Standing};
use scenarios::{Scenario, language::InstrumentationPreset};
use xtask::simulated::{Simulated, judged};

use crate::nightly;

/// Each telemetry fault with its keys, in the middle of the orders.
const TELEMETRY: &[(&str, &str)] = &[
    ("context-dropped", "share = 0.5"),
    ("head-sampling", "ratio = 0.2"),
    ("tail-sampling", r#"wait = "30s""#),
    ("exporter-overflow", r#"service = "mes-api", share = 0.4"#),
    ("exporter-overflow", r#"service = "crm-api", share = 0.4"#),
    ("tracing-outage", ""),
    ("clock-skew", r#"service = "mes-api", by = "2m""#),
    ("clock-skew", r#"service = "mes-api", by = "40m", direction = "behind""#),
    ("clock-skew", r#"service = "shop-api", by = "1h", direction = "behind""#),
    ("clock-skew", r#"service = "crm-api", by = "20m""#),
    ("retention", r#"keep = "8h""#),
    ("service-silent", r#"service = "crm-api""#),
    ("service-silent", r#"service = "mes-api""#),
    ("service-silent", r#"service = "shop-api""#),
    ("personal-data", "share = 0.1"),
];

/// System faults that make orders lost, late, or done twice.
const SYSTEM: &[(&str, &str)] = &[
    ("broker-kill", ""),
    ("publish-lost", "share = 0.1"),
    ("crash-before-publish", "share = 0.05, count = 20"),
    ("ack-lost", "share = 0.1"),
    ("slow-pricing", r#"share = 0.2, takes = "50m""#),
];

fn fault((kind, keys): (&str, &str), at: &str, lasts: &str) -> String {
    let keys = if keys.is_empty() { String::new() } else { format!(", {keys}") };
    format!(r#"{{ kind = "{kind}", at = "{at}", for = "{lasts}"{keys} }},"#)
}

/// A day of orders with some faults.
fn scenario(faults: &str, logs: bool, seed: u64, preset: Preset) -> Scenario {
    let instrumentation = if logs { "" } else { "instrumentation = { preset = \"full\", logs = [] }" };
    let text = format!(
        r#"
        title = "t"
        seed = {seed}
        duration = "20h"
        architecture = {{ preset = "{}", mes-consumers = 4 }}
        {instrumentation}
        fault = [{faults}]
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "12/h"
        [pricing]
        mean = "150s"
        max = "20m"
        [thresholds]
        "verdicts{{verdict:lost}}" = ["count>=0"]
    "#,
        preset.name()
    );
    Scenario::parse(Path::new("t.toml"), text.as_bytes()).unwrap()
}

/// The telemetry fault lasts from the sixth to the fourteenth hour, a system fault from before it to after it.
fn mixed(telemetry: (&str, &str), system: (&str, &str)) -> String {
    let lasts = if system.0 == "broker-kill" { "40m" } else { "12h" };
    fault(telemetry, "6h", "8h") + &fault(system, "8h", lasts)
}

/// What is said and wrong, in words; nothing is.
fn wrong(what: &str, report: &Report) -> Vec<String> {
    let order = |order: &BadOrder| {
        let BadOrder { order_ref, truth, truth_hop, verdict, hop, cause, .. } = order;
        format!("{what}: {order_ref} {truth} at {truth_hop:?} is called {verdict} at {hop:?} for {cause:?}")
    };
    let wrong = |order: &&BadOrder| matches!(order.standing, Standing::Misjudged | Standing::Missed | Standing::FalseAlarm);
    let idle = report.faults.iter().filter(|fault| fault.effects == 0).map(|fault| format!("{what}: {} was idle", fault.name));
    report.bad_orders.iter().chain(&report.false_alarms).filter(wrong).map(order).chain(idle).collect()
}

fn assert_nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
}

/// Every night all of them, else one.
fn seeds() -> impl Iterator<Item = u64> {
    1..=if nightly() { 2 } else { 1 }
}

#[test]
fn alone_they_make_nobody_lost() {
    let mut all = Vec::new();
    for telemetry in TELEMETRY {
        for (logs, seed) in [true, false].into_iter().flat_map(|logs| seeds().map(move |seed| (logs, seed))) {
            let what = format!("{telemetry:?} logs {logs} seed {seed}");
            let report = judged(&scenario(&fault(*telemetry, "6h", "8h"), logs, seed, Preset::AsIs)).report;
            all.extend(wrong(&what, &report));
            assert!(report.verdicts.get("lost").is_none(), "{what}: {:?}", report.verdicts);
        }
    }
    assert_nothing(&all);
}

#[test]
fn under_a_system_fault_no_verdict_is_wrong_and_few_are_missing() {
    let mut shares: BTreeMap<(&str, bool), (u64, u64)> = BTreeMap::new();
    let mut all = Vec::new();
    // Of what to-be makes of system faults little is bad.
    let presets = || Preset::ALL.into_iter().filter(|preset| nightly() || matches!(preset, Preset::AsIs));
    let runs = || seeds().flat_map(|seed| presets().map(move |preset| (seed, preset)));
    for (telemetry, system) in TELEMETRY.iter().flat_map(|telemetry| SYSTEM.iter().map(move |system| (telemetry, system))) {
        for (logs, (seed, preset)) in [true, false].into_iter().flat_map(|logs| runs().map(move |run| (logs, run))) {
            let what = format!("{telemetry:?} {} seed {seed} {} logs {logs}", system.0, preset.name());
            let report = judged(&scenario(&mixed(*telemetry, *system), logs, seed, preset)).report;
            all.extend(wrong(&what, &report));
            let (bad, unknown) = shares.entry((telemetry.0, logs)).or_default();
            *bad += report.orders.bad;
            *unknown += report.exposure.unknown;
        }
    }
    eprintln!("{shares:?}");
    assert_nothing(&all);
    for ((kind, logs), (bad, unknown)) in shares {
        let ceiling = faults::kind(kind).unwrap().plain().unknown_at_most().unwrap();
        let share = unknown as f64 / bad as f64;
        eprintln!("{kind} logs {logs}: {unknown} of {bad} bad orders unknown, {share:.3}");
        assert!(bad >= 100, "{kind}: hardly anything went wrong: {bad}");
        // Without logs nobody promises as much, but a telemetry that is blurred is not gone.
        assert!(share <= if logs { ceiling } else { 0.9 }, "{kind} logs {logs}: {share:.3} of {bad}");
    }
}

#[test]
fn without_the_fault_nothing_is_hidden() {
    for logs in [true, false] {
        let report = judged(&scenario(&fault(("publish-lost", "share = 0.1"), "8h", "12h"), logs, 1, Preset::AsIs)).report;
        assert_nothing(&wrong("control", &report));
        assert_eq!((report.exposure.unknown, report.exposure.fine_but_unknown), (0, 0), "logs {logs}");
        assert!(report.telemetry.lost.is_empty() && report.telemetry.gap.is_none(), "{:?}", report.telemetry);
        assert_eq!(report.exposure.recall, Some(1.0));
    }
}

#[test]
fn the_ledger_knows_nothing_of_them() {
    let ledger = |faults: &str, instrumentation| {
        let scenario = scenario(faults, true, 3, Preset::AsIs).with_instrumentation(instrumentation);
        let prepared = prepare::prepared(scenario, false, false).unwrap();
        let played = Simulated.play(&prepared, &mut Progress::silent()).unwrap();
        let mut lines = Vec::new();
        played.ledger.write_jsonl(&mut lines).unwrap();
        (lines, played.ledger.effects.len())
    };
    let system = fault(("publish-lost", "share = 0.1"), "8h", "12h");
    let mut ledgers = Vec::new();
    for telemetry in TELEMETRY {
        let faults = fault(*telemetry, "6h", "8h") + &system;
        let (troubled, effects) = ledger(&faults, InstrumentationPreset::Full);
        // Where nothing is traced there is nothing to trouble.
        let (untroubled, fewer) = ledger(&faults, InstrumentationPreset::Blind);
        assert!(effects > fewer || telemetry.0 == "context-dropped", "{telemetry:?} did nothing");
        assert!(troubled == untroubled, "{telemetry:?} changes what happens");
        ledgers.push(troubled);
    }
    ledgers.dedup();
    assert_eq!(ledgers.len(), 1, "one telemetry fault is as good as another");
}

#[test]
fn what_is_missing_and_matters_makes_a_run_unknown_and_says_why() {
    let broken = fault(("publish-lost", "share = 0.1"), "4h", "8h");
    for (telemetry, reason) in [
        (("head-sampling", "ratio = 0.2"), "spans that were not sampled, of several services, from 6 h"),
        (("tail-sampling", r#"wait = "30s""#), "spans that came after the decision on their trace, of any service, from 6 h"),
        (("exporter-overflow", "share = 0.4"), "spans that found an exporter's queue full, of mes-api, from 6 h"),
        (("tracing-outage", ""), "spans that could not be exported, of several services, from 6 h to 14 h"),
        (("retention", r#"keep = "8h""#), "spans that the backend no longer kept, of any service, from 0 ms to 6 h"),
        (("service-silent", ""), "neither spans nor counters of mes-api from 6 h to 14 h"),
    ] {
        let report = judged(&scenario(&(fault(telemetry, "6h", "8h") + &broken), false, 1, Preset::AsIs)).report;
        assert_eq!(report.outcome, Outcome::Unknown, "{telemetry:?}: {:?}", report.reasons);
        let said = &report.reasons[0];
        assert!(said.starts_with("telemetry is incomplete: ") && said.contains(reason), "{telemetry:?}: {said}");
        // With logs beside the spans nothing is left open, and the run has a verdict.
        let report = judged(&scenario(&(fault(telemetry, "6h", "8h") + &broken), true, 1, Preset::AsIs)).report;
        assert_eq!((report.telemetry.gap.as_deref(), report.exposure.unknown), (None, 0), "{telemetry:?}");
        assert!(!report.telemetry.lost.is_empty(), "{telemetry:?}: the report names the loss all the same");
    }
}

#[test]
fn personal_data_fails_a_run_and_changes_no_verdict() {
    let leaking = fault(("personal-data", r#"service = "shop-api", share = 0.1"#), "6h", "8h");
    let report = judged(&scenario(&leaking, true, 1, Preset::AsIs)).report;
    assert_eq!(report.outcome, Outcome::Fail);
    let said: Vec<_> = report.reasons.iter().filter(|reason| reason.starts_with("personal data in the telemetry")).collect();
    assert_eq!(said.len(), 2, "{:?}", report.reasons);
    assert!(said[0].contains("an e-mail address in `customer.email`") && said[0].ends_with("of shop-api"), "{said:?}");
    assert!(said[1].contains("a telephone number in `customer.phone`"), "{said:?}");
    let clean = judged(&scenario("", true, 1, Preset::AsIs)).report;
    assert!(!clean.reasons.iter().any(|reason| reason.contains("personal data")), "{:?}", clean.reasons);
    assert_eq!(clean.verdicts, report.verdicts);
}
