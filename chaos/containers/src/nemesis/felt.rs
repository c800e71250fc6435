//! What messages felt of a broker that was set up otherwise.

use std::time::Duration;

use faults::{Change, Effect, End, MessageFate, Outcome, Policy, What};

use crate::account::Changed;

/// Clocks and the broker's own looks may make a wait that much shorter in the journals.
const NEARLY: f64 = 0.9;

/// One effect for each message that felt something, by the names that the simulated world gives them.
pub(super) fn of(changes: &[Changed], fates: &[MessageFate]) -> Vec<Effect> {
    changes.iter().flat_map(|changed| fates.iter().filter_map(|fate| felt(changed, fate))).collect()
}

fn felt(changed: &Changed, fate: &MessageFate) -> Option<Effect> {
    if !changed.keys.iter().any(|key| *key == *fate.routing_key) {
        return None;
    }
    let (at_ns, how) = match &changed.what {
        Change::Unbound { .. } => (dropped(changed, fate)?, "unroutable"),
        Change::Policy { policy: Policy::DropHead(_), .. } => (dropped(changed, fate)?, "maxlen"),
        Change::Policy { policy: Policy::MessageTtl(_), .. } => (dropped(changed, fate)?, "expired"),
        Change::Policy { policy: Policy::RejectPublish(_), .. } => {
            // Who waits for a confirm was told no, and has not sent it.
            let told = fate.sent == Outcome::Failed && fate.end == End::NotSent && changed.covers(fate.published_ns);
            (dropped(changed, fate).or(told.then_some(fate.published_ns))?, "refused")
        }
        Change::Policy { policy: Policy::ConsumerTimeout(patience), .. } => (taken_back(changed, fate, *patience)?, "timed-out"),
        Change::Purged { .. } => (dropped(changed, fate)?, "purged"),
        Change::Short(_) => (blocked(changed, fate)?, "blocked"),
        Change::Stranded { .. } => (unburied(changed, fate)?, "dead-letter-dropped"),
        Change::Deaf { .. } => return None,
    };
    let message_id = fate.message_id.clone();
    let what = match &changed.what {
        Change::Purged { queue, .. } => What::MessageLost { message_id, queue: queue.clone() },
        _ => What::Meddled { message_id, how: how.to_owned() },
    };
    let (order_id, hop) = (Some(fate.order_id.clone()), Some(fate.routing_key.to_string()));
    Some(Effect { fault: changed.fault.clone(), at_ns, what, order_id, hop })
}

/// When it was dropped, or became a dead letter that no consumer had refused.
fn dropped(changed: &Changed, fate: &MessageFate) -> Option<u64> {
    let given_up = fate.end == End::DeadLettered && fate.deliveries.is_empty();
    let can = changed.end().is_some_and(|end| fate.end == end || given_up && matches!(end, End::Expired | End::Overflowed));
    (can && changed.covers(fate.end_ns)).then_some(fate.end_ns)
}

/// When its queue gave it up and no other one took it.
fn unburied(changed: &Changed, fate: &MessageFate) -> Option<u64> {
    let given_up = matches!(fate.end, End::Rejected | End::Expired | End::Overflowed);
    (given_up && changed.covers(fate.end_ns)).then_some(fate.end_ns)
}

/// When it was handed out again because its consumer took longer than the broker waits.
fn taken_back(changed: &Changed, fate: &MessageFate, patience: Duration) -> Option<u64> {
    let pairs = fate.deliveries.iter().zip(fate.deliveries.iter().skip(1));
    pairs.into_iter().find_map(|(first, again)| {
        let waited = Duration::from_nanos(again.at_ns.saturating_sub(first.at_ns));
        (again.redelivered && changed.covers(first.at_ns) && waited >= patience.mul_f64(NEARLY)).then_some(again.at_ns)
    })
}

/// When it was sent, and not read before the broker was itself again.
fn blocked(changed: &Changed, fate: &MessageFate) -> Option<u64> {
    let sent = (changed.from_ns..=changed.until_ns.unwrap_or(u64::MAX)).contains(&fate.published_ns);
    let read_before = changed.until_ns.is_some_and(|until_ns| fate.deliveries.iter().any(|handed| handed.at_ns < until_ns));
    (sent && !read_before).then_some(fate.published_ns)
}

