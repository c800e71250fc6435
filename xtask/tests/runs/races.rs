//! Two services write the same row: whoever looks at the version, or holds the lock, loses nothing, and without either all shows.

use contracts::architecture::Preset;
use judge::Judged;
use scenarios::Scenario;

/// A day of orders of customers who do not wait, on an architecture.
fn judged(toggles: &str, seed: u64, fault: bool) -> Judged {
    let fault =
        if fault { r#"fault = [{ kind = "lost-update", at = "2h", for = "16h", share = 0.3, takes = "10m" }]"# } else { "" };
    let text = format!(
        r#"
        title = "t"
        seed = {seed}
        duration = "20h"
        architecture = {{ {toggles} }}
        {fault}
        [[load]]
        actor = "customer"
        executor = "constant-arrival-rate"
        rate = "9/h"
        [pricing]
        mean = "150s"
        max = "20m"
        [thresholds]
        "verdicts{{verdict:lost}}" = ["count>=0"]
    "#
    );
    xtask::simulated::judged(&Scenario::parse("races.toml".as_ref(), text.as_bytes()).unwrap())
}

/// Each preset with its other toggles as they are.
fn with(preset: Preset, version_check: bool, row_lock: bool) -> String {
    format!(r#"preset = "{}", mes-consumers = 4, version-check = {version_check}, row-lock = {row_lock}"#, preset.name())
}

#[test]
fn the_version_check_and_the_row_lock_each_lose_nothing() {
    for preset in Preset::ALL {
        for (version_check, row_lock) in [(true, false), (false, true), (true, true)] {
            let report = judged(&with(preset, version_check, row_lock), 7, true).report;
            let what = format!("{} {version_check} {row_lock}", preset.name());
            assert_eq!((report.orders.bad, report.exposure.false_alarms), (0, 0), "{what}");
            assert!(report.faults[0].effects > 20, "{what}: customers did not wait");
        }
    }
}

#[test]
fn without_either_every_overwritten_order_is_exposed_with_its_cause() {
    for preset in Preset::ALL {
        for seed in [1, 2, 3, 4] {
            let report = judged(&with(preset, false, false), seed, true).report;
            let (exposure, what) = (&report.exposure, format!("{} seed {seed}: {:?}", preset.name(), report.alarms_by_cause));
            assert!(report.orders.bad >= 20, "{what}");
            assert_eq!((exposure.recall, exposure.precision), (Some(1.0), Some(1.0)), "{what}");
            assert_eq!((exposure.hop_at_1, exposure.cause_accuracy), (Some(1.0), Some(1.0)), "{what}");
            assert_eq!(exposure.causes_judged, report.orders.bad, "{what}");
            let called = report.bad_orders.iter().filter(|order| order.cause.as_deref() == Some("lost_update"));
            assert_eq!(called.count(), report.bad_orders.len(), "{what}");
        }
    }
}

#[test]
fn where_nobody_replaces_a_model_no_two_writers_meet() {
    for preset in Preset::ALL {
        let report = judged(&with(preset, false, false), 7, false).report;
        assert_eq!((report.orders.bad, report.exposure.false_alarms), (0, 0), "{}", preset.name());
    }
}
