//! What a sequence shows: each step's outcome in a form that two brokers can be compared by.

use world::broker::{Delivery, Sent};

use super::names::Names;

/// What a step showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing that could be seen, or nothing was done: there was no consumer, or nothing to answer.
    Nothing,
    /// A delivery was answered; so many messages were ready in the queue under test after that.
    Answered(usize),
    /// Something was published that nobody confirms; so many messages were ready in the queue under test after that.
    Written(usize),
    /// A consumer's connection has ended.
    Closed,
    /// What the publisher learned.
    Sent(Result<Sent, String>),
    /// What a consumer got; none: nothing came.
    Came(Option<String>),
    /// What was left in a queue at the end, in its order.
    Left(&'static str, Vec<String>),
}

impl Seen {
    /// How many messages it says were ready in the queue under test.
    pub(crate) fn ready(&self) -> Option<usize> {
        match self {
            Self::Answered(ready) | Self::Written(ready) => Some(*ready),
            _ => None,
        }
    }

    /// How many messages it says were left in a queue.
    pub(crate) fn left_in(&self, queue: &str) -> Option<usize> {
        match self {
            Self::Left(name, items) if *name == queue => Some(items.len()),
            _ => None,
        }
    }
}

/// A delivery in a line: all that a broker decides about it.
pub(crate) fn tell(delivery: &Delivery, names: &Names) -> String {
    let message = &delivery.message;
    let short = |name: &str| name.replace(&names.prefix, "");
    let mut line = format!("{} {}/{}", message.message_id, short(&message.exchange), short(&message.routing_key));
    if delivery.redelivered {
        line += " redelivered";
    }
    if let Some(count) = delivery.delivery_count {
        line += &format!(" count {count}");
    }
    if let Some(expiration) = message.expiration {
        line += &format!(" expiration {}", expiration.as_millis());
    }
    for death in &message.deaths {
        let (exchange, keys) = (short(&death.exchange), death.routing_keys.join(","));
        line += &format!(" died {} {} {}x {exchange}/{}", short(&death.queue), death.reason.name(), death.count, short(&keys));
        if let Some(expiration) = death.original_expiration {
            line += &format!(" expiration {}", expiration.as_millis());
        }
    }
    for end in ["first", "last"] {
        let header = |of: &str| message.headers.get(&format!("x-{end}-death-{of}")).map(short);
        if let (Some(queue), Some(reason), Some(exchange)) = (header("queue"), header("reason"), header("exchange")) {
            line += &format!(" {end} {queue} {reason} {exchange}");
        }
    }
    line
}
