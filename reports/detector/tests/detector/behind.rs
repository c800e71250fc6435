//! Behind which order another one waited.

use crate::trace::{CALM, END, duration, findings, later, of, with};

/// The order that `o-late` waited behind, and for how long, when its message waits for forty minutes.
fn behind(others: &str) -> Option<(String, u64)> {
    let late = of("o-late", &later(CALM, "receives order.submitted", "40m"));
    let findings = findings(&format!("{others}{late}"), END);
    let finding = findings.iter().find(|finding| &*finding.order_id == "o-late").unwrap();
    assert_eq!(finding.cause, Some("queue_wait"), "{finding:#?}");
    finding.behind.as_ref().map(|behind| (behind.order_id.to_string(), behind.for_ns))
}

/// An order whose message is handled for so long.
fn handled(order: &str, since: &str, lasts: &str) -> String {
    of(order, &with(&later(CALM, "enters INITIATED", since), "processes order.submitted", &format!("for={lasts}")))
}

#[test]
fn the_order_whose_message_was_handled_longest_meanwhile_is_named() {
    let others = [handled("o-short", "0s", "5m"), handled("o-long", "10m", "25m"), handled("o-after", "55m", "50m")].concat();
    assert_eq!(behind(&others), Some(("o-long".to_owned(), duration("25m"))));
}

#[test]
fn where_nobody_was_busy_nobody_is_blamed() {
    assert_eq!(behind(""), None);
    assert_eq!(behind(&handled("o-after", "3h", "50m")), None);
}

#[test]
fn only_what_lies_within_the_wait_counts() {
    // The message was sent a second after 13 minutes; the other one was begun to be handled two seconds after them.
    assert_eq!(behind(&handled("o-long", "0s", "2d")), Some(("o-long".to_owned(), duration("39m59s"))));
}
