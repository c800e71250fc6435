//! When messages were in each queue, by the ledger.

use std::collections::BTreeMap;

use contracts::message::{self, TOPOLOGY};
use faults::End;
use scenarios::ledger::{Ledger, Message};

/// By queue: from when to when a message was there, waiting or out unacknowledged, nanoseconds since the Unix epoch.
#[must_use]
pub fn stays(ledger: &Ledger) -> BTreeMap<String, Vec<(u64, u64)>> {
    // A queue that no message came to is shown too: as empty.
    let mut queues: BTreeMap<String, Vec<(u64, u64)>> =
        TOPOLOGY.queues.iter().map(|queue| (queue.name.to_owned(), Vec::new())).collect();
    for message in ledger.orders.iter().flat_map(|account| &account.messages) {
        if let (Some(queue), Some(stay)) = (queue_of(message), stay(message, ledger.end_ns)) {
            queues.entry(queue.to_owned()).or_default().push(stay);
        }
    }
    queues
}

fn queue_of(message: &Message) -> Option<&'static str> {
    let key = message::routing_key(message.announces)?;
    TOPOLOGY.bindings.iter().find(|(_, bound, _)| *bound == key).map(|(_, _, queue)| *queue)
}

/// `None` for a message that never came to its queue.
fn stay(message: &Message, end_ns: u64) -> Option<(u64, u64)> {
    let gone_ns = match message.end {
        End::NotSent | End::Unroutable | End::Refused => return None,
        End::Ready | End::Unacked => end_ns,
        End::Parked
        | End::Acked
        | End::Rejected
        | End::Lost
        | End::Purged
        | End::Expired
        | End::Overflowed
        | End::GivenUp
        | End::DeadLettered => message.end_ns,
    };
    Some((message.published_ns, gone_ns.max(message.published_ns)))
}

#[cfg(test)]
mod tests {
    use contracts::Status;
    use faults::Outcome;

    use super::*;

    fn message(end: End, end_ns: u64) -> Message {
        Message {
            message_id: "m-1".into(),
            event_id: "e-1".into(),
            announces: Status::Submitted,
            published_ns: 10,
            sent: Outcome::Written,
            deliveries: Vec::new(),
            end,
            end_ns,
        }
    }

    #[test]
    fn a_message_is_in_its_queue_until_it_is_acknowledged_or_gone() {
        assert_eq!(queue_of(&message(End::Acked, 20)), Some("mes.orders"));
        assert_eq!(stay(&message(End::Acked, 20), 99), Some((10, 20)));
        assert_eq!(stay(&message(End::Lost, 15), 99), Some((10, 15)));
        assert_eq!(stay(&message(End::Ready, 10), 99), Some((10, 99)), "it is still there");
        assert_eq!(stay(&message(End::NotSent, 10), 99), None);
    }
}