#[cfg(test)]
mod tests {
    use faults::Handover;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn changed(what: Change) -> Changed {
        let keys = vec!["order.submitted".to_owned()];
        Changed { fault: "fault@1".into(), keys, what, from_ns: 100 * SECOND, until_ns: Some(200 * SECOND) }
    }

    fn fate(published: u64, end: End, deliveries: &[(u64, bool)]) -> MessageFate {
        let handover = |(at, redelivered): &(u64, bool)| Handover {
            at_ns: at * SECOND,
            node: "mes-api-1.1".into(),
            redelivered: *redelivered,
        };
        MessageFate {
            message_id: "m-1".into(),
            event_id: "e".into(),
            order_id: "o-1".into(),
            routing_key: "order.submitted".into(),
            from: "crm-api".into(),
            published_ns: published * SECOND,
            sent: Outcome::Written,
            deliveries: deliveries.iter().map(handover).collect(),
            end,
            end_ns: published * SECOND,
        }
    }

    fn how(what: Change, fate: &MessageFate) -> Option<String> {
        of(&[changed(what)], std::slice::from_ref(fate)).pop().map(|effect| match effect.what {
            What::Meddled { how, .. } => how,
            other => other.name().to_owned(),
        })
    }

    fn policy(policy: Policy) -> Change {
        Change::Policy { queue: "mes.orders".into(), policy }
    }

    #[test]
    fn only_a_message_that_ended_as_the_change_ends_messages_has_felt_it() {
        let unbound = || Change::Unbound { key: "order.submitted".into() };
        assert_eq!(how(unbound(), &fate(150, End::Unroutable, &[])).as_deref(), Some("unroutable"));
        assert_eq!(how(unbound(), &fate(150, End::Lost, &[])), None);
        assert_eq!(how(unbound(), &fate(210, End::Unroutable, &[])), None);
        assert_eq!(how(policy(Policy::DropHead(3)), &fate(150, End::Overflowed, &[])).as_deref(), Some("maxlen"));
    }

    #[test]
    fn a_refused_message_has_felt_that_dead_letters_go_nowhere_unless_it_waits_among_them() {
        let stranded = || Change::Stranded { exchange: "orders.dead".into() };
        let handed = [(151, false)];
        assert_eq!(how(stranded(), &fate(150, End::Rejected, &handed)).as_deref(), Some("dead-letter-dropped"));
        assert_eq!(how(stranded(), &fate(150, End::DeadLettered, &handed)), None);
        assert_eq!(how(stranded(), &fate(210, End::Rejected, &handed)), None);
    }

    #[test]
    fn what_became_a_dead_letter_has_felt_what_its_queue_dropped_it_for() {
        let full = || policy(Policy::DropHead(3));
        assert_eq!(how(full(), &fate(150, End::DeadLettered, &[])).as_deref(), Some("maxlen"));
        assert_eq!(how(full(), &fate(150, End::DeadLettered, &[(151, false)])), None, "a consumer has refused it");
    }

    #[test]
    fn a_message_is_taken_back_after_the_patience_and_not_before() {
        let patience = || policy(Policy::ConsumerTimeout(Duration::from_secs(10)));
        let handed = |again| fate(150, End::Acked, &[(150, false), (again, true)]);
        assert_eq!(how(patience(), &handed(160)).as_deref(), Some("timed-out"));
        assert_eq!(how(patience(), &handed(158)), None);
    }

    #[test]
    fn what_was_read_while_the_broker_was_short_was_not_blocked() {
        let short = || Change::Short(faults::Resource::Memory);
        assert_eq!(how(short(), &fate(150, End::Acked, &[(201, false)])).as_deref(), Some("blocked"));
        assert_eq!(how(short(), &fate(150, End::Acked, &[(160, false)])), None);
        assert_eq!(how(short(), &fate(99, End::Acked, &[(201, false)])), None);
    }
}
