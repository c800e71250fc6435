//! Spans come in any order within a lateness; fine orders are forgotten on the way.

use detector::{Detector, Finding, Verdict};
use proptest::prelude::*;
use signals::Span;

use crate::trace::{CALM, END, T0, duration, finish, later, lifecycle, line, of, seen, spans, until};

/// Feeds spans in the order of their end plus a delay of their own, and moves on behind them.
fn stream(spans: &[Span], delays: &[u64], lateness_ns: u64) -> Detector {
    let mut detector = seen(&[]);
    let delay = |index: usize| delays[index % delays.len()] % (lateness_ns + 1);
    let mut arriving: Vec<(u64, &Span)> =
        spans.iter().enumerate().map(|(index, span)| (span.end_ns + delay(index), span)).collect();
    arriving.sort_by_key(|(at, _)| *at);
    for (at, span) in arriving {
        detector.observe(span);
        detector.advance(at.saturating_sub(lateness_ns + 1));
    }
    detector
}

/// One order of each kind.
fn some() -> String {
    [
        CALM.to_owned(),
        until(CALM, "receives order.submitted"),
        later(CALM, "mes-api enters PRICE_CALCULATED", "40m"),
        format!("{CALM}\n 20m mes-api enters PRICE_CALCULATED"),
        until(CALM, "enters CLOSED"),
        format!("{CALM}\n 14d crm-api enters CLOSED"),
    ]
    .iter()
    .enumerate()
    .map(|(n, text)| of(&format!("o-{n}"), text))
    .collect()
}

/// What does not depend on when the order was forgotten.
fn word(finding: &Finding) -> (Verdict, Option<String>, Option<u64>, usize) {
    (finding.verdict, finding.hop.clone(), finding.alarmed_ns, finding.evidence.len())
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(delays in proptest::collection::vec(any::<u64>(), 1..200), hours in 0u64..200) {
        let spans = spans(&some());
        let straight: Vec<_> = finish(seen(&spans), END).iter().map(word).collect();
        let streamed: Vec<_> = finish(stream(&spans, &delays, hours * duration("1h")), END).iter().map(word).collect();
        prop_assert_eq!(straight, streamed);
    }
}

#[test]
fn a_fine_order_is_forgotten_when_its_last_span_is_past() {
    let mut detector = seen(&spans(&some()));
    assert!(detector.take_closed().is_empty());
    detector.advance(T0 + duration("8d") - 1);
    assert!(detector.take_closed().is_empty());
    detector.advance(T0 + duration("8d"));
    assert_eq!(detector.take_closed(), ["o-0".into()]);
    assert!(detector.take_closed().is_empty());
    assert_eq!(detector.counts().closed, 1);
    assert_eq!(line(&finish(detector, END)[0]), "ok, hops 31/31");
}

#[test]
fn a_forgotten_order_is_still_known_by_what_comes_again() {
    let calm = spans(CALM);
    let mut detector = seen(&calm);
    detector.advance(T0 + duration("9d"));
    assert_eq!(detector.take_closed().len(), 1);
    // The same spans again, late: nothing new.
    calm.iter().for_each(|span| detector.observe(span));
    assert!(detector.take_alarms().is_empty());
    let more = spans(&format!("{CALM}\n 10d crm-api enters CLOSED event=again"));
    detector.observe(&more[more.len() - 1]);
    assert_eq!(detector.take_alarms().len(), 1);
    let finding = finish(detector, END).remove(0);
    assert_eq!(line(&finding), "duplicated, at CLOSED wait, repeated(A), alarm 10d, hops 31/31");
    assert_eq!(finding.evidence.len(), 1);
}

#[test]
fn a_span_that_comes_after_its_order_was_forgotten_is_no_duplicate() {
    let all = spans(CALM);
    let late = all.iter().position(|span| span.kind == opentelemetry::trace::SpanKind::Consumer).unwrap();
    let mut detector = seen(&[&all[..late], &all[late + 1..]].concat());
    detector.advance(T0 + duration("9d"));
    assert_eq!(detector.take_closed().len(), 1);
    detector.observe(&all[late]);
    detector.observe(&all[late]);
    assert_eq!(line(&finish(detector, END)[0]), "ok, hops 31/31");
}

#[test]
fn an_alarm_is_raised_when_a_deadline_passes_once_for_each_order() {
    let mut detector = seen(&spans(&until(CALM, "receives order.submitted")));
    detector.advance(T0 + duration("43m") - 1);
    assert!(detector.take_alarms().is_empty());
    detector.advance(T0 + duration("43m"));
    let alarms = detector.take_alarms();
    assert_eq!(alarms.iter().map(|alarm| alarm.at_ns - T0).collect::<Vec<_>>(), [duration("43m")]);
    detector.advance(T0 + duration("30d"));
    assert!(detector.take_alarms().is_empty());
    assert_eq!(detector.counts().alarms, 1);
}

#[test]
fn a_calm_order_raises_no_alarm() {
    let mut detector = stream(&spans(CALM), &[0], 0);
    detector.advance(T0 + duration(END));
    assert!(detector.take_alarms().is_empty());
    let counts = detector.counts();
    assert_eq!((counts.spans, counts.orders, counts.closed, counts.alarms, counts.strays), (33, 1, 1, 0, 0));
}

#[test]
fn nothing_seen_is_nothing_said() {
    assert!(Detector::new(lifecycle()).finish(u64::MAX).is_empty());
}
