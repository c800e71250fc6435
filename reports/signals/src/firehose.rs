//! The broker's own message log: what RabbitMQ's firehose puts on `amq.rabbitmq.trace`, message by message.
//!
//! It shows what came to an exchange and what went out to a consumer; it shows no acknowledgement. It is off after each start of
//! the broker, and whoever listens hears nothing while the broker is away: a [`Silence`] says so. Only outside of one is what
//! was not heard known not to have been.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::lines;

/// How long a message may be on its way to the broker, and its record to whoever listens, nanoseconds.
pub const ON_THE_WAY_NS: u64 = 1_000_000_000;

/// A message that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// Where.
    #[serde(flatten)]
    pub at: At,
    /// Routing key.
    pub routing_key: Arc<str>,
    /// AMQP `message-id`.
    pub message_id: Arc<str>,
    /// AMQP `correlation-id`: the order.
    pub correlation_id: Arc<str>,
    /// Headers that are texts.
    pub headers: Vec<(Cow<'static, str>, String)>,
}

/// Where a message passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// It came to an exchange: `publish.<exchange>`.
    Publish {
        /// The exchange.
        exchange: Arc<str>,
        /// The queues that it was routed to; none when no queue was bound for it.
        queues: Vec<Arc<str>>,
    },
    /// It went out to a consumer: `deliver.<queue>`.
    Deliver {
        /// The queue.
        queue: Arc<str>,
        /// It had been out before.
        redelivered: bool,
    },
}

/// A time in which nobody listened: messages may have passed unheard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// From when, nanoseconds since the Unix epoch.
    pub from_ns: u64,
    /// Until when.
    pub until_ns: u64,
}

/// The header of W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";

impl Passage {
    /// The routing key of the record itself, as RabbitMQ writes it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.at {
            At::Publish { exchange, .. } => format!("publish.{exchange}"),
            At::Deliver { queue, .. } => format!("deliver.{queue}"),
        }
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it carries a trace context that a receiver can take up.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.header(TRACEPARENT).is_some_and(is_traceparent)
    }
}

/// Whether a text is a `traceparent` of W3C Trace Context, version 00: ids in lower-case hexadecimal, neither of them all zeros.
#[must_use]
pub fn is_traceparent(text: &str) -> bool {
    let hex =
        |part: &str, digits: usize| part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let id = |part: &str, digits: usize| hex(part, digits) && part.bytes().any(|byte| byte != b'0');
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts[..], ["00", trace, span, flags] if id(trace, 32) && id(span, 16) && hex(flags, 2))
}

/// How many messages carried a trace context, as counted where they came to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// By routing key: messages, and those of them with a valid `traceparent`.
    pub by_key: BTreeMap<Arc<str>, (u64, u64)>,
}

impl Contexts {
    /// Counts a message; a delivery is none.
    pub fn count(&mut self, passage: &Passage) {
        if let At::Publish { .. } = passage.at {
            let (messages, valid) = match self.by_key.get_mut(&passage.routing_key) {
                Some(counts) => counts,
                None => self.by_key.entry(Arc::clone(&passage.routing_key)).or_default(),
            };
            *messages += 1;
            *valid += u64::from(passage.has_context());
        }
    }

    /// All messages, and those with a valid `traceparent`.
    #[must_use]
    pub fn sum(&self) -> (u64, u64) {
        self.by_key.values().fold((0, 0), |(messages, valid), counts| (messages + counts.0, valid + counts.1))
    }
}

/// Writes passages as JSON, one on a line.
///
/// # Errors
/// When the output takes no more.
pub fn write(passages: &[Passage], out: &mut dyn std::io::Write) -> std::io::Result<()> {
    lines::write(passages, out)
}

/// Reads what [`write`] has written.
///
/// # Errors
/// The first line that is no passage, by its number.
pub fn read(input: impl std::io::BufRead) -> Result<Vec<Passage>, lines::LineError> {
    lines::read(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn passage(at: At, context: Option<&str>) -> Passage {
        let context = context.map(|value| (TRACEPARENT.into(), value.to_owned()));
        Passage {
            at_ns: 5,
            at,
            routing_key: "order.submitted".into(),
            message_id: "m-1".into(),
            correlation_id: "o-1".into(),
            headers: [("x-event-id".into(), "e-1".to_owned())].into_iter().chain(context).collect(),
        }
    }

    fn publish(context: Option<&str>) -> Passage {
        passage(At::Publish { exchange: "orders".into(), queues: vec!["mes.orders".into()] }, context)
    }

    fn deliver() -> Passage {
        passage(At::Deliver { queue: "mes.orders".into(), redelivered: true }, None)
    }

    #[test]
    fn a_context_is_valid_or_it_is_none() {
        assert!(is_traceparent(VALID));
        for broken in [
            "",
            "00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        ] {
            assert!(!is_traceparent(broken), "{broken}");
        }
    }

    #[test]
    fn messages_are_counted_where_they_come_in() {
        let mut contexts = Contexts::default();
        for passage in [publish(Some(VALID)), publish(None), publish(Some("00-1-2-3")), deliver()] {
            contexts.count(&passage);
        }
        assert_eq!(contexts.by_key, BTreeMap::from([("order.submitted".into(), (3, 1))]));
        assert_eq!(contexts.sum(), (3, 1));
    }

    #[test]
    fn records_are_named_as_rabbitmq_names_them_and_come_back_from_their_file() {
        let all = [publish(Some(VALID)), deliver()];
        assert_eq!(all.each_ref().map(Passage::name), ["publish.orders", "deliver.mes.orders"]);
        let mut file = Vec::new();
        write(&all, &mut file).unwrap();
        assert_eq!(read(&*file).unwrap(), all);
    }
}
