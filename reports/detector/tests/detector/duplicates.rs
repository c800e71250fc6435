//! Duplicated: a state recorded twice by one side.

use crate::trace::{CALM, END, check, findings, finish, line, seen, spans};

#[test]
fn a_state_recorded_twice_by_one_side_is_a_duplicate() {
    let twice = |more: &str| format!("{CALM}\n{more}");
    check(&twice("20m mes-api enters PRICE_CALCULATED"), "duplicated, at pricing work, repeated(A), alarm 20m, hops 31/31");
    check(
        &twice("20m crm-api processes order.price_calculated m2 PRICE_CALCULATED redelivered"),
        "duplicated, at order.price_calculated process, redelivered(B), alarm 20m, hops 31/31",
    );
    check(
        &twice("20m crm-api processes order.price_calculated m9 PRICE_CALCULATED"),
        "duplicated, at order.price_calculated process, published_twice(B), alarm 20m, hops 31/31",
    );
    check(&twice("9d crm-api enters CLOSED"), "duplicated, at CLOSED wait, repeated(A), alarm 9d, hops 31/31");
}

#[test]
fn both_sides_record_a_state_once_each() {
    check(CALM, "ok, hops 31/31");
}

#[test]
fn the_first_of_several_duplicates_in_the_lifecycle_is_the_hop() {
    let text = "
        20m    mes-api enters PRICE_CALCULATED event=o-1:PRICE_CALCULATED#2
        19m59s mes-api receives order.submitted m1 redelivered
        19m59s mes-api processes order.submitted m1 redelivered
        20m1s  mes-api sends order.price_calculated m8
        20m2s  crm-api processes order.price_calculated m8 PRICE_CALCULATED event=o-1:PRICE_CALCULATED#2";
    check(&format!("{CALM}{text}"), "duplicated, at pricing work, redelivered(B), alarm 20m, hops 31/31");
}

#[test]
fn the_same_span_twice_changes_nothing() {
    let once = spans(CALM);
    let twice: Vec<_> = once.iter().chain(&once).cloned().collect();
    assert_eq!(finish(seen(&twice), END), finish(seen(&once), END));
    assert_eq!(seen(&twice).counts().evidence, seen(&once).counts().evidence);
}

#[test]
fn an_event_handled_before_is_no_duplicate() {
    let text = "
        20m crm-api receives order.price_calculated m2 redelivered
        20m crm-api processes order.price_calculated m2 redelivered duplicate";
    check(&format!("{CALM}{text}"), "ok, hops 31/31");
}

#[test]
fn lost_goes_before_duplicated_and_duplicated_before_slow() {
    let lost = crate::trace::until(CALM, "sends order.manufacturing_approved");
    let twice = "\n 20m mes-api enters PRICE_CALCULATED";
    check(
        &format!("{lost}{twice}"),
        "lost, at order.manufacturing_approved commit-send, not_published(A), alarm 20m, hops 11/12",
    );
    let slow = crate::trace::later(CALM, "mes-api enters PRICE_CALCULATED", "40m");
    check(
        &format!("{slow}\n 56m mes-api enters PRICE_CALCULATED"),
        "duplicated, at pricing work, repeated(A), alarm 43m, hops 31/31",
    );
    let stuck = crate::trace::until(CALM, "enters CLOSED");
    check(&format!("{stuck}{twice}"), "duplicated, at pricing work, repeated(A), alarm 20m, hops 30/30");
}

#[test]
fn the_evidence_is_what_came_again() {
    let finding = findings(&format!("{CALM}\n 20m mes-api enters PRICE_CALCULATED trace=99"), END).remove(0);
    assert_eq!(finding.evidence.len(), 1, "{}", line(&finding));
}
