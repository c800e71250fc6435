//! The logs of whole runs: one record for each transition, which says what its row and its span event say; one for each failed
//! entry; and all of them keep the schema.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use contracts::{attributes, logs};
use harness::Played;
use judge::report::{Exposure, Report};
use opentelemetry::{
    KeyValue, SpanId,
    trace::{SpanKind, Status},
};
use scenarios::Scenario;
use serde_json::Value;
use signals::{Log, Span, ecs, span::text};

use crate::agreement;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../reports/log.schema.json")).unwrap()
}

/// What the logs of some runs held.
#[derive(Default)]
pub(crate) struct Held {
    failures: usize,
    actions: BTreeSet<String>,
}

impl Held {
    /// All that whole runs promise of their log records. Where a telemetry fault has been at the spans the two do not agree.
    pub(crate) fn look(&mut self, name: &str, played: &Played) {
        let spans: Vec<Span> = played.archive.spans().collect();
        let logs: Vec<Log> = played.archive.logs().collect();
        assert!(agreement::hold(name, played) > 1_000, "{name}: hardly a transition");
        self.failures += each_failed_entry_has_its_record(name, &spans, &logs);
        each_control_point_has_its_record(name, &spans, &logs);
        each_list_has_its_record(name, &spans, &logs);
        numbers_have_no_gap(name, &logs);
        records_keep_the_schema(name, &schema(), &logs);
        self.actions.extend(logs.iter().map(|log| log.action.to_string()));
    }

    /// There was enough to look at.
    pub(crate) fn enough(&self) {
        assert!(self.failures > 50, "{}: hardly anything failed", self.failures);
        assert!(self.actions.len() >= 16, "{:?}", self.actions);
    }
}

/// A look at a list says in the log what its span says, and how long it took.
fn each_list_has_its_record(name: &str, spans: &[Span], logs: &[Log]) {
    let looks: BTreeMap<_, _> =
        logs.iter().filter(|log| log.action == "GET_ORDERS").map(|log| (log.span_id.to_bytes(), log)).collect();
    let shown = spans.iter().filter(|span| number(&span.attributes, attributes::LIST_RETURNED).is_some());
    for span in shown {
        let look = looks.get(&span.span_id.to_bytes()).unwrap_or_else(|| panic!("{name}: a list without its record"));
        for (record, attribute) in
            [(logs::ORDERS_RETURNED, attributes::LIST_RETURNED), (logs::ORDERS_PAGE, attributes::LIST_PAGE)]
        {
            assert_eq!(number(&look.fields, record), number(&span.attributes, attribute), "{name}: {record}");
        }
        let took = number(&look.fields, logs::DURATION).and_then(|ns| u64::try_from(ns).ok());
        let lasted = span.end_ns - span.start_ns;
        assert!(took.is_some_and(|took| took.abs_diff(lasted) * 10 <= lasted), "{name}: {took:?} ns of {lasted}");
    }
}

fn number(fields: &[KeyValue], name: &str) -> Option<i64> {
    fields.iter().find_map(|field| match field.value {
        opentelemetry::Value::I64(number) if field.key.as_str() == name => Some(number),
        _ => None,
    })
}

/// Where a message or a file passed well, one record of its span says so.
fn each_control_point_has_its_record(name: &str, spans: &[Span], logs: &[Log]) {
    for (what, kind, action) in [
        ("publish ", SpanKind::Producer, "MESSAGE_SENT"),
        ("put models", SpanKind::Client, "FILE_STORED"),
        ("get models", SpanKind::Client, "FILE_DOWNLOADED"),
    ] {
        let well = |span: &&Span| span.kind == kind && !matches!(span.status, Status::Error { .. });
        let passed = spans.iter().filter(|span| span.name.starts_with(what)).filter(well).map(|span| span.span_id);
        let said: Vec<_> = logs.iter().filter(|log| log.action == action).map(|log| log.span_id.to_bytes()).collect();
        let once: BTreeSet<_> = said.iter().copied().collect();
        assert_eq!(said.len(), once.len(), "{name}: {action} twice");
        let unsaid: Vec<SpanId> = passed.filter(|span| !once.contains(&span.to_bytes())).collect();
        assert!(unsaid.is_empty(), "{name}: {} spans without {action}: {unsaid:?}", unsaid.len());
    }
    let worked = spans.iter().filter(|span| span.name.starts_with("process ")).map(|span| span.span_id.to_bytes());
    let came = logs.iter().filter(|log| log.action == "MESSAGE_RECEIVED").map(|log| log.span_id.to_bytes());
    let (worked, came): (BTreeSet<_>, BTreeSet<_>) = (worked.collect(), came.collect());
    assert!(worked.is_subset(&came), "{name}: a message was worked on, and no record says that it came");
}

