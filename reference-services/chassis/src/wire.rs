//! The wires between the services, by routing key: the names that spans on them carry, made once.

use contracts::{Status, message};

/// One routing key with the queue it leads to, and every name made of the two.
#[derive(Debug, PartialEq, Eq)]
pub struct Wire {
    /// The routing key.
    pub key: &'static str,
    /// The queue.
    pub queue: &'static str,
    /// Destination of a send: `{exchange}:{key}`.
    pub sent_to: &'static str,
    /// Destination of receive, process and settle: `{exchange}:{key}:{queue}`.
    pub came_by: &'static str,
    /// Span name of a send.
    pub publish: &'static str,
    /// Span name of the marker of a receive.
    pub receive: &'static str,
    /// Span name of the handling.
    pub process: &'static str,
    /// Span name of an acknowledgement.
    pub ack: &'static str,
    /// Span name of a requeue.
    pub nack: &'static str,
    /// Span name of a refusal.
    pub reject: &'static str,
}

macro_rules! wire {
    ($key:literal, $queue:literal) => {
        Wire {
            key: $key,
            queue: $queue,
            sent_to: concat!("orders:", $key),
            came_by: concat!("orders:", $key, ":", $queue),
            publish: concat!("publish orders:", $key),
            receive: concat!("receive orders:", $key, ":", $queue),
            process: concat!("process orders:", $key, ":", $queue),
            ack: concat!("ack orders:", $key, ":", $queue),
            nack: concat!("nack orders:", $key, ":", $queue),
            reject: concat!("reject orders:", $key, ":", $queue),
        }
    };
}

static WIRES: [Wire; 7] = [
    wire!("order.submitted", "mes.orders"),
    wire!("order.price_calculated", "crm.orders"),
    wire!("order.manufacturing_approved", "mes.orders"),
    wire!("order.manufacturing_started", "crm.orders"),
    wire!("order.manufacturing_completed", "crm.orders"),
    wire!("order.packaging", "crm.orders"),
    wire!("order.shipped", "crm.orders"),
];

/// A message that somebody else put into a queue of ours. Span names must stay few, so they do not say its key.
static STRANGE: Wire = wire!("other", "other");

impl Wire {
    /// The wire that announces a state; `None` for a state the other side need not know of.
    #[must_use]
    pub fn announcing(status: Status) -> Option<&'static Self> {
        message::routing_key(status).map(Self::of)
    }

    /// The wire of a routing key.
    #[must_use]
    pub fn of(key: &str) -> &'static Self {
        WIRES.iter().find(|wire| wire.key == key).unwrap_or(&STRANGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_binding_has_its_wire_and_each_wire_is_named_as_the_contract_says() {
        assert_eq!(WIRES.len(), message::TOPOLOGY.bindings.len());
        for (exchange, key, queue) in message::TOPOLOGY.bindings {
            let wire = Wire::of(key);
            assert_eq!(wire.key, *key);
            assert_eq!(wire.sent_to, message::destination(key));
            assert_eq!(wire.came_by, format!("{exchange}:{key}:{queue}"));
            assert_eq!(wire.process, format!("process {exchange}:{key}:{queue}"));
        }
    }

    #[test]
    fn a_key_nobody_announces_gets_a_name_of_its_own() {
        assert_eq!(Wire::of("order.frobnicated"), &STRANGE);
    }
}
