//! Each system fault at every place that it can hit: with full instrumentation all that goes wrong is exposed, at its hop, for a cause
//! that the ledger does not refute.

use contracts::{architecture::Preset, message, services};
use scenarios::Scenario;

/// Where a kind of fault can strike: a key of the scenario, and its values.
pub(crate) type Places = (&'static str, &'static [&'static str]);

const KEYS: Places = ("key", &message::ROUTING_KEYS);
/// Of a submitted order nobody tells who records it.
const TOLD: Places = ("key", message::ROUTING_KEYS.split_first().unwrap().1);
const QUEUES: Places = ("queue", &message::QUEUES);
const DATABASES: Places = ("database", &["shop", "mes"]);
const POOLS: Places = ("pool", &["seller", "operator"]);
const CONSUMERS: Places = ("service", &[services::CRM_API, services::MES_API]);
const CALLED: Places = ("service", &[services::SHOP_API, services::CRM_API, services::MES_API, services::MES]);
const NOWHERE: Places = ("", &[""]);

/// Each kind with its places and the keys it needs.
pub(crate) const FAULTS: &[(&str, Places, &str)] = &[
    ("crash-before-publish", KEYS, "share = 0.1, count = 15"),
    ("phantom-publish", TOLD, "share = 0.2"),
    ("publish-lost", KEYS, "share = 0.2"),
    ("confirm-lost", KEYS, "share = 0.2"),
    ("publish-refused", QUEUES, "length = 0"),
    ("binding-removed", KEYS, ""),
    ("broker-kill", NOWHERE, ""),
    ("broker-restart", NOWHERE, ""),
    ("broker-alarm", ("resource", &["memory", "disk"]), ""),
    ("queue-overflow", QUEUES, "length = 0"),
    ("queue-purged", QUEUES, r#"each = "1m""#),
    ("message-expired", QUEUES, r#"ttl = "1m""#),
    ("message-delayed", KEYS, r#"share = 0.2, delay = "3h""#),
    ("network-cut", CONSUMERS, ""),
    ("consumer-forgotten", QUEUES, ""),
    ("consumer-timeout", QUEUES, r#"timeout = "5m""#),
    ("consumer-kill", ("service", &services::ALL), ""),
    ("service-paused", ("service", &services::ALL), ""),
    ("cpu-limit", ("service", &services::ALL), r#"cpu-second = "20m""#),
    ("crash-before-ack", KEYS, "share = 0.1, count = 15"),
    ("ack-lost", KEYS, "share = 0.2"),
    ("poison-message", KEYS, "share = 0.2"),
    ("database-down", DATABASES, ""),
    ("pool-exhausted", DATABASES, ""),
    ("slow-database", DATABASES, r#"takes = "20s""#),
    ("write-conflicts", DATABASES, "share = 0.2"),
    ("rows-overlooked", DATABASES, "share = 0.2"),
    ("table-grown", DATABASES, "rows = 1000000"),
    ("lost-update", NOWHERE, "share = 0.3"),
    ("files-down", NOWHERE, ""),
    ("upload-lost", NOWHERE, "share = 0.2"),
    ("service-unreachable", CALLED, "share = 0.3"),
    ("answer-lost", CALLED, "share = 0.3"),
    ("slow-calls", CALLED, r#"takes = "2m""#),
    ("slow-pricing", NOWHERE, r#"share = 0.2, takes = "50m""#),
    ("pricing-fails", NOWHERE, "share = 0.2"),
    ("pricing-hangs", NOWHERE, "share = 0.2"),
    ("staff-away", POOLS, "share = 0.7"),
    ("newest-first", POOLS, ""),
    ("first-page-only", POOLS, "rows = 10"),
    ("notice-lost", NOWHERE, "share = 0.3"),
    ("call-back-lost", NOWHERE, "share = 0.3"),
];

/// A day of orders under one fault, with people so quick that orders pass every place while it lasts; a broker is back sooner.
fn scenario(kind: &str, place: &str, keys: &str, preset: Preset) -> Scenario {
    let lasts = if kind.starts_with("broker-") { "20m" } else { "15h" };
    let text = format!(
        r#"
        title = "t"
        seed = 11
        duration = "18h"
        architecture = {{ preset = "{}", mes-consumers = 4, notices = {} }}
        fault = [{{ kind = "{kind}", at = "3h", for = "{lasts}"{place}{} }}]
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "6/h"
        [[load]]
        actor = "api-user"
        executor = "constant-arrival-rate"
        rate = "1/h"
        [pricing]
        mean = "150s"
        max = "20m"
        [people]
        bench = "20m"
        manufacturing = "2h"
        packaging = "20m"
        shipping = "1h"
        carrier = "2h"
        [thresholds]
        "verdicts{{verdict:lost}}" = ["count>=0"]
    "#,
        preset.name(),
        kind == "notice-lost",
        if keys.is_empty() { String::new() } else { format!(", {keys}") },
    );
    Scenario::parse("sweep.toml".as_ref(), text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What is wrong with a run, in words.
fn wrong(kind: &str, (key, value): (&str, &str), keys: &str, preset: Preset) -> Vec<String> {
    let place = if key.is_empty() { String::new() } else { format!(r#", {key} = "{value}""#) };
    let report = xtask::simulated::judged(&scenario(kind, &place, keys, preset)).report;
    let what = format!("{kind} {value} {}", preset.name());
    let exposure = &report.exposure;
    let mut wrong = Vec::new();
    let mut check = |holds: bool, why: &str| {
        if !holds {
            wrong.push(format!("{what}: {why}: {} bad, {:?}, {:?}", report.orders.bad, report.truth, report.alarms_by_cause));
        }
    };
    check(exposure.recall.is_none_or(|recall| recall >= 1.0), "not exposed");
    check(exposure.precision.is_none_or(|precision| precision >= 1.0), "false alarms");
    check(exposure.hop_at_1.is_none_or(|share| share >= 0.99), "another hop");
    check(exposure.cause_accuracy.is_none_or(|share| share >= 1.0), "another cause");
    check(exposure.fine_but_unknown == 0, "fine, and nobody knows");
    // Elsewhere a fault may find nothing to do: nobody waits, nothing is in the queue.
    let bites = preset == Preset::AsIs && key == "key";
    check(!bites || report.faults.iter().all(|fault| fault.effects > 0), "the fault did nothing");
    check(report.orders.analysed == report.orders.initiated && report.orders.initiated > 20, "not all analysed");
    wrong
}

fn sweep(preset: Preset) {
    let places =
        FAULTS.iter().flat_map(|(kind, (key, values), keys)| values.iter().map(move |value| (*kind, (*key, *value), *keys)));
    let wrong: Vec<String> = places.flat_map(|(kind, place, keys)| wrong(kind, place, keys, preset)).collect();
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn as_is_every_fault_is_exposed_at_every_place() {
    sweep(Preset::AsIs);
}

#[test]
fn to_be_every_fault_is_exposed_at_every_place() {
    sweep(Preset::ToBe);
}

#[test]
fn every_system_fault_is_swept() {
    let swept = |name: &str| FAULTS.iter().any(|(kind, ..)| *kind == name);
    // Dead letters need a queue for them, and a context that is dropped is a matter of the telemetry.
    let missing: Vec<&str> = faults::CATALOGUE
        .iter()
        .filter(|kind| kind.plain().unknown_at_most().is_none())
        .map(|kind| kind.name)
        .filter(|name| !swept(name) && !["dead-letters-dropped", "context-dropped"].contains(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