/// A span in which something entered or left the system and failed has one record that says why. Gives how many there were.
fn each_failed_entry_has_its_record(name: &str, spans: &[Span], logs: &[Log]) -> usize {
    let errors: Vec<&Log> = logs.iter().filter(|log| log.level == "ERROR").collect();
    let entry = |span: &&Span| matches!(span.kind, SpanKind::Server | SpanKind::Consumer | SpanKind::Producer);
    let failed: Vec<&Span> = spans.iter().filter(entry).filter(|span| matches!(span.status, Status::Error { .. })).collect();
    for span in &failed {
        let own: Vec<_> = errors.iter().filter(|log| log.span_id == span.span_id).collect();
        assert_eq!(own.len(), 1, "{name}: {} failed, and {own:?}", span.name);
        let cause = |about: &[KeyValue]| text(about, attributes::ERROR_TYPE).map(str::to_owned);
        assert_eq!(cause(&own[0].fields), cause(&span.attributes), "{name}: {}", span.name);
        assert!(
            matches!(&span.status, Status::Error { description } if Some(&**description) == text(&own[0].fields, logs::ERROR_MESSAGE))
        );
    }
    failed.len()
}

fn numbers_have_no_gap(name: &str, logs: &[Log]) {
    let mut numbers: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for log in logs {
        let new = numbers.entry(&log.resource.instance).or_default().insert(log.number);
        assert!(new, "{name}: {} {} twice", log.resource.instance, log.number);
    }
    for (process, numbers) in numbers {
        assert_eq!(numbers.last().copied(), Some(numbers.len() as u64), "{name}: {process}");
    }
}

fn records_keep_the_schema(name: &str, schema: &Value, logs: &[Log]) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let mut line = Vec::new();
    for log in logs {
        line.clear();
        ecs::write(log, &mut line);
        let record: Value = serde_json::from_slice(&line).unwrap();
        let errors: Vec<_> = validator.iter_errors(&record).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}: {record}");
        let back = ecs::read(str::from_utf8(&line).unwrap()).unwrap();
        assert_eq!((back.time_ns, back.span_id, back.fields.len()), (log.time_ns, log.span_id, log.fields.len()), "{name}");
    }
}

#[test]
fn the_schema_names_what_the_contract_names_and_no_more() {
    let schema = schema();
    let named: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named, ecs::BASE.into_iter().chain(ecs::STATEMENT).chain(logs::ALL.iter().copied()).collect());
}

/// A record with another value, or one more.
fn with(record: &Value, key: &str, value: Value) -> Value {
    let mut record = record.clone();
    record[key] = value;
    record
}

fn without(record: &Value, key: &str) -> Value {
    let mut record = record.clone();
    record.as_object_mut().unwrap().remove(key);
    record
}

#[test]
fn the_schema_refuses_a_record_that_lacks_something_or_says_too_much() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let whole = r#"{"@timestamp":"2026-01-05T00:00:00.000000000Z","log.level":"INFO","message":"the order is sent off","ecs.version":"9.3.0",
        "service.name":"shop-api","service.node.name":"shop-api-1.1","event.action":"SUBMITTED","event.kind":"event",
        "event.outcome":"success","event.sequence":3,"event.id":"shop-api-1.1:3","trace.id":"0af7651916cd43dd8448eb211c80319c",
        "span.id":"b7ad6b7169203331","order.id":"o-1","order.status":"SUBMITTED","order.version":3,"order.event_id":"e",
        "user.hash":"u-1","file.name":"o-1","file.size":24}"#;
    let whole: Value = serde_json::from_str(whole).unwrap();
    assert!(validator.is_valid(&whole));
    for (key, wrong) in [
        ("user.name", "Ivanov".into()),
        ("file.name", "models/Ivanov.stl".into()),
        ("log.level", "ERROR".into()),
        ("log.level", "DEBUG".into()),
        ("log.level", "WARN".into()),
        ("service.name", "postgres-shop".into()),
        ("db.query.text", "select ?".into()),
        ("event.action", "FORGOTTEN".into()),
        ("@timestamp", "yesterday".into()),
        ("order.version", 11.into()),
    ] {
        assert!(!validator.is_valid(&with(&whole, key, wrong)), "{key}");
    }
    for key in ["@timestamp", "event.action", "order.event_id", "user.hash", "file.size", "span.id", "event.sequence"] {
        assert!(!validator.is_valid(&without(&whole, key)), "without {key}");
    }
}

