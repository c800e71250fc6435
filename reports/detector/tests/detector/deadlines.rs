//! Slow: boundary pairs for each deadline, and the hop that a missed one is put down to.

use crate::trace::{CALM, END, check, check_at, findings, later, line, until, with, without};

/// A state comes as late as this still is in time, and one nanosecond later.
#[track_caller]
fn just(words: &str, by: &str, hop: &str, cause: &str, alarm: &str) {
    let met = later(CALM, words, by);
    assert_eq!(line(&findings(&met, END)[0]), "ok, hops 31/31", "{by} later");
    let missed = later(CALM, words, &format!("{by}1ns"));
    check(&missed, &format!("slow, at {hop}, {cause}, alarm {alarm}, hops 31/31"));
}

#[test]
fn a_deadline_is_met_to_the_nanosecond() {
    just("enters FILE_UPLOADED", "57m", "FILE_UPLOADED wait", "waiting_for_person(A)", "1h");
    just("shop-api enters SUBMITTED", "3h50m", "SUBMITTED wait", "waiting_for_person(A)", "4h3m");
    just("mes-api enters PRICE_CALCULATED", "28m", "pricing work", "work(A)", "43m");
    just("enters MANUFACTURING_APPROVED", "7h50m", "MANUFACTURING_APPROVED wait", "waiting_for_person(A)", "8h15m");
    just("mes-api enters MANUFACTURING_STARTED", "23h25m", "MANUFACTURING_STARTED wait", "waiting_for_person(A)", "1d25m");
    just("mes-api enters MANUFACTURING_COMPLETED", "6d1h", "MANUFACTURING_COMPLETED wait", "waiting_for_person(A)", "10d1h");
    just("mes-api enters PACKAGING", "20h", "PACKAGING wait", "waiting_for_person(A)", "5d");
    just("mes-api enters SHIPPED", "2d4h", "SHIPPED wait", "waiting_for_person(A)", "7d4h");
    just("enters CLOSED", "5d", "CLOSED wait", "waiting_for_person(A)", "13d");
}

#[test]
fn the_news_of_a_state_must_come_in_time() {
    let side = |by: &str| CALM.replace("1h3s     crm-api", &format!("1h{by} crm-api"));
    check(&side("24h"), "ok, hops 31/31");
    check(&side("24h1ns"), "slow, at order.manufacturing_started process, processing(A), alarm 1d1h, hops 31/31");
}

#[test]
fn the_promise_is_met_to_the_nanosecond() {
    // Each state in time: the promise is missed all the same.
    let text = later(CALM, "mes-api enters MANUFACTURING_COMPLETED", "6d");
    let text = later(&later(&text, "mes-api enters SHIPPED", "2d"), "enters CLOSED", "5d");
    check(&text, "ok, hops 31/31");
    // CLOSED has used up its eight days, COMPLETED less than a ninth of an hour fewer than its ten.
    let missed = later(&text, "shop-api enters SUBMITTED", "1ns");
    check(&missed, "slow, at CLOSED wait, waiting_for_person(A), alarm 21d, hops 31/31");
}

#[test]
fn an_order_that_is_not_there_when_the_promise_passes_is_stuck() {
    let text = until(&later(CALM, "mes-api enters SHIPPED", "2d4h"), "enters CLOSED");
    let text = later(&text, "mes-api enters MANUFACTURING_COMPLETED", "6d1h");
    check_at(&text, "21d", None, "in-flight, hops 30/30");
    check_at(&text, "21d1ns", None, "stuck, at CLOSED wait, waiting_for_person(A), alarm 21d, hops 30/31");
}

/// Each hop of one stretch takes the blame when it takes the time.
#[test]
fn the_hop_with_the_largest_excess_over_its_share_takes_the_blame() {
    let slow = |words: &str| line(&findings(&later(CALM, words, "40m"), END)[0]);
    let at = |hop: &str, cause: &str| format!("slow, at {hop}, {cause}(A), alarm 43m, hops 31/31");
    assert_eq!(slow("sends order.submitted"), at("order.submitted commit-send", "publish_late"));
    assert_eq!(slow("receives order.submitted"), at("order.submitted transit", "queue_wait"));
    assert_eq!(slow("processes order.submitted"), at("order.submitted process", "processing"));
    assert_eq!(slow("starts"), at("pricing work-wait", "queue_wait"));
    assert_eq!(slow("mes-api enters PRICE_CALCULATED"), at("pricing work", "work"));
}

#[test]
fn a_share_weighs_a_hop() {
    // 21 minutes of work exceed their 12 by 9; 15 minutes in the queue exceed their 7.5 by 7.5.
    let text = later(&later(CALM, "receives order.submitted", "15m"), "mes-api enters PRICE_CALCULATED", "19m4s");
    check(&text, "slow, at pricing work, work(A), alarm 43m, hops 31/31");
    // Two minutes less of one, two minutes more of the other.
    let text = later(&later(CALM, "receives order.submitted", "17m"), "mes-api enters PRICE_CALCULATED", "17m4s");
    check(&text, "slow, at order.submitted transit, queue_wait(A), alarm 43m, hops 31/31");
}

