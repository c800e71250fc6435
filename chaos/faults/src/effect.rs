//! Proof that a fault did something.

use serde::{Deserialize, Serialize};

/// One thing that a fault did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The fault's name, `<kind>@<n>`.
    pub fault: String,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// What it did.
    #[serde(flatten)]
    pub what: What,
    /// The order that was hit, where it hit one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_id: Option<String>,
    /// The hop that was hit, where it hit one: a routing key or a step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hop: Option<String>,
}

/// What a fault did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// A message that was in a queue before is gone after.
    MessageLost {
        /// AMQP `message-id`.
        message_id: String,
        /// The queue it was in.
        queue: String,
    },
    /// A connection to the broker broke, or could not be made.
    ConnectionLost {
        /// The node at its other end.
        node: String,
    },
    /// A publish failed, or was never tried, because the broker or the publisher was away.
    PublishFailed {
        /// AMQP `message-id`; the event's id when no message was made of it.
        message_id: String,
    },
    /// A process died and was started again.
    NodeKilled {
        /// The node.
        node: String,
    },
    /// A process stood still.
    NodePaused {
        /// The node.
        node: String,
    },
    /// A process waited for a processor that it was not given.
    NodeThrottled {
        /// The node.
        node: String,
        /// How long in all, in milliseconds of the run.
        waited_ms: u64,
    },
    /// A message was being handled, or was acknowledged and not yet handled, by a process that died.
    DeliveryCut {
        /// AMQP `message-id`.
        message_id: String,
        /// It was acknowledged already: nobody will deliver it again.
        acknowledged: bool,
    },
    /// A message was meddled with on its way.
    Meddled {
        /// AMQP `message-id`.
        message_id: String,
        /// What was done to it: the name of an [`Interference`](crate::Interference).
        how: String,
    },
    /// A statement failed.
    StatementFailed {
        /// The database.
        database: String,
        /// Whose statement it was.
        node: String,
        /// How it failed.
        sqlstate: String,
    },
    /// A transition was not committed, after its news was sent where that does not wait for the commit.
    RolledBack {
        /// Whose it was.
        node: String,
    },
    /// A statement took longer.
    StatementSlowed {
        /// The database.
        database: String,
        /// Whose statement it was.
        node: String,
    },
    /// A table was larger.
    TableGrown {
        /// The database.
        database: String,
        /// The table.
        table: String,
        /// How many rows more it held.
        rows: u64,
    },
    /// A row was there, and whoever looked for work did not see it.
    RowOverlooked {
        /// The table.
        table: String,
        /// Its primary key.
        key: String,
        /// The order it is about.
        order: String,
    },
    /// A row stands behind its own history: somebody has written it as it had been before.
    UpdateLost {
        /// The table.
        table: String,
        /// Its primary key.
        key: String,
        /// The service whose update is gone.
        of: String,
    },
    /// A call on the object store failed, or an upload is not there.
    ObjectLost {
        /// The object's key.
        key: String,
        /// It was said to be there.
        acknowledged: bool,
    },
    /// A call was refused, held up, or lost its answer.
    CallHit {
        /// Who called.
        from: String,
        /// Who was called.
        to: String,
        /// What happened.
        how: String,
    },
    /// Somebody who had an idle hand was not there, took another order than they would have taken, or did not wait.
    WorkedOtherwise {
        /// `customer`, `seller` or `operator`.
        pool: String,
    },
    /// A price calculation ended without a price.
    CalculationFailed,
    /// A price calculation took as long as the fault says.
    CalculationSlowed {
        /// How long, in seconds of the run.
        seconds: u64,
    },
    /// Spans of a service were not what they should have been, or did not come to whoever reads them.
    SpansBlurred {
        /// The service.
        service: String,
        /// What was done to them: the name of a [`Telemetry`](crate::Telemetry) fault's doing.
        how: String,
        /// How many.
        spans: u64,
    },
}

impl What {
    /// Its name, as in the `what` field of `faults.jsonl`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MessageLost { .. } => "message-lost",
            Self::ConnectionLost { .. } => "connection-lost",
            Self::PublishFailed { .. } => "publish-failed",
            Self::NodeKilled { .. } => "node-killed",
            Self::NodePaused { .. } => "node-paused",
            Self::NodeThrottled { .. } => "node-throttled",
            Self::DeliveryCut { .. } => "delivery-cut",
            Self::Meddled { .. } => "meddled",
            Self::StatementFailed { .. } => "statement-failed",
            Self::RolledBack { .. } => "rolled-back",
            Self::StatementSlowed { .. } => "statement-slowed",
            Self::TableGrown { .. } => "table-grown",
            Self::RowOverlooked { .. } => "row-overlooked",
            Self::UpdateLost { .. } => "update-lost",
            Self::ObjectLost { .. } => "object-lost",
            Self::CallHit { .. } => "call-hit",
            Self::WorkedOtherwise { .. } => "worked-otherwise",
            Self::CalculationFailed => "calculation-failed",
            Self::CalculationSlowed { .. } => "calculation-slowed",
            Self::SpansBlurred { .. } => "spans-blurred",
        }
    }
}
