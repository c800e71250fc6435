//! `diverged`: the order came to its end, and one side refused what the other side recorded.

use crate::{
    finding::Verdict,
    journey::Journey,
    record::{Record, What, flag},
    verdict::{Word, lost},
    way::{Steps, bit},
};

/// `open` are records that may lie in a gap: where no attempt that went well shows, one may have been.
pub(super) fn diverged(journey: &Journey<'_>, open: Steps) -> Option<Word> {
    let way = journey.way;
    if !way.is_whole(journey.order.known()) {
        return None;
    }
    let shows = |message: &usize| open & bit(way.message[*message][2]) == 0;
    let message = (0..way.message.len()).filter(shows).find(|message| refused(journey, *message).is_some())?;
    let [_, _, effect] = way.message[message];
    Some(Word {
        verdict: Verdict::Diverged,
        step: Some(effect),
        cause: Some(lost::not_processed(journey, message)),
        evidence: journey.evidence_of_stretch(way.steps[effect].stretch),
    })
}

/// When the processing of a message first went wrong, where it never went well.
fn refused(journey: &Journey<'_>, message: usize) -> Option<u64> {
    let way = journey.way;
    let [_, _, effect] = way.message[message];
    if journey.record(effect).is_some() || journey.order.hinted & bit(effect) != 0 {
        return None;
    }
    let attempts = || journey.order.of(What::Process(message).number(way));
    let all_failed = attempts().all(|process: &Record| process.is(flag::ERROR));
    if all_failed { attempts().map(|process| process.at_ns).min() } else { None }
}

/// When any processing first went wrong that never went well.
pub(super) fn first_failure(journey: &Journey<'_>) -> Option<u64> {
    (0..journey.way.message.len()).filter_map(|message| refused(journey, message)).min()
}