#[test]
fn the_worst_of_several_missed_deadlines_takes_the_blame_and_the_first_raises_the_alarm() {
    let text = later(&later(CALM, "enters FILE_UPLOADED", "2h"), "enters MANUFACTURING_APPROVED", "3d");
    check(&text, "slow, at MANUFACTURING_APPROVED wait, waiting_for_person(A), alarm 1h, hops 31/31");
}

#[test]
fn the_delivery_that_led_to_the_effect_ends_the_transit() {
    // Received at once, but only the second delivery, half an hour later, did anything.
    let again = "
        45m mes-api receives order.submitted m1 redelivered trace=3
        45m mes-api processes order.submitted m1 SUBMITTED redelivered trace=3";
    let text = later(&without(CALM, "processes order.submitted"), "starts", "40m");
    check(&format!("{text}{again}"), "slow, at order.submitted transit, redelivered(B), alarm 43m, hops 31/31");
}

#[test]
fn the_attempt_that_was_taken_in_ends_the_way_to_the_broker() {
    let late = later(CALM, "receives order.submitted", "40m");
    let again = "\n 52m crm-api sends order.submitted m9 confirm=ack trace=3";
    let text = late.replace("receives  order.submitted m1", "receives order.submitted m9");
    let text = text
        .replace("receives order.submitted m1", "receives order.submitted m9")
        .replace("processes order.submitted m1", "processes order.submitted m9");
    check(&format!("{text}{again}"), "slow, at order.submitted commit-send, publish_late(A), alarm 43m, hops 31/31");
}

#[test]
fn the_calculation_that_led_to_the_price_counts() {
    // Begun twice; the first one, under the span that recorded the price, took the time.
    let text = later(CALM, "mes-api enters PRICE_CALCULATED", "40m");
    let text = with(&text, "mes-api enters PRICE_CALCULATED", "span=77");
    let again = "\n 50m mes-api starts under=78 trace=3";
    let first = format!("{}{again}", with(&text, "mes-api starts", "under=77"));
    check(&first, "slow, at pricing work, work(A), alarm 43m, hops 31/31");
    // Nobody says which one it was: the latest before it.
    check(&format!("{text}{again}"), "slow, at pricing work-wait, queue_wait(A), alarm 43m, hops 31/31");
}

#[test]
fn hops_between_which_nothing_was_seen_count_as_one() {
    let text = without(&later(CALM, "receives order.submitted", "40m"), "receives order.submitted");
    let text = without(&without(&text, "processes order.submitted"), "settles");
    // Sent, and begun 40 minutes later: transit and work-wait have the largest shares of what lies between.
    check(&text, "slow, at order.submitted transit, queue_wait(A), alarm 43m, hops 29/31");
}

#[test]
fn where_spans_are_missing_bounds_decide() {
    // The factory's own record of PACKAGING is missing: its news stands for it, a second later at most.
    check(&without(CALM, "mes-api enters PACKAGING"), "ok, hops 30/31");
    // All of its news is missing too: the two states took a day together, each may have kept its deadline, and the CRM
    // heard of the next one three seconds late.
    let gone = ["mes-api enters PACKAGING", "sends order.packaging", "receives order.packaging", "processes order.packaging"];
    let unseen = |text: &str| gone.iter().fold(text.to_owned(), |text, words| without(&text, words));
    check(&unseen(CALM), "unknown, at order.packaging process, blurred(A), hops 27/31");
    check(&unseen(&CALM.replace("5d3s ", "4d23h ")), "ok, hops 27/31");
    // In three days not: one day is for packaging, and it may have taken longer.
    let three_days = later(CALM, "mes-api enters SHIPPED", "2d4h");
    check(&unseen(&three_days), "unknown, at PACKAGING wait, blurred(A), hops 27/31");
    // In five days one of both was late for certain, and both of one alone are not known to be.
    let five_days = later(CALM, "mes-api enters SHIPPED", "4d");
    check(&five_days, "slow, at SHIPPED wait, waiting_for_person(A), alarm 7d4h, hops 31/31");
}

#[test]
fn a_later_delivery_did_not_lead_to_an_effect_that_work_had_begun_upon() {
    // The consumer died at work: its `process` span, which says that the order was taken in, died with it.
    let text = without(&without(CALM, "processes order.submitted"), "settles order.submitted");
    let again = "
    43m4s    mes-api  receives  order.submitted m1 redelivered    trace=3
    43m5s    mes-api  starts                                      trace=3
    15m      mes-api  enters PRICE_CALCULATED";
    let text = text.replace("\n    15m      mes-api  enters PRICE_CALCULATED", again);
    let text = later(&text, "mes-api enters PRICE_CALCULATED", "30m");
    check(&text, "slow, at pricing work-wait, queue_wait(A), alarm 43m, hops 30/31");
}
