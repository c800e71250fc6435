//! What a process did to messages, told outside of itself while it does it: JSON lines on stdout.
//!
//! This is the ledger's witness in the containers world. It is written before telemetry is, never through it, and no
//! service can read it. Whoever collects the lines knows which process they came from.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use faults::{Answer, Effect, Outcome};
use serde::{Deserialize, Serialize};
use world::Runtime;

/// One line. Times are nanoseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The process, as `<service>-<instance>.<incarnation>`.
    pub node: String,
    /// When the line was written.
    pub at_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// A publish begins.
    Publish {
        /// AMQP `message-id`.
        message_id: String,
        /// Names the event over all attempts.
        event_id: String,
        /// The order.
        order_id: String,
        /// Routing key.
        routing_key: String,
    },
    /// A publish has come to its end. Missing when the process died or gave up waiting first.
    Published {
        /// AMQP `message-id`.
        message_id: String,
        /// What the publisher learned.
        outcome: Outcome,
    },
    /// A consumer took a message in.
    Delivered {
        /// AMQP `message-id`.
        message_id: String,
        /// The queue.
        queue: String,
        /// It was out before.
        redelivered: bool,
    },
    /// A consumer gave its answer to the latest delivery of a message that it got.
    Settled {
        /// AMQP `message-id`.
        message_id: String,
        /// The answer.
        how: Answer,
    },
    /// The connection ended while a consumer's answer to the latest delivery was under way: the broker has it or has not.
    AnswerCut {
        /// AMQP `message-id`.
        message_id: String,
        /// The answer.
        how: Answer,
    },
    /// A connection to the broker ended without being asked to.
    ConnectionLost {
        /// Low-cardinality cause, as [`BrokerError::error_type`](world::broker::BrokerError::error_type).
        cause: String,
    },
    /// A span of an order began. Until told otherwise, the process has something to say of the order that is not exported.
    Untold {
        /// The order.
        order: String,
    },
    /// A transaction about an order is about to be committed.
    Committing {
        /// The order.
        order: String,
    },
    /// The database has answered to that, and what is to be said of it is being said. Missing when the process died in between, or its
    /// connection did: then something may have been done of which nobody ever hears.
    Committed {
        /// The order.
        order: String,
    },
    /// Something fails because a fault wants it: told before it happens.
    Failed {
        /// What happens, and of which fault.
        effect: Effect,
    },
    /// What became of the spans so far.
    Spans {
        /// How many have ended since the process started.
        ended: u64,
        /// The orders of which everything is exported.
        told: Vec<String>,
    },
}

/// Writes the lines of one process. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    rt: Runtime,
    out: Option<Arc<Mutex<dyn Write + Send>>>,
}

impl Journal {
    /// A journal on `out`, a line at a time.
    pub fn new(rt: Runtime, mut out: impl Write + Send + 'static) -> Self {
        // An earlier start of this process may have been killed within a line.
        drop(out.write_all(b"\n"));
        Self { rt, out: Some(Arc::new(Mutex::new(out))) }
    }

    /// A journal that nobody keeps: for processes that are no part of the reference system.
    #[must_use]
    pub fn none(rt: Runtime) -> Self {
        Self { rt, out: None }
    }

    /// Writes a line. A journal that cannot be written must not stop the service: who reads it notices what is missing.
    pub fn write(&self, entry: Entry) {
        let Some(out) = &self.out else { return };
        let line = Line { node: self.rt.node().to_string(), at_ns: self.rt.wall_ns(), entry };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            drop(out.write_all(&text).and_then(|()| out.flush()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_survives_its_way_through_json() {
        let entry = Entry::Settled { message_id: "m-1".into(), how: Answer::Requeue };
        let line = Line { node: "mes-api-1.1".into(), at_ns: 7, entry };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(text, r#"{"node":"mes-api-1.1","at_ns":7,"entry":"settled","message_id":"m-1","how":"requeue"}"#);
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }
}
