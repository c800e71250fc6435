//! One clear error for each slip of the pen, and none for anything in the library.

mod fuzz;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use expect_test::{Expect, expect};

use super::*;

fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::parse(Path::new("my.toml"), text.as_bytes())
}

/// A file that is right, without its last lines.
const HEAD: &str = r#"title = "t"
duration = "3d"
[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "30/h"
"#;

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&parse(text).map_or_else(|error| error.to_string(), |_| "no error".to_owned()));
}

fn check_after(rest: &str, expected: Expect) {
    check(&format!("{HEAD}{rest}"), expected);
}

#[test]
fn an_unknown_key_names_the_nearest() {
    check_after(
        "[[fault]]\nkind = \"broker-kill\"\natt = \"1d\"\nfor = \"4m\"",
        expect!["my.toml:9:1: unknown key `att`; expected `kind`, `at`, `for`, `times` or `every`; did you mean `at`?"],
    );
    check(
        "tittle = \"t\"",
        expect![
            "my.toml:1:1: unknown key `tittle`; expected `title`, `schema_version`, `seed`, `duration`, `quiet`, `group`, `architecture`, `instrumentation`, `load`, `pricing`, `people`, `partner-api`, `broker`, `fault`, `sla`, `scale` or `thresholds`; did you mean `title`?"
        ],
    );
    check_after(
        "[pricing]\nmeen = \"3m\"",
        expect!["my.toml:8:1: unknown key `meen`; expected `mean` or `max`; did you mean `mean`?"],
    );
    check(
        "title = \"t\"\narchitecture = { preset = \"as-is\", mes_consumers = 4 }",
        expect![
            "my.toml:2:36: unknown key `mes_consumers`; expected `preset`, `publisher-confirms`, `outbox`, `ack-after-work`, `idempotent-consumers`, `version-check`, `row-lock`, `dead-letters`, `mes-consumers`, `list-index`, `pricing`, `picking` or `notices`; did you mean `mes-consumers`?"
        ],
    );
}

