//! Each hop at which an order can be lost, and what the evidence says of why.

use detector::Verdict;

use crate::trace::{CALM, END, check, check_at, findings, until, without};

#[test]
fn a_calm_order_is_ok() {
    check(CALM, "ok, hops 31/31");
}

/// Cuts the life of an order at a line: that did not happen, nor anything after it.
#[track_caller]
fn cut(words: &str, expected: &str) {
    check(&until(CALM, words), expected);
}

#[test]
fn each_hop_of_a_message_and_a_work_loses_orders() {
    cut("sends order.submitted", "lost, at order.submitted commit-send, not_published(A), alarm 43m, hops 2/3");
    cut("receives order.submitted", "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4");
    cut("processes order.submitted", "lost, at order.submitted process, acked_unprocessed(B), alarm 43m, hops 4/5");
    cut("starts", "lost, at pricing work-wait, never_started(A), alarm 43m, hops 5/6");
    cut("mes-api enters PRICE_CALCULATED", "lost, at pricing work, work_never_ended(A), alarm 43m, hops 6/7");
    cut("sends order.price_calculated", "lost, at order.price_calculated commit-send, not_published(A), alarm 8h15m, hops 7/8");
    cut(
        "receives order.price_calculated",
        "lost, at order.price_calculated transit, unconfirmed_vanished(B), alarm 8h15m, hops 8/9",
    );
    cut("processes order.price_calculated", "lost, at order.price_calculated process, unprocessed(A), alarm 8h15m, hops 9/10");
    cut(
        "sends order.manufacturing_approved",
        "lost, at order.manufacturing_approved commit-send, not_published(A), alarm 1d25m, hops 11/12",
    );
    cut(
        "receives order.manufacturing_approved",
        "lost, at order.manufacturing_approved transit, vanished(A), alarm 1d25m, hops 12/13",
    );
    cut(
        "processes order.manufacturing_approved",
        "lost, at order.manufacturing_approved process, unprocessed(A), alarm 1d25m, hops 13/14",
    );
    cut("receives order.shipped", "lost, at order.shipped transit, vanished(A), alarm 13d, hops 28/29");
}

#[test]
fn a_person_who_never_comes_leaves_an_order_stuck() {
    cut("enters FILE_UPLOADED", "stuck, at FILE_UPLOADED wait, waiting_for_person(A), alarm 1h, hops 0/1");
    cut("enters MANUFACTURING_APPROVED", "stuck, at MANUFACTURING_APPROVED wait, waiting_for_person(A), alarm 8h15m, hops 10/11");
    cut("enters MANUFACTURING_STARTED", "stuck, at MANUFACTURING_STARTED wait, waiting_for_person(A), alarm 1d25m, hops 14/15");
    cut("enters CLOSED", "stuck, at CLOSED wait, waiting_for_person(A), alarm 13d, hops 30/31");
}

/// What becomes of an order whose message to the CRM vanished: it goes on in the factory and is never closed.
pub(crate) fn without_the_news(key: &str) -> String {
    let at_crm = |text: &str, key: &str| without(&without(text, &format!("receives {key}")), &format!("processes {key}"));
    let keys = ["order.manufacturing_started", "order.manufacturing_completed", "order.packaging", "order.shipped"];
    let lost = keys.iter().position(|known| *known == key).unwrap();
    let text = keys[lost + 1..].iter().fold(at_crm(&until(CALM, "enters CLOSED"), key), |text, later| {
        let state = CALM.lines().find(|line| line.contains(&format!("processes {later}"))).unwrap();
        text.replace(state, &format!("{} error", state.replace(|letter: char| letter.is_ascii_uppercase() || letter == '_', "")))
    });
    text.replace("manufacturingstarted", "manufacturing_started").replace("manufacturingcompleted", "manufacturing_completed")
}

#[test]
fn a_side_message_that_vanished_loses_the_order_though_the_factory_goes_on() {
    check(
        &without_the_news("order.manufacturing_started"),
        "lost, at order.manufacturing_started transit, vanished(A), alarm 1d1h, hops 25/26",
    );
    check(&without_the_news("order.packaging"), "lost, at order.packaging transit, vanished(A), alarm 5d3s, hops 27/28");
    check(&without_the_news("order.shipped"), "lost, at order.shipped transit, vanished(A), alarm 13d, hops 28/29");
}

