//! What became of each message: the ledger's witness, never the detector's.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use world::Boxed;

/// Keeps account of every message that was published.
pub trait MessageLog: Send + Sync {
    /// Messages that are in queues or out unacknowledged now.
    fn depth(&self) -> Boxed<'_, u64>;

    /// The account so far, in the order of publishing.
    fn fates(&self) -> Boxed<'_, Vec<MessageFate>>;
}

/// The fate of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFate {
    /// AMQP `message-id`.
    pub message_id: String,
    /// Names the event over all attempts to deliver it.
    pub event_id: String,
    /// The order.
    pub order_id: String,
    /// Routing key.
    pub routing_key: Cow<'static, str>,
    /// The service that published it.
    pub from: Cow<'static, str>,
    /// When the publish began, nanoseconds since the Unix epoch.
    pub published_ns: u64,
    /// What the publisher learned.
    pub sent: Outcome,
    /// When it was handed to consumers, and to whom.
    pub deliveries: Vec<Handover>,
    /// Where it is.
    pub end: End,
    /// Since when, nanoseconds since the Unix epoch.
    pub end_ns: u64,
}

/// One delivery of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The node that got it. There are few nodes and many messages.
    pub node: Arc<str>,
    /// It had been delivered before.
    pub redelivered: bool,
}

/// What a publisher learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The call failed.
    Failed,
    /// Written, no confirm asked for.
    Written,
    /// Confirmed.
    Confirmed,
    /// Confirmed and returned.
    Returned,
}

/// A consumer's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Acknowledged.
    Ack,
    /// Back to the queue.
    Requeue,
    /// Dropped.
    Reject,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It never reached the broker.
    NotSent,
    /// No queue is bound to its key: dropped.
    Unroutable,
    /// In its queue.
    Ready,
    /// With a consumer.
    Unacked,
    /// Acknowledged.
    Acked,
    /// Rejected without requeue: dropped.
    Rejected,
    /// In a queue of dead letters, where nobody looks by himself.
    Parked,
    /// Its time to live, or its queue's, was over: dropped.
    Expired,
    /// Its queue was too long, and it stood at the head: dropped.
    Overflowed,
    /// Its queue was too long to take it: dropped.
    Refused,
    /// Somebody emptied its queue.
    Purged,
    /// It came back more often than its queue allows: dropped.
    GivenUp,
    /// Its queue gave it up to a dead-letter exchange, and another queue has it: that copy has a fate of its own.
    DeadLettered,
    /// Gone from its queue without an answer.
    Lost,
}
