//! Why an order is not well, as far as the evidence carries: a word for each.
//!
//! A cause of tier A needs spans alone. One of tier B needs what only messaging attributes say, one of tier C the broker's
//! counters, one of tier D its firehose. A verdict may rest on a higher tier than its cause needs, never on a lower one.

use crate::finding::Tier;

/// A cause: what a finding may say, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The word in a finding.
    pub name: &'static str,
    /// The kind of evidence it needs.
    pub tier: Tier,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! causes {
    ($($constant:ident = $name:literal, $tier:ident, $meaning:literal;)+) => {
        $(pub(crate) const $constant: Cause = Cause { name: $name, tier: Tier::$tier, meaning: $meaning };)+
        /// All of them, in the order of the hops.
        pub const CAUSES: &[Cause] = &[$($constant),+];
    };
}

causes! {
    NOT_PUBLISHED = "not_published", A, "lost: the state was recorded, and no span shows that its news was sent";
    PUBLISH_FAILED = "publish_failed", A, "lost: sending the news failed, and no later attempt went well";
    BROKER_AWAY = "broker_away", C, "lost: sending the news failed while the broker was away";
    PUBLISH_LATE = "publish_late", A, "slow: the time went by between the record of the state and the sending of its news";
    VANISHED = "vanished", A, "lost: the message was sent and never received; no attribute says what the broker answered";
    UNCONFIRMED_VANISHED = "unconfirmed_vanished", B, "lost: sent without the broker's word for it, and never received";
    CONFIRMED_VANISHED = "confirmed_vanished", B, "lost: the broker took responsibility, and nobody received it";
    UNROUTABLE = "unroutable", B, "lost: no queue was bound to its key";
    GONE_WITH_BROKER = "gone_with_broker", C, "lost: the broker went down after it was sent and before anybody received it, and its queue was never seen empty in between";
    NEVER_QUEUED = "never_queued", C, "lost: its queue has counted no message since before it was sent";
    NEVER_REACHED_BROKER = "never_reached_broker", D, "lost: the broker has seen nothing of it";
    LOST_FROM_QUEUE = "lost_from_queue", D, "lost: it was in its queue when the broker went down, and did not come back";
    LOST_UNACKED = "lost_unacked", D, "lost: it was out with a consumer when the broker went down, and did not come back";
    NEVER_DELIVERED = "never_delivered", D, "lost: it came to its queue, and the broker has not handed it to anybody";
    DELIVERED_UNRECEIVED = "delivered_unreceived", D, "lost: the broker handed it out, and no span shows that anybody received it";
    QUEUE_WAIT = "queue_wait", A, "slow: the message or the job waited until somebody was free";
    CONNECTION_WAIT = "connection_wait", A, "slow: the time went by waiting for a connection to the database";
    LOCK_WAIT = "lock_wait", A, "slow: the time went by waiting for a row that somebody else had locked";
    DATABASE = "database", A, "slow: the database took the time";
    NETWORK = "network", A, "slow: the call to another service lasted longer than its handling: the way there, or the wait until it was taken";
    REDELIVERED = "redelivered", B, "slow or duplicated: the message was delivered more than once";
    ACKED_UNPROCESSED = "acked_unprocessed", B, "lost: the message was acknowledged, and what it asked for never recorded";
    REJECTED = "rejected", B, "lost or diverged: the consumer refused the message for good";
    DEAD_LETTERED = "dead_lettered", C, "parked: the broker has counted it among the dead letters";
    LOST_OR_PARKED = "lost_or_parked", A, "unknown: the message may be gone, or among the dead letters, whose count nobody saw";
    PROCESS_FAILED = "process_failed", A, "lost or diverged: processing the message failed";
    UNPROCESSED = "unprocessed", A, "lost: the message was received, and what it asked for never recorded";
    PROCESSING = "processing", A, "slow: the time went by between receiving a message and recording what it asked for";
    PHANTOM = "phantom", A, "lost or stuck: the news of the state was sent, and then the commit of it failed";
    LOST_UPDATE = "lost_update", A, "lost, stuck or diverged: the row of a recorded state was written once more with an earlier one";
    NEVER_STARTED = "never_started", A, "lost: the work was accepted, and no span shows that it began";
    WORK_NEVER_ENDED = "work_never_ended", A, "lost: the work began and never ended";
    WORK = "work", A, "slow: the work itself took the time";
    NOT_ENTERED = "not_entered", A, "lost: nothing is missing before, and the service did not go on";
    WAITING_FOR_PERSON = "waiting_for_person", A, "stuck or slow: nothing is missing but a person's step";
    CUSTOMER_UNAWARE = "customer_unaware", A, "stuck or slow: news was sent to the customer, who has not seen it and is waited for";
    OVERTAKEN = "overtaken", A, "starved: people took others first that could be taken later";
    PUBLISHED_TWICE = "published_twice", B, "duplicated: the news was sent more than once, and handled each time";
    REPEATED = "repeated", A, "duplicated: the state was recorded more than once";
    SILENT = "silent", A, "unknown: whoever would show the next step shows it for no order of the run";
    TELEMETRY_GAP = "telemetry_gap", A, "unknown: a step, or its repetition, may lie in a known gap of the telemetry";
    CLOCKS_DISAGREE = "clocks_disagree", A, "unknown: the clocks of two services disagree, and by as much it is open whether a deadline was kept";
    BLURRED = "blurred", A, "unknown: missing spans leave open whether a deadline was kept";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_stands_for_one_cause() {
        for (index, cause) in CAUSES.iter().enumerate() {
            assert!(CAUSES[..index].iter().all(|other| other.name != cause.name), "{}", cause.name);
        }
    }
}