#[test]
fn a_publish_that_failed_is_no_send() {
    let failed = until(CALM, "receives order.submitted").replace("m1 confirm=none", "m1 error");
    check(&failed, "lost, at order.submitted commit-send, publish_failed(A), alarm 43m, hops 2/3");
    let again = CALM.replace("sends     order.submitted m1", "sends order.submitted m1").replacen(
        "    13m1s    crm-api",
        "    13m1s crm-api sends order.submitted m0 error trace=3\n    13m1s    crm-api",
        1,
    );
    check(&again, "ok, hops 31/31");
}

#[test]
fn the_brokers_answer_says_which_side_lost_a_message() {
    let answered = |word: &str| until(CALM, "receives order.submitted").replace("confirm=none", word);
    let at = |cause: &str| format!("lost, at order.submitted transit, {cause}, alarm 43m, hops 3/4");
    check(&answered(""), &at("vanished(A)"));
    check(&answered("confirm=timeout"), &at("unconfirmed_vanished(B)"));
    check(&answered("confirm=ack"), &at("confirmed_vanished(B)"));
    check(&answered("confirm=ack returned error"), &at("unroutable(B)"));
}

#[test]
fn the_consumers_answer_says_why_a_message_did_nothing() {
    let before = until(CALM, "settles order.submitted");
    let at = |cause: &str, hops: &str| format!("lost, at order.submitted process, {cause}, alarm {hops}");
    let failed = "\n 13m3s mes-api processes order.submitted m1 error";
    check(&before, &at("unprocessed(A)", "43m, hops 4/5"));
    check(&format!("{before}{failed}"), &at("process_failed(A)", "13m3s, hops 4/5"));
    check(&format!("{before}{failed}\n 13m4s mes-api settles order.submitted m1 reject"), &at("rejected(B)", "13m3s, hops 4/5"));
    check(&format!("{before}\n 13m2s mes-api settles order.submitted m1 ack"), &at("acked_unprocessed(B)", "43m, hops 4/5"));
}

#[test]
fn evidence_is_the_stretch_that_broke_off() {
    let finding = findings(&until(CALM, "starts"), END).remove(0);
    let lines = ["shop-api enters SUBMITTED", "sends order.submitted", "receives", "settles", "processes"];
    assert_eq!(finding.evidence.len(), lines.len());
    assert_eq!(finding.journey.iter().filter(|hop| hop.to_ns.is_some()).count(), 5);
    assert_eq!(finding.journey[5].hop, "pricing work-wait");
    assert!(finding.journey[5].from_ns.is_some() && finding.journey[5].to_ns.is_none());
    assert_eq!(&*finding.client_type, "retail");
}

#[test]
fn an_order_that_has_time_left_is_in_flight() {
    let text = until(CALM, "receives order.submitted");
    check_at(&text, "43m", None, "in-flight, hops 3/3");
    let lost = "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4";
    check_at(&text, "43m1ns", None, lost);
}

#[test]
fn a_side_that_refused_for_good_what_the_other_recorded_diverges() {
    let text = CALM.replace("m6 PACKAGING", "m6 error");
    check(&text, "diverged, at order.packaging process, process_failed(A), alarm 4d4h3s, hops 30/31");
    // It is in order when a later attempt went well.
    check(&format!("{text}\n 4d5h crm-api processes order.packaging m6 PACKAGING"), "ok, hops 31/31");
    check(&format!("{text}\n 4d5h crm-api processes order.packaging m6 duplicate"), "ok, hops 30/31");
}

#[test]
fn removing_one_trace_changes_the_verdict() {
    for trace in 1..=9 {
        let before = findings(CALM, END).remove(0);
        let after = findings(&without(CALM, &format!("trace={trace}")), END).remove(0);
        assert_ne!((before.verdict, before.hops_seen), (after.verdict, after.hops_seen), "{trace}");
    }
    let closing = findings(&without(CALM, "trace=9"), END).remove(0);
    assert_eq!(closing.verdict, Verdict::Stuck);
}
