//! A message that was received late: it stood in its queue, or came again.

use super::{Claim, Matter, claim};
use crate::{
    broker::Look,
    cause,
    finding::Tier,
    record::{Record, What},
};

pub(super) fn claim_of(matter: &Matter<'_>) -> Option<Claim> {
    let [sent, received, _] = matter.journey.way.message[matter.message];
    let (sent, received) = (matter.journey.record(sent)?, matter.journey.record(received)?);
    if matter.cause == cause::REDELIVERED {
        return super::repeated::redelivered(matter, sent.label, (sent.at_ns, received.at_ns));
    }
    by_the_message(matter, sent, received).or_else(|| by_the_queue(matter, sent, received))
}

/// Most of the time it was between the broker and nobody.
fn by_the_message(matter: &Matter<'_>, sent: &Record, received: &Record) -> Option<Claim> {
    if sent.label == 0 {
        return None;
    }
    let published = matter.heard(What::Published, sent.label).into_iter().next()?;
    let handed = matter.heard(What::Handed, sent.label).into_iter().next()?;
    let (waited, took) = (handed.at_ns.saturating_sub(published.at_ns), received.at_ns.saturating_sub(sent.at_ns));
    let records = || vec![matter.says(published), matter.says(handed)];
    (waited >= took / 2).then(records).and_then(|records| claim(matter.cause, Tier::D, records))
}

/// Its queue was never seen without waiting messages.
fn by_the_queue(matter: &Matter<'_>, sent: &Record, received: &Record) -> Option<Claim> {
    let queue = matter.queue()?;
    let looks = matter.broker.looks.in_life(sent.at_ns, sent.at_ns).take_while(|look| look.at_ns() < received.at_ns);
    let looks: Vec<Look<'_>> = looks.collect();
    let waits = |look: &Look<'_>| look.queue(queue).is_some_and(|queue| queue.ready > 0);
    if !looks.iter().all(waits) {
        return None;
    }
    let (first, last) = (looks.first()?, looks.last()?);
    let mut records = vec![first.says_queue(queue)];
    if last.at_ns() > first.at_ns() {
        records.push(last.says_queue(queue));
    }
    claim(matter.cause, Tier::C, records)
}
