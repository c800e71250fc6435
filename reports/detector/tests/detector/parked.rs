//! A message that a queue has given up: lost, or among the dead letters. Spans cannot tell; the broker's counts can.

use detector::Detector;
use signals::{Counters, QueueCounters, Scrape};

use crate::trace::{CALM, END, T0, duration, finish, keeping, line, of, spans, until};

/// The factory refuses an order for good.
fn refused() -> String {
    let sent = until(CALM, "receives order.submitted");
    let refusal = "13m2s mes-api receives order.submitted m1
        13m3s mes-api processes order.submitted m1 error
        13m3s mes-api settles order.submitted m1 reject";
    format!("{sent}\n{refusal}")
}

/// What is said of the order when the factory's dead letters are so many at these times.
fn said(text: &str, dead_letters: &[(&str, u64)]) -> String {
    let mut detector = Detector::new(keeping());
    spans(&format!("{}\n{text}", of("o-calm", CALM))).iter().for_each(|span| detector.observe(span));
    for (at, ready) in dead_letters {
        let at_ns = T0 + duration(at);
        let queues = vec![QueueCounters { queue: "mes.orders.dead".into(), ready: *ready, ..QueueCounters::default() }];
        let broker = Some(Counters { since_ns: T0, unroutable_dropped: 0, unroutable_returned: 0, queues });
        detector.observe_counters(Scrape { at_ns, until_ns: at_ns, broker });
    }
    line(&finish(detector, END)[0]).split(", alarm").next().unwrap().to_owned()
}

const AT: &str = "at order.submitted process";

#[test]
fn a_dead_letter_more_after_the_refusal_is_the_refused_one() {
    assert_eq!(said(&refused(), &[("12m", 3), ("14m", 4)]), format!("parked, {AT}, dead_lettered(C)"));
}

#[test]
fn where_no_dead_letter_came_the_refused_message_is_lost() {
    assert_eq!(said(&refused(), &[("12m", 3), ("14m", 3)]), format!("lost, {AT}, rejected(B)"));
}

#[test]
fn without_the_brokers_word_it_may_be_either() {
    let open = format!("unknown, {AT}, lost_or_parked(A), hops 4/5");
    assert_eq!(said(&refused(), &[]), open);
    assert_eq!(said(&refused(), &[("12m", 3)]), open, "nobody looked afterwards");
    assert_eq!(said(&refused(), &[("12m", 3), ("14m", 5)]), open, "two came, and one was refused");
}

#[test]
fn a_look_that_is_stale_says_nothing_of_what_was_just_refused() {
    let next = refused().replace("13m2s", "13m4s").replace("13m3s", "13m5s");
    let both = format!("{}\n{}", refused(), of("o-next", &next));
    let parked = format!("parked, {AT}, dead_lettered(C)");
    // At 13m7s the second one is not counted yet.
    assert_eq!(said(&both, &[("12m", 3), ("13m4s", 3), ("13m7s", 4), ("14m", 5)]), parked);
    assert_eq!(
        said(&both, &[("12m", 3), ("13m4s", 3), ("13m7s", 4), ("14m", 4)]),
        format!("unknown, {AT}, lost_or_parked(A), hops 4/5")
    );
}

#[test]
fn a_message_that_nobody_received_is_parked_where_the_last_look_finds_it() {
    let vanished = until(CALM, "receives order.submitted");
    assert!(said(&vanished, &[("30d", 1)]).starts_with("parked, at order.submitted transit, dead_lettered(C)"));
    assert!(said(&vanished, &[("30d", 0)]).starts_with("lost, at order.submitted transit"));
    assert!(said(&vanished, &[("30d", 2)]).starts_with("unknown, at order.submitted transit, lost_or_parked"));
}
