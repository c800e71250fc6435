//! A row that was written once more as it had been before: why an order stands still.

use crate::trace::{CALM, END, T0, check, duration, finish, line, seen, spans, until};

/// The price has come, somebody writes the row, and nobody approves.
fn unapproved(rewrites: &str) -> String {
    format!("{}\n{rewrites}", until(CALM, "enters MANUFACTURING_APPROVED"))
}

const WAITS: &str = "stuck, at MANUFACTURING_APPROVED wait, waiting_for_person(A), alarm 8h15m, hops 10/11";
const OVERWRITTEN: &str = "stuck, at MANUFACTURING_APPROVED wait, lost_update(A), alarm 8h15m, hops 10/11";

#[test]
fn an_order_whose_price_was_overwritten_is_found_by_nobody() {
    check(&unapproved(""), WAITS);
    check(&unapproved("20m shop-api rewrites FILE_UPLOADED"), OVERWRITTEN);
    check(&unapproved("20m crm-api rewrites SUBMITTED"), OVERWRITTEN);
}

#[test]
fn what_was_written_before_a_state_or_with_it_has_overwritten_nothing() {
    check(&unapproved("5m shop-api rewrites FILE_UPLOADED"), WAITS);
    check(&unapproved("20m shop-api rewrites PRICE_CALCULATED"), WAITS);
    // The CRM records the price at 15m3s.
    check(&unapproved("15m3s shop-api rewrites SUBMITTED"), WAITS);
    check(&unapproved("15m3s1ns shop-api rewrites SUBMITTED"), OVERWRITTEN);
}

#[test]
fn the_last_writing_counts() {
    check(&unapproved("20m shop-api rewrites FILE_UPLOADED\n21m crm-api rewrites PRICE_CALCULATED"), WAITS);
    check(&unapproved("20m crm-api rewrites PRICE_CALCULATED\n21m shop-api rewrites FILE_UPLOADED"), OVERWRITTEN);
}

#[test]
fn the_row_of_the_other_side_is_another_row() {
    check(&unapproved("20m mes-api rewrites SUBMITTED"), WAITS);
}

#[test]
fn news_of_an_order_whose_row_was_set_back_is_refused() {
    let refused = until(CALM, "1h3s") + "\n 1h3s crm-api processes order.manufacturing_started m4 error";
    let hop = "lost, at order.manufacturing_started process";
    check(&refused, &format!("{hop}, process_failed(A), alarm 1h3s, hops 17/18"));
    check(&format!("{refused}\n30m shop-api rewrites FILE_UPLOADED"), &format!("{hop}, lost_update(A), alarm 1h3s, hops 17/18"));
}

#[test]
fn news_that_is_not_sent_for_a_row_that_was_set_back_has_that_cause() {
    let unsent = until(CALM, "sends order.submitted");
    let hop = "lost, at order.submitted commit-send";
    check(&unsent, &format!("{hop}, not_published(A), alarm 43m, hops 2/3"));
    check(&format!("{unsent}\n14m shop-api rewrites FILE_UPLOADED"), &format!("{hop}, lost_update(A), alarm 43m, hops 2/3"));
}

#[test]
fn a_message_that_vanished_did_not_vanish_for_a_row() {
    let vanished = until(CALM, "receives order.submitted") + "\n14m shop-api rewrites FILE_UPLOADED";
    check(&vanished, "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4");
}

#[test]
fn an_order_that_gets_on_is_fine_whoever_wrote_its_row() {
    check(&format!("{CALM}\n20m shop-api rewrites FILE_UPLOADED"), "ok, hops 31/31");
}

/// A state of the shop's side, recorded once more.
const SET_BACK: &str = "crm-api processes order.shipped m8 SHIPPED";

#[test]
fn a_closed_order_whose_row_was_set_back_is_closed_for_nobody() {
    let set_back = "diverged, at CLOSED wait, lost_update(A), alarm 8d1s, hops 31/31";
    check(&format!("{CALM}\n8d1s {SET_BACK}"), set_back);
    check(&format!("{CALM}\n8d1s shop-api rewrites FILE_UPLOADED"), "diverged, at CLOSED wait, lost_update(A), hops 31/31");
    check(&format!("{CALM}\n8d {SET_BACK}"), "duplicated, at order.shipped process, published_twice(B), alarm 8d, hops 31/31");
}

#[test]
fn a_closed_order_that_is_closed_again_or_shipped_again_in_the_factory_is_not_set_back() {
    let again = |line: &str| format!("{CALM}\n{line}");
    check(&again("8d1s crm-api enters CLOSED"), "duplicated, at CLOSED wait, repeated(A), alarm 8d1s, hops 31/31");
    check(&again("8d1s mes-api enters SHIPPED"), "duplicated, at SHIPPED wait, repeated(A), alarm 8d1s, hops 31/31");
}

#[test]
fn an_order_that_was_forgotten_is_set_back_too() {
    let mut detector = seen(&spans(CALM));
    detector.advance(T0 + duration("9d"));
    assert_eq!(detector.take_closed().len(), 1);
    spans(&format!("10d {SET_BACK}")).iter().for_each(|span| detector.observe(span));
    let word = line(&finish(detector, END)[0]);
    assert!(word.starts_with("diverged, at CLOSED wait, lost_update(A)"), "{word}");
}