#[test]
fn a_wrong_value_names_the_nearest() {
    check_after(
        "[[fault]]\nkind = \"broker-kil\"\nat = \"1d\"\nfor = \"4m\"",
        expect![[
            r#"my.toml:8:8: `kind` is "broker-kil"; expected `crash-before-publish`, `phantom-publish`, `publish-lost`, `confirm-lost`, `publish-refused`, `binding-removed`, `broker-kill`, `broker-restart`, `broker-alarm`, `queue-overflow`, `queue-purged`, `message-expired`, `message-delayed`, `network-cut`, `consumer-forgotten`, `consumer-timeout`, `consumer-kill`, `service-paused`, `cpu-limit`, `crash-before-ack`, `ack-lost`, `poison-message`, `dead-letters-dropped`, `database-down`, `pool-exhausted`, `slow-database`, `write-conflicts`, `rows-overlooked`, `table-grown`, `lost-update`, `files-down`, `upload-lost`, `service-unreachable`, `answer-lost`, `slow-calls`, `slow-pricing`, `pricing-fails`, `pricing-hangs`, `staff-away`, `newest-first`, `first-page-only`, `notice-lost`, `call-back-lost`, `context-dropped`, `head-sampling`, `tail-sampling`, `exporter-overflow`, `tracing-outage`, `clock-skew`, `retention`, `service-silent` or `personal-data`; did you mean `broker-kill`?"#
        ]],
    );
    check(
        &HEAD.replace("customer", "custommer"),
        expect![[r#"my.toml:4:9: `actor` is "custommer"; expected `customer` or `api-user`; did you mean `customer`?"#]],
    );
    check(
        &HEAD.replace("constant-arrival-rate", "constant-rate"),
        expect![[
            r#"my.toml:5:12: `executor` is "constant-rate"; expected `constant-arrival-rate`, `ramping-arrival-rate`, `burst` or `replay`"#
        ]],
    );
    check_after(
        "[[fault]]\nkind = \"consumer-kill\"\nservice = \"mes-ap\"\nat = \"1d\"\nfor = \"4m\"",
        expect![[
            r#"my.toml:9:11: `service` is "mes-ap"; expected `internet-shop`, `shop-api`, `crm`, `crm-api`, `mes-api` or `mes`; did you mean `mes-api`?"#
        ]],
    );
    check_after(
        "[scale]\nmachine = 60\nhuman = 20000\nunstudied = [\"seler\"]",
        expect![[
            r#"my.toml:10:14: `unstudied` is "seler"; expected `seller`, `operator` or `mes-consumers`; did you mean `seller`?"#
        ]],
    );
}

#[test]
fn wrong_types_and_units_say_what_was_expected() {
    check(
        &HEAD.replace("\"3d\"", "3"),
        expect![[
            r#"my.toml:2:12: `duration` is `3`; expected a duration like "150s", "30m" or "1d 12h" (units ms, s, m, h, d, w), more than 0; did you mean `"3s"`?"#
        ]],
    );
    check(
        &HEAD.replace("\"3d\"", "\"3 days\""),
        expect![[
            r#"my.toml:2:12: `duration`: `days` in `3 days` is no unit of time; expected a duration like "150s", "30m" or "1d 12h" (units ms, s, m, h, d, w), more than 0; did you mean `3 d`?"#
        ]],
    );
    check(
        &HEAD.replace("\"3d\"", "\"0s\""),
        expect![[
            r#"my.toml:2:12: `duration` is zero; expected a duration like "150s", "30m" or "1d 12h" (units ms, s, m, h, d, w), more than 0"#
        ]],
    );
    check(
        &HEAD.replace("\"3d\"", "\"-3d\""),
        expect![[
            r#"my.toml:2:12: `duration`: `-3d` is negative; expected a duration like "150s", "30m" or "1d 12h" (units ms, s, m, h, d, w), more than 0"#
        ]],
    );
    check(
        &HEAD.replace("30/h", "-30/h"),
        expect![[
            r#"my.toml:6:8: `rate`: `-30/h` is negative; expected a rate like "30/h", "500/m" or "2/s" (units s, m, h, d, w), more than 0"#
        ]],
    );
    check(
        &HEAD.replace("30/h", "0/h"),
        expect![[
            r#"my.toml:6:8: `rate` is zero: nobody ever comes; expected a rate like "30/h", "500/m" or "2/s" (units s, m, h, d, w), more than 0"#
        ]],
    );
    check(
        &HEAD.replace("30/h", "30/ms"),
        expect![[
            r#"my.toml:6:8: `rate`: `ms` in `30/ms` is no unit of a rate; expected a rate like "30/h", "500/m" or "2/s" (units s, m, h, d, w), more than 0; did you mean `30/m`?"#
        ]],
    );
    check(
        &HEAD.replace("\"30/h\"", "30"),
        expect![[
            r#"my.toml:6:8: `rate` is `30`; expected a rate like "30/h", "500/m" or "2/s" (units s, m, h, d, w), more than 0; did you mean `"30/h"`?"#
        ]],
    );
    check(&HEAD.replace("\"t\"", "[1]"), expect!["my.toml:1:9: `title` is a list; expected a text"]);
    check(&format!("seed = -1\n{HEAD}"), expect!["my.toml:1:8: `seed` is `-1`; expected a whole number from 0"]);
    check(&format!("seed = 1.5\n{HEAD}"), expect!["my.toml:1:8: `seed` is `1.5`; expected a whole number from 0"]);
    check_after(
        "[scale]\nmachine = 0.5\nhuman = 20000",
        expect!["my.toml:8:11: `machine` is `0.5`; expected a number from 1 to 1000000"],
    );
    check(
        &format!("architecture = \"as-is\"\n{HEAD}"),
        expect![[
            r#"my.toml:1:16: `architecture` is "as-is"; expected a table with `preset`, `publisher-confirms`, `outbox`, `ack-after-work`, `idempotent-consumers`, `version-check`, `row-lock`, `dead-letters`, `mes-consumers`, `list-index`, `pricing`, `picking` or `notices`"#
        ]],
    );
    check(
        &format!("architecture = {{ mes-consumers = 0 }}\n{HEAD}"),
        expect!["my.toml:1:34: `mes-consumers` is `0`; expected a whole number from 1 to 1000"],
    );
}

#[test]
fn what_is_missing_or_there_twice_is_named() {
    check("", expect!["my.toml:1:1: `title` is missing; expected a text"]);
    check(
        "title = \"t\"\nduration = \"3d\"",
        expect![
            "my.toml:1:1: `load` is missing; expected a list with at least one entry, each a table whose `executor` is `constant-arrival-rate`, `ramping-arrival-rate`, `burst` or `replay`"
        ],
    );
    check(
        "title = \"t\"\nduration = \"3d\"\nload = []",
        expect![
            "my.toml:3:8: `load` is empty; expected a list with at least one entry, each a table whose `executor` is `constant-arrival-rate`, `ramping-arrival-rate`, `burst` or `replay`"
        ],
    );
    check(
        &HEAD.replace("rate = \"30/h\"", ""),
        expect![[
            r#"my.toml:3:1: `rate` is missing; expected a rate like "30/h", "500/m" or "2/s" (units s, m, h, d, w), more than 0"#
        ]],
    );
    check(
        &HEAD.replace("executor = \"constant-arrival-rate\"", ""),
        expect![
            "my.toml:3:1: `executor` is missing; expected `constant-arrival-rate`, `ramping-arrival-rate`, `burst` or `replay`"
        ],
    );
    check(
        &format!("title = \"again\"\n{HEAD}"),
        expect!["my.toml:2:1: `title` stands here a second time; expected each key once"],
    );
    check(
        &format!("instrumentation = {{ silent = [\"mes\", \"mes\"] }}\n{HEAD}"),
        expect!["my.toml:1:38: `mes` stands twice in `silent`; expected each name once"],
    );
    check("title = \"t", expect![[r#"my.toml:1:11: this is no TOML: invalid basic string; expected `"`"#]]);
    check("title = \"t\"\nduration 3d", expect!["my.toml:2:10: this is no TOML: key with no value; expected `=`"]);
}

#[test]
fn a_fault_on_nothing_is_refused() {
    check_after(
        "[[fault]]\nkind = \"broker-kill\"\nat = \"3d\"\nfor = \"4m\"",
        expect![
            "my.toml:9:6: it begins at 3d, after the last arrival at 3d: a fault on nothing; expected a time before `duration` is over"
        ],
    );
    check_after(
        "[[fault]]\nkind = \"broker-kill\"\nat = \"1d\"\nfor = \"0s\"",
        expect![[
            r#"my.toml:10:7: `for` is zero; expected a duration like "150s", "30m" or "1d 12h" (units ms, s, m, h, d, w), more than 0"#
        ]],
    );
    check_after(
        "[[fault]]\nkind = \"slow-pricing\"\nat = \"1d\"\nfor = \"4h\"\nshare = 0\ntakes = \"45m\"",
        expect!["my.toml:11:9: `share` is zero: a fault on nothing; expected a number above 0, at most 1"],
    );
    check_after(
        "[[fault]]\nkind = \"broker-kill\"\nat = \"1d\"\nfor = \"4m\"\nservice = \"mes\"",
        expect!["my.toml:11:1: unknown key `service`; expected `kind`, `at`, `for`, `times` or `every`"],
    );
    check_after(
        "[[fault]]\nkind = \"consumer-kill\"\nat = \"1d\"\nfor = \"4m\"\ntimes = 9\nevery = \"7h\"",
        expect![
            "my.toml:11:9: it begins at 3d 1h, after the last arrival at 3d: a fault on nothing; expected a time before `duration` is over"
        ],
    );
    check_after(
        "[[fault]]\nkind = \"consumer-kill\"\nat = \"1d\"\nfor = \"4m\"\ntimes = 9",
        expect!["my.toml:11:9: `every` is missing; expected the time from one to the next"],
    );
    check_after(
        "[[fault]]\nkind = \"consumer-kill\"\nat = \"1d\"\nfor = \"4m\"\ntimes = 2\nevery = \"3m\"",
        expect!["my.toml:12:9: this consumer-kill begins before the one at 1d is over; expected a time after 1d 4m"],
    );
    let burst = "[[load]]\nactor = \"api-user\"\nexecutor = \"burst\"\nat = \"2d\"\ncount = 9\nwithin = \"1h\"\n";
    let early = "[[fault]]\nkind = \"broker-kill\"\nat = \"1d\"\nfor = \"4m\"";
    check(
        &format!("title = \"t\"\nduration = \"3d\"\n{burst}{early}"),
        expect!["my.toml:11:6: no order has come in by 1d 4m: a fault on nothing; expected a time after the first arrivals"],
    );
    check(
        &format!("quiet = true\n{HEAD}{early}"),
        expect!["my.toml:1:9: `quiet` is true, but broker-kill@1 happens; expected `quiet = false`, or no faults"],
    );
}

#[test]
fn what_contradicts_the_timeline_is_refused() {
    let burst = "[[load]]\nactor = \"api-user\"\nexecutor = \"burst\"\nat = \"2d 23h\"\ncount = 9\nwithin = \"2h\"\n";
    check_after(
        burst,
        expect![
            "my.toml:10:6: the burst ends at 3d 1h, after the last arrival at 3d; expected a burst that fits into `duration`"
        ],
    );
    let ramp =
        "[[load]]\nactor = \"api-user\"\nexecutor = \"ramping-arrival-rate\"\nstages = [{ target = \"9/h\", duration = \"4d\" }]";
    check_after(
        ramp,
        expect!["my.toml:10:40: the stages end at 4d, after the last arrival at 3d; expected stages that fit into `duration`"],
    );
    check_after(
        &ramp.replace("9/h", "0/h").replace("4d", "1d"),
        expect!["my.toml:10:10: every rate is zero: nobody ever comes; expected a target above 0"],
    );
    check(
        &HEAD.replace("30/h", "500/s"),
        expect![
            "my.toml:3:1: about 129600000 orders arrive in 3d; expected at most 2000000 orders: a lower rate or a shorter duration"
        ],
    );
    check_after(
        "[pricing]\nmean = \"1h\"",
        expect!["my.toml:7:1: `max` is 30m, below the mean of 1h; expected a `max` of at least `mean`"],
    );
}

#[test]
fn deadlines_and_thresholds_are_held_to_what_exists() {
    check_after(
        "[sla]\nINITIATED = \"1h\"",
        expect![
            "my.toml:8:1: `INITIATED` is where an order begins: nothing comes before it; expected `FILE_UPLOADED`, `SUBMITTED`, `PRICE_CALCULATED`, `MANUFACTURING_APPROVED`, `MANUFACTURING_STARTED`, `MANUFACTURING_COMPLETED`, `PACKAGING`, `SHIPPED`, `CLOSED`, `order.manufacturing_started`, `order.manufacturing_completed`, `order.packaging` or `promise`"
        ],
    );
    check_after(
        "[sla]\nPRICE_CALCULATD = \"1h\"",
        expect![
            "my.toml:8:1: unknown key `PRICE_CALCULATD`; expected `FILE_UPLOADED`, `SUBMITTED`, `PRICE_CALCULATED`, `MANUFACTURING_APPROVED`, `MANUFACTURING_STARTED`, `MANUFACTURING_COMPLETED`, `PACKAGING`, `SHIPPED`, `CLOSED`, `order.manufacturing_started`, `order.manufacturing_completed`, `order.packaging` or `promise`; did you mean `PRICE_CALCULATED`?"
        ],
    );
    check_after(
        "[thresholds]\nexposure_recal = [\"rate==1\"]",
        expect![
            "my.toml:8:1: no metric is called `exposure_recal`; expected `lost_unexposed`, `exposure_recall`, `exposure_precision`, `hop_at_1`, `cause_accuracy`, `unknown`, `orders_initiated`, `orders_refused`, `orders_closed`, `orders_in_flight`, `orders`, `verdicts`, `order_latency`, `lead_time`, `sla_breaches` or `time_to_expose`; did you mean `exposure_recall`?"
        ],
    );
    check_after(
        "[thresholds]\nlead_time = [\"p(95)<21\"]",
        expect![[
            r#"my.toml:8:14: the limit of `p(95)<21`: `21` has no unit; expected a duration like "150s", "30m" or "1d 12h" (units ms, s, m, h, d, w); did you mean `p(95)<21s`?"#
        ]],
    );
    check_after(
        "[thresholds]\nlead_time = []",
        expect!["my.toml:8:13: `lead_time` is empty; expected a list with at least one entry, each a text"],
    );
    check_after(
        "[thresholds]\nlead_time = \"p(95)<21d\"",
        expect![[r#"my.toml:8:13: `lead_time` is "p(95)<21d"; expected a list with at least one entry, each a text"#]],
    );
    check_after(
        "[thresholds]\n\"order_latency{state:CLOSD}\" = [\"p(95)<21d\"]",
        expect![
            "my.toml:8:1: `order_latency` has no state `CLOSD`; expected `order_latency{state:<value>}` with `FILE_UPLOADED`, `SUBMITTED`, `PRICE_CALCULATED`, `MANUFACTURING_APPROVED`, `MANUFACTURING_STARTED`, `MANUFACTURING_COMPLETED`, `PACKAGING`, `SHIPPED` or `CLOSED`; did you mean `order_latency{state:CLOSED}`?"
        ],
    );
}

#[test]
fn bytes_that_are_no_text_have_a_place_too() {
    let mut bytes = b"title = \"t\"\nduration = \"".to_vec();
    bytes.push(0xff);
    let error = Scenario::parse(Path::new("my.toml"), &bytes).unwrap_err().to_string();
    assert_eq!(error, "my.toml:2:13: a byte that is no UTF-8; expected text in UTF-8");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn every_library_file_makes_sense_in_both_presets() {
    let library = Scenario::library(&root()).unwrap();
    assert!(library.len() >= 30, "{} scenarios", library.len());
    for scenario in library {
        let file = scenario.architecture;
        assert_eq!(scenario.clone().with_architecture(Preset::AsIs).architecture, file);
        let other = scenario.clone().with_architecture(Preset::ToBe);
        let (dead_letters, notices) = (file.dead_letters, file.notices);
        assert_eq!(other.architecture, Architecture { dead_letters, notices, ..Preset::ToBe.architecture() });
        assert_eq!(other.with_architecture(Preset::AsIs), scenario, "{}", scenario.name);
        assert!(!scenario.quiet || scenario.faults.is_empty(), "{}: who inflicts something expects something", scenario.name);
        assert!(scenario.group.is_some(), "{}: what does a reader look for who wants it?", scenario.name);
    }
}

#[test]
fn what_can_happen_for_real_can_be_scaled_to_less_than_two_minutes_of_arrivals() {
    let real = |scenario: &Scenario| scenario.faults.iter().all(|fault| fault.kind.can(faults::World::Containers));
    let library: Vec<Scenario> = Scenario::library(&root()).unwrap().into_iter().filter(real).collect();
    assert!(library.len() >= 4);
    for scenario in library {
        for preset in Preset::ALL {
            let scenario = scenario.clone().with_architecture(preset);
            let scaled = crate::scale::scaled(&scenario).unwrap_or_else(|error| panic!("{error}"));
            assert!(scaled.duration < Duration::from_mins(2), "{}: {:?}", scenario.name, scaled.duration);
            assert_eq!(scaled.faults.is_empty(), scenario.faults.is_empty(), "{}", scenario.name);
            assert_eq!(scaled.architecture, scenario.architecture);
        }
    }
}

#[test]
fn a_whole_file_becomes_a_scenario() {
    let text = format!(
        "seed = 7\n{HEAD}[[fault]]\nkind = \"consumer-kill\"\nat = \"2d\"\nfor = \"1m\"\ntimes = 2\nevery = \"1h\"\n\
         [[fault]]\nkind = \"broker-restart\"\nat = \"1d\"\nfor = \"2m\"\n\
         [[fault]]\nkind = \"consumer-kill\"\nservice = \"crm-api\"\nat = \"1d\"\nfor = \"1m\"\n\
         [people]\nseller = \"20m\"\noperators = 3\n[sla]\nCLOSED = \"9d\"\n\"order.packaging\" = \"2h\"\npromise = \"20d\"\n"
    );
    let scenario = parse(&text).unwrap();
    let faults: Vec<_> = scenario.faults.iter().map(|fault| (fault.name.as_str(), fault.at.as_secs() / 3600)).collect();
    assert_eq!(faults, [("broker-restart@1", 24), ("consumer-kill@1", 24), ("consumer-kill@2", 48), ("consumer-kill@3", 49)]);
    assert_eq!(scenario.faults[2].kind, faults::CONSUMER_KILL.with("service", "mes-api"));
    assert_eq!((scenario.name.as_str(), scenario.seed, scenario.people.operators), ("my", 7, 3));
    // Twice the mean, twice the cap, twice the pool.
    assert_eq!((scenario.people.seller.cap, scenario.people.sellers), (Duration::from_secs(7200), 20));
    assert_eq!(scenario.sla.states[&Status::Closed], Duration::from_secs(9 * 86_400));
    assert_eq!(scenario.sla.messages["order.packaging"], Duration::from_secs(7200));
    assert_eq!(scenario.sla.promise, Some(Duration::from_secs(20 * 86_400)));
    assert_eq!(scenario.broker, Broker { consumer_timeout: Duration::from_secs(1800), tick: Duration::from_secs(60) });
    assert_eq!(scenario.pricing, Pricing { mean: Duration::from_secs(150), max: Duration::from_secs(1800) });
}

#[test]
fn who_waits_for_a_carrier_is_as_patient_as_carriers_are_slow() {
    let means = |people: &str| {
        let people = parse(&format!("{HEAD}[people]\n{people}")).unwrap().people;
        [people.carrier, people.closing, people.asking].map(|wait| wait.mean.as_millis())
    };
    let hour = 3_600_000;
    assert_eq!(means("upload = \"1s\""), [72 * hour, 8 * hour, 24 * hour]);
    assert_eq!(means("carrier = \"900ms\""), [900, 100, 300]);
    assert_eq!(means("carrier = \"900ms\"\nasking = \"1h\""), [900, 100, hour]);
}

#[test]
fn silence_is_by_service() {
    let plain = parse(HEAD).unwrap();
    assert!(contracts::services::ALL.iter().all(|service| plain.instrumentation.traces(service)));
    let partly = parse(&format!("instrumentation = {{ silent = [\"crm-api\"], propagation = false }}\n{HEAD}")).unwrap();
    assert!(
        !partly.instrumentation.traces("crm-api") && partly.instrumentation.traces("crm") && !partly.instrumentation.propagation
    );
    let logs = |scenario: &Scenario| contracts::services::ALL.map(|service| scenario.instrumentation.logs(service));
    assert_eq!(logs(&plain), [true; 6]);
    assert_eq!(logs(&partly), [true, true, true, false, true, true], "a service without traces says nothing unless it shall");
    let crm_logs_only = "instrumentation = { silent = [\"crm-api\"], logs = [\"crm-api\"] }\n";
    assert_eq!(logs(&parse(&format!("{crm_logs_only}{HEAD}")).unwrap()), [false, false, false, true, false, false]);
    let blind = plain.with_instrumentation(InstrumentationPreset::Blind).instrumentation;
    assert!(!contracts::services::ALL.iter().any(|service| blind.traces(service) || blind.logs(service)) && !blind.propagation);
    assert_eq!(blind.broker, BrokerTelemetry::None);
}

#[test]
fn the_broker_shows_what_the_preset_or_the_file_says() {
    let every = |scenario: &Scenario| crate::scale::scrapes_every(scenario).map(|every| every.as_secs());
    let plain = parse(HEAD).unwrap();
    assert_eq!((plain.instrumentation.broker, every(&plain)), (BrokerTelemetry::Counters, Some(60)));
    assert_eq!(every(&plain.with_instrumentation(InstrumentationPreset::Blind)), None);
    let table = "instrumentation = { unlinked = [\"crm-api\"], broker = \"firehose\", scrape-interval = \"90s\" }";
    let file = parse(&format!("{table}\n{HEAD}")).unwrap();
    let told = &file.instrumentation;
    assert_eq!((told.broker, every(&file)), (BrokerTelemetry::Firehose, Some(90)));
    assert!(told.propagates("mes-api") && !told.propagates("crm-api"));
}
