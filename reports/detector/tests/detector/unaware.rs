//! A customer who is waited for and has not seen the news that says so.

use crate::trace::{CALM, check, later, until};

/// An order whose price waits for somebody, with what else is seen of it.
fn waits(more: &str) -> String {
    format!("{}\n{more}", until(CALM, "enters MANUFACTURING_APPROVED"))
}

const TELLS: &str = "15m4s crm-api tells trace=3";

#[test]
fn who_was_told_and_has_not_seen_it_is_unaware() {
    check(&waits(TELLS), "stuck, at MANUFACTURING_APPROVED wait, customer_unaware(A), alarm 8h15m, hops 10/11");
}

#[test]
fn who_has_seen_it_or_was_never_told_waits_for_a_person() {
    let person = "stuck, at MANUFACTURING_APPROVED wait, waiting_for_person(A), alarm 8h15m, hops 10/11";
    check(&waits(&format!("{TELLS}\n20m shop-api shows trace=5")), person);
    check(&waits(""), person);
}

#[test]
fn news_of_an_earlier_wait_explains_no_later_one() {
    let text = until(CALM, "enters MANUFACTURING_STARTED");
    let word = "stuck, at MANUFACTURING_STARTED wait, waiting_for_person(A), alarm 1d25m, hops 14/15";
    check(&format!("{text}\n{TELLS}"), word);
}

#[test]
fn who_sees_it_late_is_slow_for_it() {
    let text = later(CALM, "enters MANUFACTURING_APPROVED", "9h");
    let word = |cause: &str| format!("slow, at MANUFACTURING_APPROVED wait, {cause}(A), alarm 8h15m, hops 31/31");
    check(&format!("{text}\n{TELLS}"), &word("customer_unaware"));
    check(&format!("{text}\n{TELLS}\n9h shop-api shows trace=5"), &word("waiting_for_person"));
}
