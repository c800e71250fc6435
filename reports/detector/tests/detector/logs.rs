//! Log records as evidence: they add nothing where spans speak, and bridge a service without traces.

use std::{borrow::Cow, sync::Arc};

use detector::{Detector, Finding};
use opentelemetry::{KeyValue, SpanId, TraceId};
use proptest::prelude::*;
use signals::{Log, Span};

use crate::trace::{CALM, END, T0, duration, finish, later, line, of, seen, spans, until, without};

/// What the services would write beside these spans: a record for each state and for each beginning of the calculation.
pub(crate) fn logs(spans: &[Span]) -> Vec<Log> {
    let mut logs = Vec::new();
    for span in spans {
        let mut log = |action: &str, span_id: SpanId, time_ns: u64, said: &[(&'static str, &str)]| {
            let order = signals::span::text(&span.attributes, "order.id");
            let fields = order.map(|order| ("order.id", order)).into_iter().chain(said.iter().copied());
            logs.push(Log {
                resource: Arc::clone(&span.resource),
                number: 0,
                time_ns,
                level: "INFO".into(),
                action: Cow::Owned(action.to_owned()),
                message: "something happened".into(),
                trace_id: span.trace_id,
                span_id,
                fields: fields.map(|(key, value)| KeyValue::new(key, value.to_owned())).collect(),
            });
        };
        if span.name == "price_calculation started" {
            log("PRICE_CALCULATION_START", span.parent_span_id, span.start_ns, &[]);
        }
        for event in &span.events {
            let text = |key| signals::span::text(&event.attributes, key).unwrap();
            log(text("to"), span.span_id, event.time_ns, &[("order.status", text("to")), ("order.event_id", text("event_id"))]);
        }
    }
    logs
}

/// The same as a service without traces writes them.
fn untraced(logs: Vec<Log>) -> Vec<Log> {
    logs.into_iter().map(|log| Log { trace_id: TraceId::INVALID, span_id: SpanId::INVALID, ..log }).collect()
}

/// What is said of the orders in a text when a service has a log and no traces.
fn bridged(text: &str, service: &str) -> Vec<Finding> {
    let (silent, rest): (Vec<Span>, Vec<Span>) = spans(text).into_iter().partition(|span| *span.resource.service == *service);
    let mut detector = seen(&rest);
    untraced(logs(&silent)).iter().for_each(|log| detector.observe_log(log));
    finish(detector, END)
}

/// What is said when it has neither.
fn silent(text: &str, service: &str) -> Vec<Finding> {
    let rest: Vec<Span> = spans(text).into_iter().filter(|span| *span.resource.service != *service).collect();
    finish(seen(&rest), END)
}

/// One order of each kind.
fn some() -> String {
    let begun_twice = format!("{CALM}\n 14m mes-api starts span=900 under=901 trace=3");
    [
        CALM.to_owned(),
        until(CALM, "receives order.submitted"),
        later(CALM, "mes-api enters PRICE_CALCULATED", "40m"),
        format!("{CALM}\n 20m mes-api enters PRICE_CALCULATED"),
        until(CALM, "enters CLOSED"),
        without(CALM, "receives order.shipped"),
        begun_twice,
    ]
    .iter()
    .enumerate()
    .map(|(n, text)| of(&format!("o-{n}"), text))
    .collect()
}

enum Signal<'a> {
    Span(&'a Span),
    Log(&'a Log),
}

fn observe(detector: &mut Detector, signal: &Signal<'_>) {
    match signal {
        Signal::Span(span) => detector.observe(span),
        Signal::Log(log) => detector.observe_log(log),
    }
}

proptest! {
    #[test]
    fn beside_whole_spans_they_change_nothing_in_whatever_order_they_come(
        delays in proptest::collection::vec(any::<u64>(), 1..200),
        hours in 0u64..200,
        traced in any::<bool>(),
        cut in any::<bool>(),
    ) {
        let spans = spans(&some());
        let mut logs = logs(&spans);
        if !traced {
            logs = untraced(logs);
        }
        if cut {
            logs.iter_mut().for_each(|log| log.time_ns -= log.time_ns % 1_000_000);
        }
        let alone = seen(&spans);
        let evidence = alone.counts().evidence;
        let expected = finish(alone, END);

        let lateness_ns = hours * duration("1h");
        let signals = spans.iter().map(|span| (span.end_ns, Signal::Span(span)));
        let signals = signals.chain(logs.iter().map(|log| (log.time_ns, Signal::Log(log)))).enumerate();
        let mut arriving: Vec<(u64, Signal<'_>)> =
            signals.map(|(n, (at, signal))| (at + delays[n % delays.len()] % (lateness_ns + 1), signal)).collect();
        arriving.sort_by_key(|(at, _)| *at);

        // All at once: not a word differs. (A calculation that begins is said twice where the log has no span.)
        let mut together = seen(&[]);
        arriving.iter().for_each(|(_, signal)| observe(&mut together, signal));
        let starts = if traced { 0 } else { 8 };
        prop_assert!(together.counts().evidence <= evidence + starts);
        prop_assert_eq!(&finish(together, END), &expected);

        // As they come, with fine orders forgotten on the way: no other verdict, no other alarm.
        let mut streamed = seen(&[]);
        for (at, signal) in &arriving {
            observe(&mut streamed, signal);
            streamed.advance(at.saturating_sub(lateness_ns + 1));
        }
        streamed.advance(T0 + duration(END));
        let bad = |order: &str| expected.iter().any(|finding| *finding.order_id == *order && finding.verdict.alarms());
        let false_alarm = streamed.take_alarms().into_iter().find(|alarm| !bad(&alarm.order_id));
        prop_assert_eq!(false_alarm, None);
        let word = |finding: &Finding| (finding.verdict, finding.hop.clone(), finding.alarmed_ns, finding.records.clone());
        let (streamed, expected): (Vec<_>, Vec<_>) =
            (finish(streamed, END).iter().map(word).collect(), expected.iter().map(word).collect());
        prop_assert_eq!(streamed, expected);
    }
}

#[test]
fn an_order_is_followed_through_a_service_without_traces() {
    assert_eq!(line(&silent(CALM, "crm-api")[0]), "unknown, at order.manufacturing_started transit, silent(A), hops 17/23");
    assert_eq!(line(&bridged(CALM, "crm-api")[0]), "ok, hops 24/31");
    assert_eq!(line(&bridged(CALM, "mes-api")[0]), "ok, hops 24/31");
    assert_eq!(line(&bridged(CALM, "shop-api")[0]), "ok, hops 31/31");
}

#[test]
fn a_loss_before_a_service_without_traces_shows_in_its_log() {
    let lost = ["receives order.shipped", "processes order.shipped", "enters CLOSED"];
    let lost = lost.iter().fold(CALM.to_owned(), |text, words| without(&text, words));
    let both = of("o-1", CALM) + &of("o-2", &lost);
    assert_eq!(line(&silent(&both, "crm-api")[1]), "unknown, at order.manufacturing_started transit, silent(A), hops 17/23");
    let bridged = bridged(&both, "crm-api");
    assert_eq!(line(&bridged[0]), "ok, hops 24/31");
    assert_eq!(line(&bridged[1]), "lost, at order.shipped transit, alarm 13d, hops 22/29");
}

#[test]
fn a_slow_calculation_of_a_service_without_traces_shows_in_its_log() {
    let text = later(CALM, "mes-api enters PRICE_CALCULATED", "40m");
    let finding = bridged(&text, "mes-api").remove(0);
    assert_eq!(line(&finding), "slow, at pricing work, work(A), alarm 43m, hops 24/31");
    let says: Vec<_> = finding.records.iter().map(|log| (&*log.name, &*log.says, log.at_ns - T0)).collect();
    let minutes = |minutes: u64| minutes * duration("1m");
    let expected = [
        ("mes-api", "recorded SUBMITTED", minutes(13) + duration("3s")),
        ("mes-api", "began pricing", minutes(13) + duration("4s")),
        ("mes-api", "recorded PRICE_CALCULATED", minutes(55)),
    ];
    assert_eq!(says, expected);
    assert_eq!(finding.evidence.len(), 2, "the shop's and the CRM's spans");
}

#[test]
fn what_only_spans_show_is_not_missed_of_a_service_that_only_logs() {
    // Nobody received what the CRM sent, in the whole run: its log says nothing of sending.
    let lost = of("o-1", &until(CALM, "receives order.submitted")) + " 20m mes-api calls";
    assert_eq!(line(&bridged(&lost, "crm-api")[0]), "lost, at order.submitted commit-send, alarm 43m, hops 2/3");
    assert_eq!(bridged(&lost, "crm-api")[0].cause, None, "whether it was sent is anybody's guess");
}

/// A detector that has seen an order until it was submitted.
fn submitted() -> Detector {
    seen(&spans(&until(CALM, "crm-api sends order.submitted")))
}

#[test]
fn an_error_says_what_did_not_happen() {
    let all = spans(CALM);
    let mut refused = logs(&all).into_iter().find(|log| log.action == "PRICE_CALCULATED").unwrap();
    let said = |log: &Log| {
        let mut detector = submitted();
        detector.observe_log(log);
        finish(detector, END).remove(0).hops_seen
    };
    assert_eq!(said(&refused), 3);
    refused.level = "ERROR".into();
    assert_eq!(said(&refused), 2);
}

#[test]
fn a_record_that_names_no_order_is_placed_by_its_trace() {
    let all = spans(CALM);
    let mut priced = logs(&all).into_iter().find(|log| log.action == "PRICE_CALCULATED").unwrap();
    priced.fields.retain(|field| field.key.as_str() != "order.id");
    let seen = |log: &Log| {
        let mut detector = submitted();
        detector.observe_log(log);
        finish(detector, END).remove(0).hops_seen
    };
    assert_eq!(seen(&priced), 3);
    assert_eq!(seen(&Log { trace_id: TraceId::from(77), ..priced.clone() }), 2);
    assert_eq!(seen(&Log { trace_id: TraceId::INVALID, ..priced }), 2);
}

#[test]
fn a_state_that_a_log_records_twice_is_a_duplicate() {
    let text = format!("{CALM}\n 20m mes-api enters PRICE_CALCULATED");
    let finding = bridged(&text, "mes-api").remove(0);
    assert_eq!(line(&finding), "duplicated, at pricing work, repeated(A), alarm 20m, hops 24/31");
    assert_eq!((finding.evidence.len(), finding.records.len()), (0, 1));
}

#[test]
fn a_record_that_comes_after_its_order_was_forgotten_is_no_duplicate() {
    let all = spans(CALM);
    for late in [logs(&all), untraced(logs(&all))] {
        let mut detector = seen(&all);
        detector.advance(T0 + duration("9d"));
        assert_eq!(detector.take_closed().len(), 1);
        late.iter().for_each(|log| detector.observe_log(log));
        assert!(detector.take_alarms().is_empty());
        assert_eq!(line(&finish(detector, END)[0]), "ok, hops 31/31");
    }
}

#[test]
fn records_of_other_parties_and_of_unknown_states_are_no_evidence() {
    let all = spans(CALM);
    let priced = logs(&all).into_iter().find(|log| log.action == "PRICE_CALCULATED").unwrap();
    let mut detector = submitted();
    let resource = signals::Resource { service: "analytics".into(), ..(*priced.resource).clone() };
    detector.observe_log(&Log { resource: Arc::new(resource), ..priced.clone() });
    detector
        .observe_log(&Log { fields: vec![KeyValue::new("order.id", "o-1"), KeyValue::new("order.status", "EATEN")], ..priced });
    assert_eq!(detector.counts().logs, 2);
    assert_eq!(finish(detector, END).remove(0).hops_seen, 2);
}
