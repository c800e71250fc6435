//! Log records as JSON lines in the names of the Elastic Common Schema 9.3: one flat object on each line, its keys with dots.

mod read;
mod write;

pub use read::{EcsError, read};
pub use write::write;

/// The version of the schema.
const VERSION: &str = "9.3.0";

const TIMESTAMP: &str = "@timestamp";
const LEVEL: &str = "log.level";
const MESSAGE: &str = "message";
const ECS_VERSION: &str = "ecs.version";
const SERVICE: &str = "service.name";
const INSTANCE: &str = "service.node.name";
const ACTION: &str = "event.action";
const KIND: &str = "event.kind";
const OUTCOME: &str = "event.outcome";
const NUMBER: &str = "event.sequence";
const ID: &str = "event.id";
const TRACE: &str = "trace.id";
const SPAN: &str = "span.id";
/// Which environment wrote it: `production`, `test`. An attribute of the resource.
pub const ENVIRONMENT: &str = "service.environment";
/// Which run wrote it: processes of two runs have the same names. An attribute of the resource.
pub const RUN: &str = "labels.run";

/// How long what a record is about took, in nanoseconds.
pub const DURATION: &str = "event.duration";
/// The database, by the name that spans have for it.
pub const DB_NAMESPACE: &str = "db.namespace";
/// The text of a statement, without the values that stand in it.
pub const DB_QUERY: &str = "db.query.text";

/// What the record of a database about a statement has that no service's has. The Elastic Common Schema has no names for it; these are
/// OpenTelemetry's.
pub const STATEMENT: [&str; 2] = [DB_NAMESPACE, DB_QUERY];
/// A statement took long, by its database's own word: `event.action`, and the same for people.
pub const SLOW_QUERY: (&str, &str) = ("SLOW_QUERY", "a statement took long");

/// What every record of ours may have beside its own fields.
pub const BASE: [&str; 15] =
    [TIMESTAMP, LEVEL, MESSAGE, ECS_VERSION, SERVICE, INSTANCE, ACTION, KIND, OUTCOME, NUMBER, ID, TRACE, SPAN, ENVIRONMENT, RUN];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry::{KeyValue, SpanId, TraceId};

    use super::*;
    use crate::{Log, Resource};

    fn log() -> Log {
        let resource = Resource { service: "crm-api".into(), instance: "crm-api-1.2".into(), attributes: Vec::new() };
        Log {
            resource: Arc::new(resource),
            number: 17,
            time_ns: 1_767_571_200_000_000_001,
            level: "INFO".into(),
            action: "CLOSED".into(),
            message: "the order is \"closed\"".into(),
            trace_id: TraceId::from(0x0af7),
            span_id: SpanId::from(0xb7),
            fields: vec![
                KeyValue::new("order.id", "o-1"),
                KeyValue::new("order.version", 10),
                KeyValue::new("labels.late", true),
            ],
        }
    }

    fn line(log: &Log) -> String {
        let mut out = Vec::new();
        write(log, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_is_one_line_in_the_schemas_names() {
        let expected = concat!(
            r#"{"@timestamp":"2026-01-05T00:00:00.000000001Z","log.level":"INFO","message":"the order is \"closed\"","#,
            r#""ecs.version":"9.3.0","service.name":"crm-api","service.node.name":"crm-api-1.2","event.action":"CLOSED","#,
            r#""event.kind":"event","event.outcome":"success","event.sequence":17,"event.id":"crm-api-1.2:17","#,
            r#""trace.id":"00000000000000000000000000000af7","span.id":"00000000000000b7","order.id":"o-1","order.version":10,"#,
            r#""labels.late":true}"#,
            "\n"
        );
        assert_eq!(line(&log()), expected);
    }

    #[test]
    fn a_record_comes_back_as_it_was_its_fields_sorted() {
        let silent = Log { number: 0, trace_id: TraceId::INVALID, span_id: SpanId::INVALID, level: "ERROR".into(), ..log() };
        let odd = KeyValue::new("error.message", "first line\n{\"@timestamp\":\"no line of its own\"}");
        let odd = Log { fields: vec![odd, KeyValue::new("x", -0.5), KeyValue::new("y", i64::MIN)], ..log() };
        let attributes = vec![KeyValue::new(ENVIRONMENT, "production"), KeyValue::new(RUN, "r-1")];
        let placed = Log { resource: Arc::new(Resource { attributes, ..Resource::clone(&log().resource) }), ..log() };
        assert!(line(&placed).contains(r#""event.id":"r-1/crm-api-1.2:17""#), "two runs have no id in common");
        let tracing = Arc::new(Resource {
            attributes: vec![KeyValue::new("service.namespace", "alexandrite")],
            ..Resource::clone(&log().resource)
        });
        assert_eq!(line(&Log { resource: tracing, ..log() }), line(&log()), "what is of spans alone is in no record");
        for log in [log(), silent, odd, placed] {
            let line = line(&log);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            let mut expected = log.clone();
            expected.fields.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
            assert_eq!(read(&line).unwrap(), expected);
        }
    }

    #[test]
    fn objects_within_objects_are_the_same_keys() {
        let nested = r#"{"@timestamp":"2026-01-05T00:00:00Z","log":{"level":"WARN"},"service":{"name":"mes"},
            "order":{"id":"o-1","price":3.0},"tags":["a"],"nothing":null}"#;
        let log = read(nested).unwrap();
        assert_eq!((&*log.resource.service, &*log.level, log.time_ns), ("mes", "WARN", 1_767_571_200_000_000_000));
        assert_eq!(
            log.fields,
            [KeyValue::new("order.id", "o-1"), KeyValue::new("order.price", 3.0), KeyValue::new("tags", "[\"a\"]")]
        );
    }

    #[test]
    fn what_is_no_record_is_refused_with_the_reason() {
        let said = |line: &str| read(line).unwrap_err().to_string();
        assert!(said("thread main panicked").starts_with("no JSON object"));
        assert!(said("[]").starts_with("no JSON object"));
        assert_eq!(said(r#"{"service.name":"mes"}"#), "\"@timestamp\" is missing");
        assert_eq!(said(r#"{"@timestamp":"2026-01-05T00:00:00Z"}"#), "\"service.name\" is missing");
        assert_eq!(
            said(r#"{"@timestamp":"yesterday","service.name":"mes"}"#),
            "\"@timestamp\" is no time of RFC 3339: yesterday"
        );
        let id = r#"{"@timestamp":"2026-01-05T00:00:00Z","service.name":"mes","trace.id":"xyz"}"#;
        assert_eq!(said(id), "\"trace.id\" is no id: xyz");
    }
}
