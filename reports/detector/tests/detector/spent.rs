//! What the time of a slow hop was spent on.

use crate::trace::{CALM, check, later};

/// A price that comes forty minutes late, with what is seen meanwhile.
fn work(more: &str, cause: &str) {
    let text = later(CALM, "mes-api enters PRICE_CALCULATED", "40m");
    check(&format!("{text}\n{more}"), &format!("slow, at pricing work, {cause}(A), alarm 43m, hops 31/31"));
}

/// A price that the CRM takes in a day late.
fn processing(more: &str, cause: &str) {
    let text = later(CALM, "crm-api processes order.price_calculated", "2d");
    check(&format!("{text}\n{more}"), &format!("slow, at order.price_calculated process, {cause}(A), alarm 8h15m, hops 31/31"));
}

#[test]
fn what_took_half_of_the_time_is_the_cause_and_what_took_less_is_not() {
    // Of 41 minutes and 56 seconds.
    work("13m4s mes-api commits for=20m58s", "database");
    work("13m4s mes-api commits for=20m57s", "work");
    work("13m4s mes-api connects for=30m", "connection_wait");
    work("13m4s mes-api locks for=30m", "lock_wait");
    work("13m4s mes-api connects for=12m\n26m mes-api locks for=10m", "work");
}

#[test]
fn what_lies_outside_of_the_hop_does_not_count() {
    work("1m mes-api commits for=12m4s", "work");
    work("1m mes-api commits for=50m", "database");
    work("56m mes-api commits for=40m", "work");
}

#[test]
fn a_call_that_lasts_longer_than_its_handling_was_on_its_way() {
    let asks = "13m4s mes-api asks span=900 for=41m";
    work(&format!("{asks}\n14m mes answers under=900 for=2m"), "network");
    work(&format!("{asks}\n14m mes answers under=900 for=40m"), "work");
    // Nobody has seen the other end.
    work(asks, "work");
    work(&format!("{asks}\n14m mes answers under=901 for=2m"), "work");
}

#[test]
fn the_handling_of_a_message_may_wait_for_a_database_too() {
    processing("", "processing");
    processing("15m2s crm-api locks for=40h", "lock_wait");
    processing("15m2s crm-api commits for=40h", "database");
}

#[test]
fn what_time_was_spent_on_makes_no_order() {
    let findings = crate::trace::findings("13m4s mes-api connects order=o-none for=10s", crate::trace::END);
    assert!(findings.is_empty(), "{findings:?}");
}
