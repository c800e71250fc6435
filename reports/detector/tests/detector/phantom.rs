//! News that was sent before a commit that failed.

use crate::trace::{CALM, check, until, without};

/// The factory has told of a price and its commit has failed; the CRM has taken the price in.
fn told(failing: &str) -> String {
    let text = without(&until(CALM, "enters MANUFACTURING_APPROVED"), "mes-api enters PRICE_CALCULATED");
    format!("{text}\n{failing}")
}

/// The seller approves, and the factory refuses what it has no price for.
fn approved(failing: &str) -> String {
    let text = without(&until(CALM, "25m3s"), "mes-api enters PRICE_CALCULATED");
    format!("{text}\n25m3s mes-api processes order.manufacturing_approved m3 error\n{failing}")
}

const ROLLED_BACK: &str = "15m1s5ms mes-api commits error trace=3";

#[test]
fn a_state_that_was_told_and_not_committed_was_never_entered() {
    check(&told(ROLLED_BACK), "lost, at pricing work, phantom(A), alarm 8h15m1s, hops 9/10");
    check(&approved(ROLLED_BACK), "lost, at pricing work, phantom(A), alarm 25m3s, hops 12/13");
}

#[test]
fn without_the_failed_commit_the_news_passes_for_proof() {
    check(&approved(""), "lost, at order.manufacturing_approved process, process_failed(A), alarm 25m3s, hops 12/14");
}

#[test]
fn a_commit_that_failed_before_the_news_was_sent_was_another_one() {
    let word = "lost, at order.manufacturing_approved process, process_failed(A), alarm 25m3s, hops 12/14";
    check(&approved("15m999ms mes-api commits error trace=3"), word);
    check(&approved("15m1s mes-api commits error trace=3"), "lost, at pricing work, phantom(A), alarm 25m3s, hops 12/13");
}

#[test]
fn a_commit_of_another_trace_or_of_another_service_says_nothing() {
    let word = "lost, at order.manufacturing_approved process, process_failed(A), alarm 25m3s, hops 12/14";
    check(&approved("15m1s5ms mes-api commits error trace=8"), word);
    check(&approved("15m1s5ms crm-api commits error trace=3"), word);
    check(&approved("15m1s5ms mes-api commits trace=3"), word);
}

#[test]
fn whoever_tries_again_and_succeeds_has_made_it_true() {
    check(&format!("{CALM}\n{ROLLED_BACK}"), "ok, hops 31/31");
    let late = without(CALM, "mes-api enters PRICE_CALCULATED") + "\n16m mes-api enters PRICE_CALCULATED trace=10\n";
    check(&format!("{late}\n{ROLLED_BACK}"), "ok, hops 31/31");
}

#[test]
fn a_later_state_of_its_owner_says_that_the_state_was_entered_unseen() {
    let unseen = without(CALM, "mes-api enters PRICE_CALCULATED");
    check(&format!("{unseen}\n{ROLLED_BACK}"), "ok, hops 30/31");
}
