//! What the proxy tells: effects of faults, and each message that passes.

use std::sync::Arc;

use faults::{Answer, What};
use serde::{Deserialize, Serialize};

/// Some of what it has to tell, in order: `GET /log?after=N`, `GET /effects?after=N`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What came after what was asked for, as much as goes on a page.
    pub items: Vec<T>,
    /// What to ask for next.
    pub next: u64,
    /// How many that came after what was asked for are gone: nobody had read them in time.
    pub dropped: u64,
    /// How many messages it could not follow, since it started: no line tells of their end.
    pub forgotten: u64,
}

/// How a message is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// AMQP `message-id`.
    pub message_id: Box<str>,
    /// Names the event over all attempts to publish it: the event header, or the message id.
    pub event_id: Box<str>,
    /// AMQP `correlation-id`: the order.
    pub order_id: Box<str>,
    /// Where it was published.
    pub exchange: Box<str>,
    /// Routing key.
    pub routing_key: Box<str>,
}

/// Something that a fault did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The fault's name.
    pub fault: Arc<str>,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// What was done: [`How::name`](super::How::name).
    pub how: Box<str>,
    /// The listener.
    pub listener: Arc<str>,
    /// The client: its connection's name, or its IP address.
    pub client: Arc<str>,
    /// Which connection of the proxy's.
    pub connection: u64,
    /// The message that was hit, where it hit one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<Names>>,
}

impl Effect {
    /// The same as `faults.jsonl` says it.
    #[must_use]
    pub fn told(&self) -> faults::Effect {
        let how = self.how.to_string();
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let what = match &self.message {
            Some(message) => What::Meddled { message_id: message.message_id.to_string(), how },
            None => match &*how {
                "connection-closed" | "channel-closed" | "half-open" => What::ConnectionLost { node: self.client.to_string() },
                _ => What::CallHit { from: self.client.to_string(), to: self.listener.to_string(), how },
            },
        };
        faults::Effect {
            fault: self.fault.to_string(),
            at_ns: self.at_ns,
            what,
            order_id: self.message.as_ref().and_then(|message| text(&message.order_id)),
            hop: self.message.as_ref().and_then(|message| text(&message.routing_key)),
        }
    }
}

/// Something that a message went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The listener.
    pub listener: Arc<str>,
    /// The client.
    pub client: Arc<str>,
    /// Which connection of the proxy's.
    pub connection: u64,
    /// Which channel of it.
    pub channel: u16,
    /// What it went through.
    #[serde(flatten)]
    pub entry: Entry,
    /// The message, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Arc<Names>>,
}

/// What a message went through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// Its publisher has sent it. Whether it was passed on say the effects.
    Published,
    /// The broker's word came through.
    Confirmed {
        /// It has taken it; else it refused.
        ack: bool,
    },
    /// The broker has sent it back: no queue for it.
    Returned,
    /// It was sent to a consumer.
    Delivered {
        /// The queue, where the consumer said its name.
        queue: Arc<str>,
        /// It was out before.
        redelivered: bool,
    },
    /// The consumer's answer came through.
    Settled {
        /// The answer.
        how: Answer,
    },
    /// A fault has hit it, and could not be inflicted.
    Spared {
        /// The fault.
        fault: Arc<str>,
        /// Why.
        why: Box<str>,
    },
    /// The proxy has closed a connection that broke the protocol.
    Violated {
        /// How.
        why: Box<str>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_survives_its_way_through_json() {
        let message = Names { message_id: "m-1".into(), event_id: "e-1".into(), ..Names::default() };
        let (listener, client) = ("rabbitmq".into(), "mes-api-1.1".into());
        let entry = Entry::Settled { how: Answer::Requeue };
        let line = Line { at_ns: 7, listener, client, connection: 1, channel: 2, entry, message: Some(Arc::new(message)) };
        let text = serde_json::to_string(&line).unwrap();
        assert!(text.contains(r#""entry":"settled","how":"requeue""#), "{text}");
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }

    #[test]
    fn an_effect_is_told_as_the_simulated_world_tells_it() {
        let message = Names { message_id: "m-1".into(), order_id: "o-1".into(), routing_key: "k".into(), ..Names::default() };
        let (listener, client) = ("rabbitmq".into(), "mes-api-1.1".into());
        let message = Some(Arc::new(message));
        let how = super::super::How::LoseAck.name().into();
        let effect = Effect { fault: "ack-lost@1".into(), at_ns: 7, how, listener, client, connection: 1, message };
        let told = effect.told();
        let how = faults::Interference::LoseAck.name().to_owned();
        assert_eq!(told.what, What::Meddled { message_id: "m-1".into(), how });
        assert_eq!((told.order_id.as_deref(), told.hop.as_deref()), (Some("o-1"), Some("k")));
    }
}
