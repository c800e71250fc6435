//! The way of the logs on real parts: to Elasticsearch in seconds, none lost or doubled when the shipper dies, nothing of no use in
//! production; a service without traces is bridged by what comes back; and whoever refuses is named.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    ops::RangeInclusive,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use containers::{BrokerSeen, Testimony};
use contracts::{architecture::Preset, services};
use harness::Prepared;
use judge::report::Outcome;
use real::{Assembly, Place, arena, assembly};
use scenarios::Scenario;
use serde_json::{Value, json};
use signals::Span;

use crate::{
    gate, journey,
    worlds::{heard, judged, library, played},
};

/// As many lines as a busy hour has.
const LINES: u64 = 100_000;

/// A record of a process that is none of the run's services.
fn line(level: &str, number: u64) -> String {
    let record = json!({
        "@timestamp": "2026-11-26T00:00:00Z", "log.level": level, "message": "one of many", "service.name": "load",
        "service.node.name": "load-1.1", "service.environment": "production", "event.sequence": number,
        "event.id": format!("elk/load-1.1:{number}:{level}"), "order.id": format!("o-{number}"),
    });
    format!("{record}\n")
}

/// Adds to a file in the folder of a run's logs, from within one of its services.
fn append(run: &str, file: &str, text: &str) {
    let mut into = Command::new("docker")
        .args(["exec", "--interactive", &format!("loupe-{run}-crm-api"), "sh", "-c", &format!("cat >>/var/log/loupe/{file}.log")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    into.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(into.wait().unwrap().success());
}

fn lines(numbers: RangeInclusive<u64>) -> String {
    numbers.fold(String::new(), |mut text, number| {
        text.write_str(&line("INFO", number)).unwrap();
        text
    })
}

/// The records of that process, where anybody would look for them.
struct Load {
    address: String,
    indices: String,
}

impl Load {
    async fn of(assembly: &Assembly) -> Self {
        let address = assembly.stack().shipping().unwrap().address().await.unwrap();
        Self { address, indices: format!("logs-load-production.loupe-{}-*", assembly.stack().run()) }
    }

    /// How many records of a level are found. Nobody asks for a refresh: what is counted is what a search would show.
    async fn found(&self, level: &str) -> u64 {
        let url = format!("{}/{}/_count?q=log.level:{level}", self.address, self.indices);
        let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        // An index that was made a moment ago has no shard to answer.
        answer["count"].as_u64().or((answer["status"] == 503).then_some(0)).unwrap_or_else(|| panic!("{answer}"))
    }

    /// Gives their index the block that Elasticsearch gives to each of a full disk, or takes it.
    async fn full(&self, full: bool) {
        gate::full_disk(&format!("{}/{}", self.address, self.indices), full).await.unwrap();
    }

    /// Waits until so many are found; gives how many then are.
    #[expect(clippy::disallowed_methods, reason = "real containers are waited for in real time")]
    async fn arrived(&self, least: u64, limit: Duration) -> u64 {
        let begin = Instant::now();
        loop {
            let there = self.found("INFO").await;
            if there >= least || begin.elapsed() > limit {
                return there;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[test]
fn a_record_is_found_within_ten_seconds_and_none_of_a_hundred_thousand_is_lost_or_doubled_by_a_dead_shipper() {
    if !gate::containers() {
        return;
    }
    gate::block_on(async {
        let place = Place { environment: "production".to_owned(), ..gate::place() };
        let config = assembly::config(&gate::scenario(journey::QUICK), place).unwrap();
        let assembly = Assembly::start(config, &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
        let (run, shipping) = (assembly.stack().run(), assembly.stack().shipping().unwrap());
        journey::submit(&assembly.stage().world, "internet-shop", "c-000001").await;

        let load = Load::of(&assembly).await;
        append(run, "load", &line("DEBUG", 1));
        append(run, "load", &line("INFO", 1));
        assert_eq!(load.arrived(1, Duration::from_secs(10)).await, 1, "the marker is not found");

        append(run, "load", &lines(2..=LINES / 2));
        let midway = load.arrived(2_000, Duration::from_secs(60)).await;
        shipping.kill_shipper().await.unwrap();
        assert!((2_000..LINES / 2).contains(&midway), "{midway}: that was not midway");
        append(run, "load", &lines(LINES / 2 + 1..=LINES));
        shipping.start_shipper().await.unwrap();
        assert_eq!(load.arrived(LINES, Duration::from_secs(180)).await, LINES);

        // What the detector would get: each number once, without a gap.
        let testimony = assembly.testimony().await;
        assert_eq!(testimony.unavailable, None);
        let of_load = testimony.logs.iter().filter(|log| &*log.resource.service == "load").map(|log| log.number);
        let numbers: Vec<u64> = of_load.collect();
        assert!(numbers.iter().copied().eq(1..=LINES), "{} records came back", numbers.len());
        assert_eq!((load.found("INFO").await, load.found("DEBUG").await), (LINES, 0), "production keeps INFO and above");
        let levels = |level: &str| testimony.logs.iter().filter(|log| log.level == *level).count() as u64;
        assert_eq!(levels("DEBUG"), 0, "services do not even write it there");
        assert!(levels("INFO") > LINES + 5, "and what they write is there: {}", levels("INFO"));

        the_dashboards_questions_are_answered(&load.address).await;
        what_is_refused_for_a_while_arrives_after_it(&load, run).await;
        who_refuses_is_named(&assembly).await;
        let run = run.to_owned();
        assembly.end().await.unwrap();
        for things in [["ps", "--all"], ["volume", "ls"]] {
            assert_eq!(left(&things, &run), "", "{things:?} of a run that has ended");
        }
    });
}

/// What the engine still has of a run, one to a line; other runs of these tests go on beside it.
fn left(things: &[&str], run: &str) -> String {
    let listed = Command::new("docker").args(things).args(["--quiet", "--filter", &format!("label=loupe.run={run}")]).output();
    String::from_utf8(listed.unwrap().stdout).unwrap()
}

/// Kibana is not here; Elasticsearch, which it asks, is.
async fn the_dashboards_questions_are_answered(address: &str) {
    let objects = include_str!("../../../../chaos/containers/config/elk/kibana.ndjson").lines();
    let within = |text: &Value| text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
    let mut asked = 0;
    for object in objects.map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let url = within(&within(&object["attributes"]["visState"])["params"]["spec"])["data"]["url"].take();
        let Some(indices) = url["index"].as_str() else { continue };
        let answer = reqwest::Client::new().post(format!("{address}/{indices}/_search")).json(&url["body"]).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let orders = answer["aggregations"]["orders"]["buckets"].as_array().map_or(0, Vec::len);
        assert!(orders > 0 && answer["_shards"]["failed"] == 0, "{}: {answer}", object["id"]);
        asked += 1;
    }
    assert_eq!(asked, 2);
}

/// Elasticsearch has no room for a moment, and says so of each record.
async fn what_is_refused_for_a_while_arrives_after_it(load: &Load, run: &str) {
    load.full(true).await;
    append(run, "load", &lines(LINES + 1..=LINES + 150));
    assert_eq!(load.arrived(LINES + 1, Duration::from_secs(5)).await, LINES, "a full index takes nothing");
    load.full(false).await;
    assert_eq!(load.arrived(LINES + 150, Duration::from_secs(20)).await, LINES + 150);
}

/// Elasticsearch takes nothing more, and a service writes on.
async fn who_refuses_is_named(assembly: &Assembly) {
    assembly.stack().shipping().unwrap().refuse().await.unwrap();
    journey::submit(&assembly.stage().world, "internet-shop", "c-000002").await;
    let unavailable = assembly.testimony().await.unavailable.unwrap_or_default();
    assert!(unavailable.contains("log records were written"), "{unavailable}");
    assert!(unavailable.contains("Elasticsearch refuses records: index [logs-"), "{unavailable}");
}

#[test]
fn a_crm_without_traces_is_bridged_by_its_log_and_without_that_nobody_can_tell() {
    if !gate::containers() {
        return;
    }
    let prepared = library("unbound", Preset::AsIs);
    let mut scenario = Scenario::clone(&prepared.scenario);
    scenario.instrumentation.silent = vec![services::CRM_API.to_owned()];
    scenario.instrumentation.logs = vec![services::CRM_API.to_owned()];
    let prepared = Prepared { scenario: Arc::new(scenario), ..prepared };
    let played = played(&prepared, gate::place());
    let exposure = judged(&prepared, &played).report.exposure;
    assert_eq!((exposure.recall, exposure.precision), (Some(1.0), Some(1.0)), "{exposure:?}");
    assert!(exposure.exposed > 10, "{exposure:?}");

    let spans: Vec<Span> = played.archive.spans().collect();
    let mute = judged(&prepared, &heard(&prepared, &played, spans.clone())).report.exposure;
    assert!(mute.fine_but_unknown + mute.unknown + mute.false_alarms > 0, "the log bridged nothing: {mute:?}");

    // The same telemetry, and some of it is known to be missing.
    let refused = "crm-api-1.1: 9 log records were written, 8 are there: Elasticsearch refuses records: read-only";
    let testimony =
        Testimony { spans, logs: played.archive.logs().collect(), unavailable: Some(refused.to_owned()), ..Testimony::default() };
    let concluded = arena::concluded(&prepared, played.ledger.clone(), (testimony, BrokerSeen::default()), BTreeMap::new());
    let report = judged(&prepared, &concluded.unwrap()).report;
    assert_eq!(report.outcome, Outcome::Unknown);
    assert!(report.reasons.iter().any(|reason| reason.contains(refused)), "{:?}", report.reasons);
}
