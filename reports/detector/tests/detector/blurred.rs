//! Telemetry in trouble: losses that its own counters tell, and clocks that disagree.

use std::sync::Arc;

use detector::{Detector, Finding, Gap, Verdict};
use opentelemetry::{KeyValue, SpanId, trace::SpanKind};
use signals::{Log, Loss, Personal, Span, loss::Why};

use crate::{
    logs::logs,
    trace::{CALM, END, T0, duration, finish, later, line, of, seen, spans, until, without},
};

fn loss(service: Option<&str>, from: &str, until: &str) -> Loss {
    let [from_ns, until_ns] = [from, until].map(|time| T0 + duration(time));
    Loss { service: service.map(Into::into), from_ns, until_ns, spans: 7, why: Why::ExportFailed }
}

/// Logs with numbers that have no gap.
fn numbered(mut logs: Vec<Log>) -> Vec<Log> {
    for (number, log) in logs.iter_mut().enumerate() {
        let resource = signals::Resource { instance: format!("{number}").into(), ..(*log.resource).clone() };
        (log.resource, log.number) = (Arc::new(resource), 1);
    }
    logs
}

/// The one order of a text beside a calm one, some of its spans lost, with what counters tell and with whole logs or none.
fn found(text: &str, lost: impl Fn(&Span) -> bool, loss: &Loss, logged: bool) -> Finding {
    let all = spans(&format!("{}\n{text}", of("o-calm", CALM)));
    let mut detector = seen(&all.iter().filter(|span| !lost(span)).cloned().collect::<Vec<_>>());
    if logged {
        numbered(logs(&all)).iter().for_each(|log| detector.observe_log(log));
    }
    detector.gap(Gap::from(loss));
    finish(detector, END).remove(0)
}

#[test]
fn a_whole_log_shows_what_a_loss_of_spans_would_hide() {
    let text = until(CALM, "mes-api receives order.submitted");
    let hole = loss(None, "10m", "1h");
    let nothing = |_: &Span| false;
    assert_eq!(line(&found(&text, nothing, &hole, false)), "unknown, at order.submitted transit, telemetry_gap(A), hops 3/4");
    // The factory's log would have noted the order, had it come; where between the two it was lost only spans would tell.
    assert_eq!(line(&found(&text, nothing, &hole, true)), "lost, at order.submitted transit, alarm 43m, hops 3/4");
}

#[test]
fn a_log_with_a_gap_of_its_own_is_no_witness() {
    let text = until(CALM, "mes-api receives order.submitted");
    let all = spans(&format!("{}\n{text}", of("o-calm", CALM)));
    let verdict = |skipping: &[&str]| {
        let mut detector = seen(&all);
        let mut logs = numbered(logs(&all));
        for service in skipping {
            logs.iter_mut().rfind(|log| *log.resource.service == **service).unwrap().number += 1;
        }
        logs.iter().for_each(|log| detector.observe_log(log));
        detector.gap(Gap::from(&loss(None, "10m", "1h")));
        finish(detector, END).remove(0).verdict
    };
    assert_eq!(verdict(&[]), Verdict::Lost);
    assert_eq!(verdict(&["mes-api"]), Verdict::Lost, "had the factory gone on, the CRM would have noted it");
    assert_eq!(verdict(&["mes-api", "crm-api"]), Verdict::Unknown);
}

#[test]
fn a_loss_of_one_service_leaves_the_word_to_the_others() {
    let text = until(CALM, "mes-api receives order.submitted");
    let nothing = |_: &Span| false;
    let hole = loss(Some("shop-api"), "10m", "1h");
    let lost = "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4";
    assert_eq!(line(&found(&text, nothing, &hole, false)), lost);
}

#[test]
fn an_order_that_was_alive_in_a_hole_is_not_called_fine_for_what_it_did_not_show() {
    // The second record of the price went down with the hole.
    let twice = format!("{CALM}\n 20m mes-api enters PRICE_CALCULATED");
    let hole = loss(Some("mes-api"), "16m", "24m");
    let swallowed = |span: &Span| span.start_ns == T0 + duration("20m");
    let verdict = |hole: &Loss, logged| found(&twice, swallowed, hole, logged).verdict;
    assert_eq!((verdict(&hole, false), verdict(&hole, true)), (Verdict::Unknown, Verdict::Duplicated));
    // Before it was born and after it was closed nothing of it can be missing.
    let calm = |hole: &Loss| found(CALM, |_| false, hole, false).verdict;
    assert_eq!(calm(&loss(None, "9d", "10d")), Verdict::Ok);
    assert_eq!(calm(&loss(None, "8d", "10d")), Verdict::Unknown, "its last sign of life");
}

