//! `parked`: what is missing waits among the dead letters. Spans cannot tell that from a loss; the broker's counts can.

use crate::{
    broker::Kept,
    cause,
    finding::Verdict,
    journey::{Evidence, Journey},
    record::{What, flag},
    verdict::{Testimony, Word},
    way::{Kind, StepId},
};

/// A lost message that may have become a dead letter is parked when it has, and unknown when nobody can tell. Any other word stays.
pub(super) fn or(word: Word, journey: &Journey<'_>, testimony: &Testimony<'_>) -> Word {
    let Some((queue, step)) = word.step.filter(|_| word.verdict == Verdict::Lost).and_then(|step| leads_to(journey, step)) else {
        return word;
    };
    let (dead, looks) = (&testimony.broker.dead, &testimony.broker.looks);
    let keeps = match step {
        Kind::Effect(message) => refused(journey, message).and_then(|at_ns| dead.keeps_refused(looks, queue, at_ns)),
        _ => dead.keeps_vanished(looks, queue),
    };
    match keeps {
        Some(Kept { there: true, records }) => {
            let Evidence { spans, logs } = word.evidence;
            let evidence = Evidence { spans, logs: [logs, records].concat() };
            Word { verdict: Verdict::Parked, cause: Some(cause::DEAD_LETTERED), evidence, ..word }
        }
        Some(_) => word,
        None => Word { verdict: Verdict::Unknown, cause: Some(cause::LOST_OR_PARKED), ..word },
    }
}

/// The queue of dead letters that what is missing at a step may have come to.
fn leads_to<'a>(journey: &'a Journey<'_>, step: StepId) -> Option<(&'a str, Kind)> {
    let kind = journey.way.steps[step].kind;
    let message = match kind {
        Kind::Receive(message) => Some(message),
        // What was not refused for good is nobody's dead letter.
        Kind::Effect(message) => refused(journey, message).map(|_| message),
        _ => None,
    }?;
    Some((journey.way.parked[message].as_deref()?, kind))
}

/// When a message was last refused for good.
fn refused(journey: &Journey<'_>, message: usize) -> Option<u64> {
    let settled = journey.order.of(What::Settle(message).number(journey.way));
    settled.filter(|settle| settle.is(flag::REJECT)).map(|settle| settle.at_ns).max()
}
