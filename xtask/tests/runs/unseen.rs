//! Scenarios that are in no library: whatever a scenario says, full telemetry exposes each bad order as what it is, where it is,
//! and nobody cries wolf.

use std::path::Path;

use contracts::architecture::Preset;
use judge::{Judged, report::Outcome};
use scenarios::Scenario;

const SEEDS: u64 = 3;

/// Runs a scenario on both architectures with some seeds. Each run must expose every bad order at its hop; `telling` says for
/// each architecture how the run with the first seed must end, and what became of at least one of its orders.
fn exposes(name: &str, text: &str, telling: [(Outcome, &[&str]); 2]) {
    let scenario = Scenario::parse(Path::new(&format!("{name}.toml")), text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    for (preset, (outcome, classes)) in Preset::ALL.into_iter().zip(telling) {
        for turn in 0..SEEDS {
            let seed = scenario.seed + turn;
            let run = Scenario { seed, ..scenario.clone() }.with_architecture(preset);
            let judged = xtask::simulated::judged(&run);
            let label = format!("{name}, {}, seed {seed}", preset.name());
            exposed(&judged, &label);
            if turn == 0 {
                assert_eq!(judged.report.outcome, outcome, "{label}: {:?}", judged.report.reasons);
                for class in classes {
                    assert!(judged.report.truth.get(class).is_some_and(|orders| *orders > 0), "{label}: no order is {class}");
                }
            }
        }
    }
}

fn exposed(judged: &Judged, label: &str) {
    let report = &judged.report;
    let wrong: Vec<_> = judged
        .bad_orders
        .iter()
        .map(|row| &row.order)
        .filter(|order| !(order.exposed && order.right_hop))
        .map(|order| (&order.order_ref, &order.truth, &order.truth_hop, &order.verdict, &order.hop))
        .collect();
    assert!(wrong.is_empty(), "{label}: {wrong:?}");
    let exposure = &report.exposure;
    let rates = [exposure.recall, exposure.precision, exposure.hop_at_1];
    assert!(rates.into_iter().flatten().all(|rate| rate >= 1.0), "{label}: {exposure:?}");
    assert_eq!((exposure.false_alarms, exposure.fine_but_unknown), (0, 0), "{label}");
    assert_eq!(report.orders.analysed, report.orders.initiated, "{label}");
    assert!(!report.reasons.iter().any(|reason| reason.contains("come to rest")), "{label}: {:?}", report.reasons);
}

/// 250 orders in half a minute at one consumer, and the broker dies while they wait.
#[test]
fn a_rush_meets_one_consumer_and_a_dying_broker() {
    let text = r#"
        title = "A rush"
        seed = 1
        duration = "30m"
        [[load]]
        actor = "api-user"
        executor = "burst"
        at = "1m"
        count = 250
        within = "30s"
        [[fault]]
        kind = "broker-kill"
        at = "1m 20s"
        for = "2m"
    "#;
    exposes("rush", text, [(Outcome::Pass, &["lost"]), (Outcome::Pass, &["slow"])]);
}

/// Everything goes wrong within two hours, and all of it at once.
#[test]
fn all_faults_at_once() {
    let text = r#"
        title = "All at once"
        seed = 7
        duration = "5h"
        architecture = { preset = "as-is", ack-after-work = true, mes-consumers = 3 }
        [[load]]
        actor = "customer"
        executor = "ramping-arrival-rate"
        start = "20/h"
        stages = [{ target = "80/h", duration = "3h" }, { target = "0/h", duration = "1h" }]
        [[fault]]
        kind = "slow-pricing"
        at = "1h"
        for = "2h"
        share = 0.3
        takes = "40m"
        [[fault]]
        kind = "broker-kill"
        at = "2h"
        for = "10m"
        [[fault]]
        kind = "consumer-kill"
        service = "crm-api"
        at = "2h 2m"
        for = "4m"
        [[fault]]
        kind = "consumer-kill"
        at = "2h 5m"
        for = "10m"
        [[fault]]
        kind = "consumer-kill"
        service = "shop-api"
        at = "2h 6m"
        for = "1m"
    "#;
    exposes("all-at-once", text, [(Outcome::Pass, &["lost", "duplicated", "slow"]), (Outcome::Pass, &["slow"])]);
}

/// The consumer dies at its work: what it had begun is delivered again, and slow at what began again late.
#[test]
fn a_consumer_that_dies_at_work_again_and_again() {
    let text = r#"
        title = "Begun, died, begun again"
        seed = 278
        duration = "1d"
        architecture = { preset = "as-is", ack-after-work = true, idempotent-consumers = true, mes-consumers = 4 }
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "12/h"
        [pricing]
        mean = "10m"
        max = "25m"
        [[fault]]
        kind = "consumer-kill"
        at = "1h"
        for = "35m"
        times = 8
        every = "2h 40m"
    "#;
    exposes("begun-again", text, [(Outcome::Pass, &["slow"]), (Outcome::Pass, &["slow"])]);
}

/// A promise that nobody can keep, and two sellers for a crowd: the run lasts until the last of them has been served.
#[test]
fn a_promise_that_nobody_can_keep() {
    let text = r#"
        title = "Promised by tomorrow"
        seed = 4
        duration = "12h"
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "20/h"
        [pricing]
        mean = "1s"
        max = "5s"
        [people]
        sellers = 1
        seller = "4h"
        operators = 2
        bench = "6h"
        [sla]
        promise = "1d"
        MANUFACTURING_COMPLETED = "4d"
        "order.packaging" = "4ms"
        [[fault]]
        kind = "broker-restart"
        at = "6h"
        for = "3m"
    "#;
    exposes("promised", text, [(Outcome::Pass, &["slow"]), (Outcome::Pass, &["slow"])]);
}

/// Calculations of half a day: longer than the broker's patience, and longer than anybody waits for an answer elsewhere.
#[test]
fn calculations_of_half_a_day() {
    let text = r#"
        title = "Half a day for a price"
        seed = 5
        duration = "2d"
        architecture = { preset = "to-be", pricing = "blocking", mes-consumers = 2 }
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "2/h"
        [broker]
        consumer-timeout = "5m"
        tick = "1m"
        [[fault]]
        kind = "slow-pricing"
        at = "10h"
        for = "6h"
        share = 1.0
        takes = "12h"
    "#;
    exposes("half-a-day", text, [(Outcome::Pass, &["slow"]), (Outcome::Pass, &["slow"])]);
}

/// A factory without pricing for hours, and a CRM away while the factory ships.
#[test]
fn services_that_are_away_for_hours() {
    let text = r#"
        title = "Away for hours"
        seed = 6
        duration = "4d"
        architecture = { preset = "as-is", outbox = true, mes-consumers = 4 }
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "3/h"
        [people]
        manufacturing = "6h"
        packaging = "1h"
        shipping = "2h"
        carrier = "5h"
        [[fault]]
        kind = "consumer-kill"
        service = "mes"
        at = "1d"
        for = "4h"
        [[fault]]
        kind = "consumer-kill"
        service = "crm-api"
        at = "2d"
        for = "9h"
        [[fault]]
        kind = "consumer-kill"
        service = "crm"
        at = "3d"
        for = "10h"
        [[fault]]
        kind = "broker-kill"
        at = "3d 20h"
        for = "2h"
    "#;
    exposes("away", text, [(Outcome::Pass, &["lost", "slow", "stuck"]), (Outcome::Pass, &["slow", "stuck"])]);
}

/// The process dies with all orders in its hands and takes what it had to say of them down with it.
#[test]
fn all_orders_die_with_one_process() {
    let text = r#"
        title = "All in one hand"
        seed = 3
        duration = "10m"
        architecture = { preset = "as-is", mes-consumers = 8 }
        [[load]]
        actor = "api-user"
        executor = "burst"
        at = "0s"
        count = 5
        within = "5s"
        [[fault]]
        kind = "consumer-kill"
        at = "14s"
        for = "30s"
    "#;
    exposes("all-in-one-hand", text, [(Outcome::Pass, &["lost"]), (Outcome::Pass, &["ok"])]);
}

/// What a process has done and not sent when it dies shows no step: its silence about the next one is still evidence.
#[test]
fn a_service_that_lives_for_a_second_every_two_hours() {
    let text = r#"
        title = "One second every two hours"
        seed = 1
        duration = "32h"
        [[load]]
        actor = "api-user"
        executor = "burst"
        at = "0s"
        count = 20
        within = "1s"
        [pricing]
        mean = "5s"
        max = "11s"
        [people]
        upload = "17s"
        submit = "27s"
        seller = "20s"
        bench = "4m"
        manufacturing = "8h"
        packaging = "15m"
        shipping = "1h"
        carrier = "4h"
        [[fault]]
        kind = "consumer-kill"
        service = "crm-api"
        at = "6h 30m"
        for = "2h"
        times = 10
        every = "2h 1s"
    "#;
    exposes("second", text, [(Outcome::Pass, &["stuck"]), (Outcome::Pass, &["stuck"])]);
}

/// A process dies in the middle of its calculations, and what it had taken in is delivered again: the time until the second
/// beginning is no transit, because the first one, begun in vain, had shown that the order was taken in.
#[test]
fn calculations_begun_in_vain() {
    let text = r#"
        title = "Begun in vain"
        seed = 1
        duration = "40m"
        architecture = { preset = "as-is", outbox = true, ack-after-work = true, idempotent-consumers = true, mes-consumers = 64 }
        [[load]]
        actor = "api-user"
        executor = "burst"
        at = "0s"
        count = 180
        within = "5s"
        [pricing]
        mean = "15m"
        max = "4h"
        [[fault]]
        kind = "consumer-kill"
        service = "mes-api"
        at = "22m"
        for = "1s"
    "#;
    exposes("vain", text, [(Outcome::Pass, &["slow"]), (Outcome::Pass, &["ok"])]);
}

/// Half of the house shows nothing. What is not seen is unknown: never a loss, never a pass.
#[test]
fn a_silent_house_raises_no_false_alarm_and_passes_nothing() {
    for silent in [r#""mes-api""#, r#""crm-api""#, r#""shop-api", "internet-shop""#, r#""mes-api", "crm-api""#] {
        let text = format!(
            r#"
            title = "Silence"
            seed = 8
            duration = "6h"
            architecture = {{ preset = "as-is", mes-consumers = 4 }}
            instrumentation = {{ silent = [{silent}] }}
            [[load]]
            actor = "customer"
            executor = "constant-arrival-rate"
            rate = "24/h"
            [[fault]]
            kind = "broker-kill"
            at = "3h"
            for = "20m"
        "#
        );
        let scenario = Scenario::parse(Path::new("silence.toml"), text.as_bytes()).unwrap();
        let report = xtask::simulated::judged(&scenario).report;
        let exposure = &report.exposure;
        assert!(report.orders.bad > 5, "{silent}");
        assert_eq!((exposure.false_alarms, exposure.misjudged), (0, 0), "{silent}");
        let fine = report.truth.get("ok").copied().unwrap_or_default();
        assert!(exposure.unknown + exposure.fine_but_unknown > fine / 2, "{silent}: {exposure:?}");
        assert!(!report.hops.is_empty() && !report.unseen.is_empty(), "{silent}");
        if exposure.unknown > 0 {
            assert_ne!(report.outcome, Outcome::Pass, "{silent}");
        }
    }
}

/// A service dies while its database has no connection for it, and is started until it has one.
#[test]
fn a_service_that_cannot_start_is_started_again() {
    let text = r#"
        title = "Nothing to start with"
        seed = 1
        duration = "1d"
        architecture = { preset = "as-is", mes-consumers = 4 }
        fault = [
            { kind = "pool-exhausted", at = "4h", for = "6h", database = "mes" },
            { kind = "consumer-kill", at = "5h", for = "1m", service = "mes-api" },
        ]
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "6/h"
        [thresholds]
        "verdicts{verdict:lost}" = ["count>=0"]
    "#;
    exposes("nothing-to-start-with", text, [(Outcome::Pass, &["slow"]), (Outcome::Pass, &["slow"])]);
}

/// Whoever waits for a confirm on a connection that nothing comes through gives up, and says so.
#[test]
fn a_confirm_that_never_comes_through() {
    let text = r#"
        title = "Cut off"
        seed = 9946
        duration = "1d"
        architecture = { preset = "to-be", outbox = false }
        fault = [{ kind = "network-cut", at = "6h", for = "1h", service = "mes-api", times = 3, every = "5h" }]
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "12/h"
        [thresholds]
        "verdicts{verdict:lost}" = ["count>=0"]
    "#;
    exposes("cut-off", text, [(Outcome::Pass, &[]), (Outcome::Pass, &["lost"])]);
}
