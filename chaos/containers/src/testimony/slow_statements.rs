//! Statements that took long, by Postgres' own word: found in the servers' logs at the end of a run, and shipped as records of these
//! servers. They are for people; nothing is concluded from them.
//!
//! A server has many runs' statements in its log. Each run has databases of its own, and each line says which one it is about.

mod literals;

use std::{collections::BTreeMap, sync::Arc};

use opentelemetry::{KeyValue, SpanId, TraceId};
use signals::{Log, Resource, ecs};
use testcontainers::bollard::Docker;

use super::logs::Written;
use crate::{
    Error,
    docker::{self, Output},
    parts::Started,
    shipping::Shipping,
};

/// Whose statements are wanted.
pub(super) struct Of<'a> {
    /// The run's id, and its name, which its databases have too.
    pub(super) run: (&'a str, &'a str),
    /// What its logs call the place it runs at.
    pub(super) environment: &'a str,
    /// When its first service was started, nanoseconds since the Unix epoch.
    pub(super) since_ns: u64,
}

/// One statement that took long.
#[derive(Debug, PartialEq, Eq)]
struct Slow {
    /// When it ended, nanoseconds since the Unix epoch.
    at_ns: u64,
    took_ns: u64,
    /// Without the values that stood in it.
    statement: String,
}

/// Gives the shipper what the servers, by the name of the database, say of a run's slow statements; and says how many there are of each
/// server. Asked again, it tells the same ones once more, and what came since.
pub(super) async fn tell(
    docker: &Docker,
    shipping: &Shipping,
    servers: &BTreeMap<String, Started>,
    of: Of<'_>,
) -> Result<Written, Error> {
    let mut told = Written::new();
    // The engine takes whole seconds.
    let since_s = i32::try_from(of.since_ns / 1_000_000_000).unwrap_or(0);
    for (namespace, server) in servers {
        let said = docker::written_since(docker, &server.id, Output::Stderr, since_s).await?;
        let slow = find(&String::from_utf8_lossy(&said), of.run.1);
        if slow.is_empty() {
            continue;
        }
        let count = slow.len() as u64;
        // A file for each telling: the shipper never sees one change.
        shipping.add(&format!("{}-{count}", server.part), &records(slow, (&server.part, namespace), &of)).await?;
        told.insert(server.part.clone(), count);
    }
    Ok(told)
}

/// The records, a line each, numbered from 1 as those of any process.
fn records(slow: Vec<Slow>, (part, namespace): (&str, &str), of: &Of<'_>) -> Vec<u8> {
    let about = [KeyValue::new(ecs::ENVIRONMENT, of.environment.to_owned()), KeyValue::new(ecs::RUN, of.run.0.to_owned())];
    let resource =
        Arc::new(Resource { service: part.to_owned().into(), instance: format!("{part}-1.1").into(), attributes: about.into() });
    let mut lines = Vec::new();
    for (number, slow) in (1..).zip(slow) {
        let took_ns = i64::try_from(slow.took_ns).unwrap_or(i64::MAX);
        let log = Log {
            resource: Arc::clone(&resource),
            number,
            time_ns: slow.at_ns,
            level: "WARN".into(),
            action: ecs::SLOW_QUERY.0.into(),
            message: ecs::SLOW_QUERY.1.into(),
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
            fields: vec![
                KeyValue::new(ecs::DB_NAMESPACE, namespace.to_owned()),
                KeyValue::new(ecs::DB_QUERY, slow.statement),
                KeyValue::new(ecs::DURATION, took_ns),
            ],
        };
        ecs::write(&log, &mut lines);
    }
    lines
}

/// The statements of one database in a server's log.
fn find(log: &str, database: &str) -> Vec<Slow> {
    let mut lines = log.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let Some(mut slow) = begun(line, database) else { continue };
        // Postgres begins the further lines of a statement with a tab.
        while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
            slow.statement.push('\n');
            slow.statement.push_str(&more[1..]);
        }
        slow.statement = literals::left_out(&slow.statement);
        found.push(slow);
    }
    found
}

/// `<seconds> <database> LOG:  duration: <milliseconds> ms  execute s1: <statement>`; also `statement`, `parse s1` and `bind s1`.
fn begun(line: &str, database: &str) -> Option<Slow> {
    let (at, rest) = line.split_once(' ')?;
    let (took, rest) = rest.strip_prefix(database)?.strip_prefix(" LOG:  duration: ")?.split_once(" ms  ")?;
    let (_, statement) = rest.split_once(": ")?;
    let (at_ns, took_ns) = (thousandths(at)?.checked_mul(1_000_000)?, thousandths(took)?.checked_mul(1_000)?);
    Some(Slow { at_ns, took_ns, statement: statement.to_owned() })
}

/// A number with three digits after the point, as Postgres writes times.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').filter(|(_, part)| part.len() == 3)?;
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(part.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "1764212340.001  LOG:  database system is ready to accept connections\n\
        1764212345.678 loupe-19a-1 LOG:  duration: 312.123 ms  execute s4: select \"id\" from \"orders\" where \"id\" = $1\n\
        1764212345.700 loupe-19a-10 LOG:  duration: 500.000 ms  statement: select 'of another run'\n\
        1764212346.000 loupe-19a-1 ERROR:  relation \"x\" does not exist at character 15\n\
        1764212346.000 loupe-19a-1 STATEMENT:  select * from x\n\
        1764212347.100 loupe-19a-1 LOG:  duration: 1000.200 ms  statement: select pg_sleep(1)\n\
        \t  where 'Ivanov' = 'Ivanov'\n\
        1764212348.000 loupe-19a-1 LOG:  duration: 99999999999999999999.000 ms  statement: select 1\n\
        1764212349.000 loupe-19a-1 LOG:  duration: 150.0";

    #[test]
    fn a_runs_statements_are_found_whole_and_nobody_elses() {
        let read = Slow {
            at_ns: 1_764_212_345_678_000_000,
            took_ns: 312_123_000,
            statement: "select \"id\" from \"orders\" where \"id\" = $1".into(),
        };
        let slept = Slow {
            at_ns: 1_764_212_347_100_000_000,
            took_ns: 1_000_200_000,
            statement: "select pg_sleep(?)\n  where ? = ?".into(),
        };
        assert_eq!(find(LOG, "loupe-19a-1"), [read, slept]);
        assert_eq!(find(LOG, "loupe-19a"), []);
    }

    #[test]
    fn a_statement_becomes_a_record_of_its_server() {
        let of = Of { run: ("19a-1", "loupe-19a-1"), environment: "test", since_ns: 0 };
        let lines = records(find(LOG, of.run.1), ("postgres-shop", "shop"), &of);
        let lines = String::from_utf8(lines).unwrap();
        assert_eq!(
            lines.lines().next().unwrap(),
            concat!(
                r#"{"@timestamp":"2025-11-27T02:59:05.678000000Z","log.level":"WARN","message":"a statement took long","#,
                r#""ecs.version":"9.3.0","service.name":"postgres-shop","service.node.name":"postgres-shop-1.1","#,
                r#""service.environment":"test","labels.run":"19a-1","event.action":"SLOW_QUERY","event.kind":"event","#,
                r#""event.outcome":"success","event.sequence":1,"event.id":"19a-1/postgres-shop-1.1:1","db.namespace":"shop","#,
                r#""db.query.text":"select \"id\" from \"orders\" where \"id\" = $1","event.duration":312123000}"#
            )
        );
        assert_eq!(lines.lines().count(), 2);
    }
}
