//! What can't be said: silent services, known gaps, spans that name no order.

use std::sync::Arc;

use detector::{Finding, Gap};

use crate::trace::{CALM, END, T0, check, check_at, duration, findings, later, line, of, seen, spans, until, without};

#[track_caller]
fn with_gap(text: &str, gap: Gap, expected: &str) {
    check_at(text, END, Some(gap), expected);
}

fn between(from: &str, until: &str) -> Gap {
    Gap::between(T0 + duration(from), T0 + duration(until))
}

#[test]
fn a_step_that_a_gap_may_have_swallowed_is_not_lost() {
    let text = until(CALM, "receives order.submitted");
    let unknown = "unknown, at order.submitted transit, telemetry_gap(A), hops 3/4";
    let lost = "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4";
    with_gap(&text, Gap::of_orders(vec!["o-1".into()]), unknown);
    with_gap(&text, Gap::of_orders(vec!["o-2".into()]), lost);
    with_gap(&text, between("13m1s", "14m"), unknown);
    with_gap(&text, between("2d", "3d"), unknown);
    // It was over before the last sign of life.
    with_gap(&text, between("12m", "13m"), lost);
}

#[test]
fn a_gap_of_one_witness_leaves_the_word_to_the_next() {
    let text = until(CALM, "mes-api enters PRICE_CALCULATED");
    let of =
        |service: &str, orders: Option<Vec<Arc<str>>>| Gap { service: Some(service.into()), orders, ..between("14m", "15m") };
    // The factory died: had it gone on, the CRM would have heard of it.
    let lost = "lost, at pricing work, alarm 43m, hops 6/7";
    with_gap(&text, of("mes-api", None), lost);
    with_gap(&text, of("mes-api", Some(vec!["o-1".into()])), lost);
    // Nobody misses anything of the CRM yet.
    with_gap(&text, of("crm-api", None), "lost, at pricing work, work_never_ended(A), alarm 43m, hops 6/7");
    with_gap(&text, of("somebody", None), "lost, at pricing work, work_never_ended(A), alarm 43m, hops 6/7");
    // The CRM died with a message in its hands. What it did with it nobody knows, but the factory went on, and had the CRM
    // come back to the order it would have said so.
    let received = "\n 1h2s crm-api receives order.manufacturing_started m4";
    let text = crate::losses::without_the_news("order.manufacturing_started") + received;
    let gap = |until: &str| Gap::of_service("crm-api", T0 + duration(until), vec!["o-1".into()]);
    with_gap(&text, gap("1h5s"), "lost, at order.manufacturing_started process, alarm 1d1h, hops 26/27");
    with_gap(&text, gap("6d"), "unknown, at order.manufacturing_started process, telemetry_gap(A), hops 26/27");
    // The last step of all is the CRM's: nobody comes after it.
    let text = until(CALM, "enters CLOSED");
    let gap = Gap { service: Some("crm-api".into()), ..between("6d", "7d") };
    with_gap(&text, gap, "unknown, at CLOSED wait, telemetry_gap(A), hops 30/31");
}

#[test]
fn behind_a_gap_nobody_knows_whether_a_person_has_not_acted_or_in_vain() {
    let text = until(CALM, "enters MANUFACTURING_APPROVED");
    let gap = Gap::of_service("crm-api", T0 + duration("30m"), vec!["o-1".into()]);
    // The factory has heard of no approval. The seller may not have approved it, or the CRM died before it could say so.
    with_gap(&text, gap.clone(), "unknown, at MANUFACTURING_APPROVED wait, telemetry_gap(A), hops 10/11");
    // Whoever asked again was told that it had been done: what did not come was the news.
    let asked_again = format!("{text}\n 31m crm-api repeats MANUFACTURING_APPROVED");
    with_gap(&asked_again, gap, "lost, at order.manufacturing_approved commit-send, alarm 21d, hops 10/12");
}

#[test]
fn what_was_done_before_is_believed_of_the_state_that_is_there() {
    let text = until(CALM, "enters MANUFACTURING_APPROVED");
    let asked_again = |state: &str| format!("{text}\n 31m crm-api repeats {state}");
    check(
        &asked_again("MANUFACTURING_APPROVED"),
        "lost, at order.manufacturing_approved commit-send, not_published(A), alarm 21d, hops 10/12",
    );
    check(
        &asked_again("PRICE_CALCULATED"),
        "stuck, at MANUFACTURING_APPROVED wait, waiting_for_person(A), alarm 8h15m, hops 10/11",
    );
}

