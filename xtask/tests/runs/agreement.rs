//! What a run's databases, spans and log say of its transitions, in either world: each row has one span event and one log record,
//! and the three say the same.

use std::collections::BTreeMap;

use contracts::{attributes, logs};
use faults::What;
use harness::Played;
use opentelemetry::KeyValue;
use scenarios::ledger::Step;
use signals::{
    Log, Span,
    span::{integer, text},
};

/// Order, service, from, to, version, event id, time.
pub(crate) type Said = (String, String, Option<String>, String, i64, String, u64);

/// A record or an event, and the span it belongs to.
type Joined = (Said, [u8; 8]);

const OF_LOGS: [&str; 4] = [logs::ORDER_PREVIOUS_STATUS, logs::ORDER_STATUS, logs::ORDER_VERSION, logs::ORDER_EVENT_ID];
const OF_EVENTS: [&str; 4] = [attributes::FROM, attributes::TO, attributes::VERSION, attributes::EVENT_ID];

fn said((order, service): (Option<&str>, &str), about: &[KeyValue], names: [&str; 4], at_ns: u64) -> Said {
    let [from, to, version, event_id] = names;
    let own = |key| text(about, key).map(str::to_owned);
    let version = integer(about, version).unwrap_or_else(|| panic!("a transition without a version: {about:?}"));
    let [to, event_id] = [to, event_id].map(|key| own(key).unwrap_or_else(|| panic!("a transition without {key}: {about:?}")));
    (order.unwrap_or_default().to_owned(), service.to_owned(), own(from), to, version, event_id, at_ns)
}

fn records(logs: &[Log]) -> Vec<Joined> {
    let transition = |log: &&Log| text(&log.fields, logs::ORDER_STATUS).is_some();
    let joined = |log: &Log| {
        let who = (text(&log.fields, logs::ORDER_ID), &*log.resource.service);
        (said(who, &log.fields, OF_LOGS, log.time_ns), log.span_id.to_bytes())
    };
    logs.iter().filter(transition).map(joined).collect()
}

fn events(spans: &[Span]) -> Vec<Joined> {
    let of_span = |span: &Span| {
        let who = (text(&span.attributes, attributes::ORDER_ID), &*span.resource.service);
        let events = span.events.iter().filter(|event| event.name == attributes::STATUS_CHANGED);
        let joined = events.map(|event| (said(who, &event.attributes, OF_EVENTS, event.time_ns), span.span_id.to_bytes()));
        joined.collect::<Vec<_>>()
    };
    spans.iter().flat_map(of_span).collect()
}

fn rows(played: &Played) -> Vec<Said> {
    let row = |order: Option<&str>, step: &Step| -> Said {
        let from = step.from.map(|status| status.name().to_owned());
        let (to, id) = (step.to.name().to_owned(), step.event_id.to_string());
        (order.unwrap_or_default().to_owned(), step.service.to_string(), from, to, step.version, id, step.at_ns)
    };
    let of_order = |account: &scenarios::ledger::Account| {
        let steps = account.shop.iter().chain(&account.mes);
        steps.map(|step| row(account.order_id.as_deref(), step)).collect::<Vec<_>>()
    };
    played.ledger.initiated().flat_map(of_order).collect()
}

/// How many there are, and the first of them.
fn some<T: std::fmt::Debug>(off: &[T]) -> String {
    format!("{} of them, as {:?}", off.len(), &off[..off.len().min(3)])
}

/// Holds the rows of a run against its records and its events; gives how many rows there were. What a process had committed and
/// not yet said when it was killed is a row without a record, what it had not yet exported an event less.
pub(crate) fn hold(name: &str, played: &Played) -> usize {
    let killed = played.ledger.effects.iter().filter(|effect| matches!(effect.what, What::NodeKilled { .. })).count();
    let spans: Vec<Span> = played.archive.spans().collect();
    let logs: Vec<Log> = played.archive.logs().collect();
    let (rows, records, events) = (rows(played), records(&logs), events(&spans));
    let mut unsaid: BTreeMap<&Said, i32> = BTreeMap::new();
    rows.iter().for_each(|row| *unsaid.entry(row).or_default() += 1);
    records.iter().for_each(|(said, _)| *unsaid.entry(said).or_default() -= 1);
    let off: Vec<_> = unsaid.into_iter().filter(|(_, count)| *count != 0).collect();
    assert!(off.iter().all(|(_, count)| *count == 1), "{name}: records without a row, or twice: {}", some(&off));
    // Nor does anybody hear of a commit whose answer was lost with its connection.
    let in_doubt = |said: &Said| played.telemetry.in_doubt.contains(&said.0);
    assert!(off.iter().filter(|(said, _)| !in_doubt(said)).count() <= killed, "{name}: rows without a record: {}", some(&off));

    let mut alone: BTreeMap<&Joined, i32> = BTreeMap::new();
    records.iter().for_each(|record| *alone.entry(record).or_default() += 1);
    events.iter().for_each(|event| *alone.entry(event).or_default() -= 1);
    let off: Vec<_> = alone.into_iter().filter(|(_, count)| *count != 0).collect();
    assert!(off.iter().all(|(_, count)| *count == 1), "{name}: events without a record, or twice: {}", some(&off));
    // A killed process was at some orders.
    assert!(off.len() <= killed * 4, "{name}: records without an event: {}", some(&off));

    let traces: BTreeMap<[u8; 8], _> = spans.iter().map(|span| (span.span_id.to_bytes(), span.trace_id)).collect();
    let astray = logs.iter().find(|log| traces.get(&log.span_id.to_bytes()).is_some_and(|trace| *trace != log.trace_id));
    assert_eq!(astray, None, "{name}: a record in another trace than its span");
    rows.len()
}
