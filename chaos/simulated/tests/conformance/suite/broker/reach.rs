//! What sequences reach: how often each transition of the model was taken, for each kind of queue.

use std::{collections::BTreeMap, fmt};

use faults::{End, MessageFate, Outcome};
use world::broker::{QueueKind, Sent, Settle};

use super::{
    seen::Seen,
    sequence::{Dead, Sequence, Step, To},
};

/// Each transition has to be taken so often.
const LEAST: u64 = 50;

/// What a queue of either kind does.
const BOTH: [&str; 22] = [
    "confirmed",
    "written",
    "refused",
    "delivered",
    "redelivered",
    "acked",
    "requeued",
    "rejected and dropped",
    "rejected and dead-lettered",
    "expired and dropped",
    "expired and dead-lettered",
    "overflowed and dropped",
    "overflowed and dead-lettered",
    "came back over a dead-letter queue",
    "channel lost",
    "died twice",
    "returned",
    "unroutable and confirmed",
    "routed by the alternate exchange",
    "in two queues",
    "single active consumer",
    "priority",
];
/// What only a classic queue does.
const CLASSIC: [&str; 1] = ["refused and dead-lettered"];
/// What only a quorum queue does.
const QUORUM: [&str; 3] = ["given up and dropped", "given up and dead-lettered", "requeued to the tail"];

/// The counts.
#[derive(Default)]
pub(crate) struct Reach {
    taken: BTreeMap<(&'static str, &'static str), u64>,
    lengths: Vec<usize>,
}

fn kind(sequence: &Sequence) -> &'static str {
    match sequence.profile.kind {
        QueueKind::Classic => "classic",
        QueueKind::Quorum => "quorum",
    }
}

impl Reach {
    /// Counts what a sequence reached.
    pub(crate) fn add(&mut self, sequence: &Sequence, seen: &[Seen], fates: &[MessageFate]) {
        self.lengths.push(sequence.steps.len());
        let kind = kind(sequence);
        let mut count = |what: &'static str, times: usize| {
            if times > 0 {
                *self.taken.entry((kind, what)).or_default() += times as u64;
            }
        };
        for (step, seen) in sequence.steps.iter().zip(seen) {
            match (step, seen) {
                (Step::Publish { to: To::Nowhere, .. }, Seen::Sent(Ok(Sent::Returned))) => count("returned", 1),
                (Step::Publish { to: To::Nowhere, .. }, Seen::Sent(Ok(Sent::Confirmed))) if sequence.profile.strays => {
                    count("routed by the alternate exchange", 1);
                }
                (Step::Publish { to: To::Nowhere, .. }, Seen::Sent(Ok(Sent::Confirmed))) => count("unroutable and confirmed", 1),
                (Step::Publish { to: To::Both, .. }, _) => count("in two queues", 1),
                (Step::Publish { priority: Some(_), .. }, _) => count("priority", 1),
                (_, Seen::Closed) => count("channel lost", 1),
                (Step::Settle { how: Settle::Requeue, .. }, Seen::Answered(_)) => {
                    count("requeued", 1);
                    count("requeued to the tail", usize::from(sequence.profile.arguments.delivery_limit == Some(-1)));
                }
                _ => {}
            }
        }
        let came = |seen: &Seen| match seen {
            Seen::Came(Some(line)) => vec![line.clone()],
            Seen::Left(_, lines) => lines.clone(),
            _ => Vec::new(),
        };
        for line in seen.iter().flat_map(came) {
            count("delivered", 1);
            count("redelivered", usize::from(line.contains(" redelivered")));
            count("single active consumer", usize::from(sequence.profile.arguments.single_active_consumer));
            count("died twice", usize::from(line.contains(" 2x ")));
            let back = sequence.profile.dead == Dead::Retried && line.contains(" died dead expired");
            count("came back over a dead-letter queue", usize::from(back));
            let maxlen = line.contains(" maxlen ");
            count("overflowed and dead-lettered", usize::from(maxlen));
            count("given up and dead-lettered", usize::from(line.contains(" delivery_limit ")));
            count("expired and dead-lettered", usize::from(line.contains(" died work expired")));
            count("rejected and dead-lettered", usize::from(line.contains(" died work rejected")));
        }
        for fate in fates {
            let refused = fate.end == End::Refused;
            match fate.end {
                End::Acked => count("acked", 1),
                End::Rejected => count("rejected and dropped", 1),
                End::Expired => count("expired and dropped", 1),
                End::Overflowed => count("overflowed and dropped", 1),
                End::GivenUp => count("given up and dropped", 1),
                End::DeadLettered if fate.sent == Outcome::Failed => count("refused and dead-lettered", 1),
                _ => {}
            }
            match fate.sent {
                Outcome::Confirmed => count("confirmed", 1),
                Outcome::Written => count("written", 1),
                Outcome::Failed if refused => count("refused", 1),
                _ => {}
            }
        }
    }

    /// Whether it was enough.
    pub(crate) fn check(&self) {
        let mut rare = Vec::new();
        for (kind, own) in [("classic", &CLASSIC[..]), ("quorum", &QUORUM[..])] {
            for what in BOTH.iter().chain(own) {
                let taken = self.taken.get(&(kind, *what)).copied().unwrap_or_default();
                if taken < LEAST {
                    rare.push(format!("{kind}: {what} {taken} times"));
                }
            }
        }
        assert!(rare.is_empty(), "taken fewer than {LEAST} times: {rare:?}");
        assert!(self.median() >= 20, "median {} steps", self.median());
    }

    fn median(&self) -> usize {
        let mut lengths = self.lengths.clone();
        lengths.sort_unstable();
        lengths.get(lengths.len() / 2).copied().unwrap_or_default()
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sequences, median {} steps", self.lengths.len(), self.median())?;
        for ((kind, what), taken) in &self.taken {
            write!(f, "\n  {kind:<8} {what:<36} {taken:>7}")?;
        }
        Ok(())
    }
}