#[test]
fn a_gap_takes_nothing_from_what_was_seen() {
    let all = || between("0s", "40d");
    // But a record that was made twice may have shown once.
    with_gap(CALM, all(), "unknown, at INITIATED wait, telemetry_gap(A), hops 31/31");
    with_gap(CALM, Gap::of_orders(vec!["o-1".into()]), "ok, hops 31/31");
    // As what a process was committing when it died may have been, and nobody says so.
    let committing = |order: &str| Gap::of_commits("mes-api", T0 + duration("14m"), vec![order.into()]);
    with_gap(CALM, committing("o-1"), "unknown, at order.submitted process, telemetry_gap(A), hops 31/31");
    with_gap(CALM, committing("o-2"), "ok, hops 31/31");
    let slow = later(CALM, "mes-api enters PRICE_CALCULATED", "40m");
    with_gap(&slow, all(), "slow, at pricing work, work(A), alarm 43m, hops 31/31");
    let twice = format!("{CALM}\n 20m mes-api enters PRICE_CALCULATED");
    with_gap(&twice, all(), "duplicated, at pricing work, repeated(A), alarm 20m, hops 31/31");
}

#[test]
fn missing_spans_of_a_finished_order_are_a_gap_and_no_loss() {
    check(&without(CALM, "receives order.submitted"), "ok, hops 31/31");
    check(&without(CALM, "sends order.submitted"), "ok, hops 30/31");
    check(&without(CALM, "mes-api starts"), "ok, hops 30/31");
    check(&without(CALM, "crm-api processes order.packaging"), "ok, hops 30/31");
}

#[test]
fn a_silent_service_is_not_taken_for_a_loss() {
    let silent = |service: &str| findings(&without(CALM, service), END).remove(0);
    // The CRM closes orders: without its word nobody knows.
    assert_eq!(line(&silent("crm-api")), "unknown, at order.manufacturing_started transit, silent(A), hops 17/23");
    // The CRM says that the factory has done its part, and not when: news that were late can't be told from work that took long.
    let blurred = "unknown, at order.manufacturing_completed process, blurred(A), hops 16/31";
    assert_eq!(line(&silent("mes-api")), blurred);
}

#[test]
fn behind_a_silent_service_a_loss_still_shows() {
    // The factory got no order of two; the CRM, which sends them on, shows nothing at all.
    let calm = without(&of("o-1", CALM), "crm-api");
    let lost = without(&of("o-2", &until(CALM, "receives order.submitted")), "crm-api");
    let findings = findings(&format!("{calm}\n{lost}"), END);
    assert_eq!(line(&findings[1]), "lost, at order.submitted commit-send, alarm 43m, hops 2/3");
}

#[test]
fn a_step_that_nobody_ever_shows_is_no_loss() {
    // No receive is marked for any order, and orders get on all the same.
    let unmarked =
        |text: &str| ["receives", "settles", "processes"].iter().fold(text.to_owned(), |text, word| without(&text, word));
    let calm = of("o-1", &unmarked(CALM));
    let lost = of("o-2", &until(CALM, "receives order.submitted"));
    let findings: Vec<Finding> = findings(&format!("{calm}{lost}"), END);
    // When the CRM heard of the beginning is anybody's guess.
    assert_eq!(line(&findings[0]), "unknown, at order.manufacturing_started process, blurred(A), hops 17/31");
    assert_eq!(line(&findings[1]), "lost, at order.submitted transit, alarm 43m, hops 3/4");
}

#[test]
fn a_span_that_names_no_order_is_placed_by_its_conversation_its_trace_or_its_link() {
    let lost = "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4";
    let text = until(CALM, "receives order.submitted");
    check(&text, lost);
    let received = |how: &str| format!("{text}\n 13m2s mes-api receives order.submitted m1 order=none {how}");
    let unprocessed = "lost, at order.submitted process, unprocessed(A), alarm 43m, hops 4/5";
    check(&received("about=o-1 trace=50"), unprocessed);
    check(&received("trace=3"), unprocessed);
    check(&received("trace=50 link=3"), unprocessed);
    check(&received("trace=50"), lost);
    check(&received("trace=50 link=51"), lost);
}

#[test]
fn a_trace_about_two_orders_places_nothing() {
    let text = until(CALM, "receives order.submitted");
    let both = format!("{}{}\n 13m2s mes-api receives order.submitted m1 order=none trace=9", of("o-1", &text), of("o-2", &text));
    let both = both.replace("trace=o-1-3", "trace=9").replace("trace=o-2-3", "trace=9");
    let findings = findings(&both, END);
    assert!(findings.iter().all(|finding| line(finding).contains("order.submitted transit")));
    assert_eq!(seen(&spans(&both)).counts().strays, 1);
}

#[test]
fn spans_of_other_parties_are_no_evidence() {
    let text = until(CALM, "receives order.submitted");
    let lost = "lost, at order.submitted transit, unconfirmed_vanished(B), alarm 43m, hops 3/4";
    for other in [
        "14m analytics receives order.submitted m1",
        "14m shop-api receives order.submitted m1",
        "14m mes-api receives order.unheard_of m1",
        "14m mes-api calls",
        "14m mes-api enters UNHEARD_OF",
        "14m mes-api enters CLOSED",
    ] {
        check(&format!("{text}\n{other}"), lost);
    }
}