#[test]
fn what_went_well_in_a_hole_is_not_refused() {
    let refused =
        format!("{}\n 4d4h3s crm-api processes order.packaging m6 error", without(CALM, "crm-api processes order.packaging"));
    let verdict = |hole: &Loss| found(&refused, |_| false, hole, false).verdict;
    assert_eq!(verdict(&loss(Some("mes-api"), "4d4h", "5d")), Verdict::Diverged);
    assert_eq!(verdict(&loss(Some("crm-api"), "4d4h", "5d")), Verdict::Unknown);
}

/// All that a service says is dated later.
fn skewed(text: &str, service: &str, by: &str, behind: bool) -> Vec<Span> {
    let by = duration(by);
    let shift = |at: u64| if behind { at - by } else { at + by };
    let mut spans = spans(text);
    for span in spans.iter_mut().filter(|span| *span.resource.service == *service) {
        (span.start_ns, span.end_ns) = (shift(span.start_ns), shift(span.end_ns));
        span.events.iter_mut().for_each(|event| event.time_ns = shift(event.time_ns));
    }
    spans
}

fn by_clock(text: &str, service: &str, by: &str, behind: bool) -> String {
    let spans = skewed(&format!("{}\n{text}", of("o-calm", CALM)), service, by, behind);
    line(&finish(seen(&spans), END)[0])
}

#[test]
fn a_clock_that_is_wrong_makes_nobody_late() {
    // Half an hour is allowed from SUBMITTED to PRICE_CALCULATED, and the price came after two minutes.
    let open = "unknown, at pricing work, clocks_disagree(A), hops 31/31";
    assert_eq!(by_clock(CALM, "mes-api", "40m", false), open);
    assert_eq!(by_clock(CALM, "mes-api", "10m", false), "ok, hops 31/31");
    // Late by an hour is late by any of these clocks.
    let late = later(CALM, "mes-api enters PRICE_CALCULATED", "90m");
    assert!(by_clock(&late, "mes-api", "10m", false).starts_with("slow, at pricing work"));
    assert!(by_clock(&late, "mes-api", "10m", true).starts_with("slow, at pricing work"));
    // In time by eight minutes, or late by five, is open where ten are in doubt.
    for (by, behind) in [("20m", false), ("33m", true)] {
        let said = by_clock(&later(CALM, "mes-api enters PRICE_CALCULATED", by), "mes-api", "10m", behind);
        assert!(said.starts_with("unknown, at pricing work, clocks_disagree"), "{said}");
    }
}

#[test]
fn a_loss_is_a_loss_by_any_clock() {
    let text = until(CALM, "mes-api receives order.submitted");
    assert!(by_clock(&text, "mes-api", "40m", false).starts_with("lost, at order.submitted transit"));
    assert!(by_clock(&text, "crm-api", "40m", true).starts_with("lost, at order.submitted transit"));
}

/// A call from one service to another, the callee's clock so far ahead. A front has no span of its own for a call: that is the request it
/// was asked.
fn call(detector: &mut Detector, caller: SpanKind, ahead: &str) {
    let mut pair = spans("10m crm calls span=700\n 10m shop-api calls span=701");
    let ms = 1_000_000;
    for (span, kind, took) in [(0, caller, 40 * ms), (1, SpanKind::Server, 20 * ms)] {
        pair[span].kind = kind;
        pair[span].end_ns = pair[span].start_ns + took;
        pair[span].attributes.push(KeyValue::new("http.request.method", "POST"));
    }
    pair[1].parent_span_id = SpanId::from_bytes(700u64.to_be_bytes());
    pair[1].start_ns += duration(ahead);
    pair[1].end_ns += duration(ahead);
    pair.iter().rev().for_each(|span| detector.observe(span));
}

#[test]
fn a_call_is_answered_within_the_call() {
    // Three hours and fifty minutes of four from uploading to submitting.
    let tight = later(CALM, "shop-api enters SUBMITTED", "220m");
    for caller in [SpanKind::Client, SpanKind::Server] {
        let verdict = |ahead: &str| {
            let mut detector = seen(&spans(&format!("{}\n{tight}", of("o-calm", CALM))));
            call(&mut detector, caller.clone(), ahead);
            finish(detector, END)[0].verdict
        };
        assert_eq!(verdict("0s"), Verdict::Ok);
        assert_eq!(verdict("30ms"), Verdict::Ok, "within what clocks differ by: it ends 10 ms after its caller");
        assert_eq!(verdict("1h"), Verdict::Unknown);
    }
}

#[test]
fn personal_data_is_told_with_its_place() {
    let mut all = spans(CALM);
    assert_eq!(seen(&all).leaks(), []);
    for span in all.iter_mut().take(3) {
        span.attributes.push(KeyValue::new("customer.email", "olga.petrova@example.com"));
    }
    let leaks = seen(&all).leaks();
    assert_eq!(leaks.len(), 1);
    let leak = &leaks[0];
    assert_eq!((&*leak.service, &*leak.attribute, leak.what, leak.times), ("shop-api", "customer.email", Personal::EMail, 3));
}
