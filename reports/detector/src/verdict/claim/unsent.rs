//! News that was never sent: the broker was away, or it knows of no attempt.

use super::{Claim, Matter, claim};
use crate::{
    cause,
    finding::Tier,
    record::{What, flag},
};

pub(super) fn claim_of(matter: &Matter<'_>) -> Option<Claim> {
    if matter.cause == cause::PUBLISH_FAILED { broker_away(matter) } else { never_tried(matter) }
}

/// The last look before the attempt was not answered, and the broker came up after it.
fn broker_away(matter: &Matter<'_>) -> Option<Claim> {
    let looks = &matter.broker.looks;
    let [sent, ..] = matter.journey.way.message[matter.message];
    let attempts = matter.journey.order.of(sent as u8).filter(|attempt| attempt.is(flag::ERROR));
    let last_ns = attempts.map(|attempt| attempt.at_ns).max()?;
    let (silent, restarted) = (looks.silent_at(last_ns)?, looks.restarted_after(last_ns)?);
    claim(cause::BROKER_AWAY, Tier::C, vec![silent, restarted.says_since()])
}

/// No message about it came to the broker since the state was recorded, and somebody listened all the time.
fn never_tried(matter: &Matter<'_>) -> Option<Claim> {
    let (journey, firehose) = (matter.journey, &matter.broker.firehose);
    let [sent, ..] = journey.way.message[matter.message];
    let recorded_ns = journey.at(journey.way.steps[sent].begin)?;
    let silent = firehose.listened() && !firehose.missed(recorded_ns, matter.end_ns);
    let none = silent && matter.heard(What::Published, 0).is_empty();
    let says = || vec![firehose.says_nothing_of(matter.key(), recorded_ns)];
    none.then(says).and_then(|records| claim(matter.cause, Tier::D, records))
}