#[test]
fn the_schema_takes_what_a_database_says_of_a_slow_statement_and_nothing_of_an_order_with_it() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let whole = r#"{"@timestamp":"2026-01-05T00:00:00.123000000Z","log.level":"WARN","message":"a statement took long","ecs.version":"9.3.0",
        "service.name":"postgres-mes","service.node.name":"postgres-mes-1.1","service.environment":"test","labels.run":"r-1",
        "event.action":"SLOW_QUERY","event.kind":"event","event.outcome":"success","event.sequence":1,
        "event.id":"r-1/postgres-mes-1.1:1","db.namespace":"mes","db.query.text":"select $1, ?","event.duration":312000000}"#;
    let whole: Value = serde_json::from_str(whole).unwrap();
    assert!(validator.is_valid(&whole));
    for (key, wrong) in [
        ("log.level", "INFO"),
        ("service.name", "mes-api"),
        ("event.action", "GET_ORDERS"),
        ("db.query.parameter.0", "Ivanov"),
        ("order.id", "o-1"),
    ] {
        assert!(!validator.is_valid(&with(&whole, key, wrong.into())), "{key}");
    }
    for key in ["db.namespace", "db.query.text", "event.duration"] {
        assert!(!validator.is_valid(&without(&whole, key)), "without {key}");
    }
}

#[test]
fn the_schema_takes_debug_records_of_every_place_but_production() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let whole = r#"{"@timestamp":"2026-01-05T00:00:00.123000000Z","log.level":"DEBUG","message":"a message was settled","ecs.version":"9.3.0",
        "service.name":"mes-api","service.node.name":"mes-api-1.1","service.environment":"test","labels.run":"r-1",
        "event.action":"MESSAGE_SETTLED","event.kind":"event","event.outcome":"success","event.sequence":1,
        "event.id":"r-1/mes-api-1.1:1","order.id":"o-1","labels.queue":"mes.orders","labels.routing_key":"order.submitted",
        "labels.message_id":"m-1","labels.operation":"ack"}"#;
    let whole: Value = serde_json::from_str(whole).unwrap();
    assert!(validator.is_valid(&whole));
    for (key, wrong) in [
        ("service.environment", "production"),
        ("log.level", "INFO"),
        ("event.action", "MESSAGE_SENT"),
        ("labels.operation", "lose"),
        ("order.status", "SUBMITTED"),
    ] {
        assert!(!validator.is_valid(&with(&whole, key, wrong.into())), "{key}");
    }
    for key in ["service.environment", "labels.operation", "order.id"] {
        assert!(!validator.is_valid(&without(&whole, key)), "without {key}");
    }
}

/// A log is its own switch: a service may have one without traces, or traces without one.
#[test]
fn who_writes_a_log_is_the_instrumentations_say() {
    let services = |instrumentation: &str| {
        let text = format!(
            "title = \"t\"\nduration = \"2h\"\ninstrumentation = {{ {instrumentation} }}\n\
             [[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"12/h\"\n"
        );
        let played = crate::played(Scenario::parse(Path::new("t.toml"), text.as_bytes()).unwrap());
        let logs: BTreeSet<String> = played.archive.logs().map(|log| log.resource.service.to_string()).collect();
        let spans: BTreeSet<String> = played.archive.spans().map(|span| span.resource.service.to_string()).collect();
        assert!(played.archive.logs().all(|log| (log.span_id == SpanId::INVALID) != spans.contains(&*log.resource.service)));
        (logs, spans.len())
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let all = ["crm-api", "mes", "mes-api", "shop-api"];
    assert_eq!(services(r#"preset = "full""#), (set(&all), 6));
    assert_eq!(services(r#"preset = "blind""#), (set(&[]), 0));
    assert_eq!(services(r#"silent = ["crm-api"]"#), (set(&["mes", "mes-api", "shop-api"]), 5));
    assert_eq!(services(r#"silent = ["crm-api"], logs = ["crm-api"]"#), (set(&["crm-api"]), 5));
    assert_eq!(services(r#"preset = "blind", logs = ["shop-api", "crm-api"]"#), (set(&["crm-api", "shop-api"]), 0));
}

/// What a run says when some services have no traces, and perhaps a log.
fn report(silent: &str, logs: &str) -> Report {
    let text = format!(
        r#"
        title = "No traces"
        seed = 8
        duration = "6h"
        architecture = {{ preset = "as-is", mes-consumers = 4 }}
        instrumentation = {{ silent = [{silent}], logs = [{logs}] }}
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
    xtask::simulated::judged(&Scenario::parse(Path::new("no-traces.toml"), text.as_bytes()).unwrap()).report
}

#[test]
fn a_service_without_traces_is_bridged_by_its_log() {
    for silent in [r#""crm-api""#, r#""mes-api""#, r#""shop-api""#, r#""mes-api", "crm-api""#] {
        let (mute, logging) = (report(silent, ""), report(silent, silent));
        let (before, after) = (&mute.exposure, &logging.exposure);
        eprintln!("{silent}\n  {before:?}\n  {after:?}");
        assert!(after.exposed >= before.exposed, "{silent}: {before:?} {after:?}");
        assert_eq!((after.false_alarms, after.misjudged), (0, 0), "{silent}: {after:?}");
        let unknown = |exposure: &Exposure| exposure.unknown + exposure.fine_but_unknown;
        assert!(unknown(after) * 4 <= unknown(before), "{silent}: {before:?} {after:?}");
    }
}
