//! A message that was sent and never received. Spans cannot tell one way of vanishing from another; the broker can.

use signals::{QueueCounters, counters::STALE_NS, firehose::ON_THE_WAY_NS};

use super::{Claim, Matter, claim};
use crate::{
    broker::Look,
    cause,
    finding::Tier,
    record::{Record, What, flag},
};

pub(super) fn claim_of(matter: &Matter<'_>) -> Option<Claim> {
    let [sent, ..] = matter.journey.way.message[matter.message];
    let sent = matter.journey.record(sent)?;
    message_exact(matter, sent).or_else(|| by_counters(matter, sent))
}

/// What the firehose says of this very message.
fn message_exact(matter: &Matter<'_>, sent: &Record) -> Option<Claim> {
    let firehose = &matter.broker.firehose;
    if !firehose.listened() || sent.label == 0 {
        return None;
    }
    let Some(published) = matter.heard(What::Published, sent.label).pop() else {
        let should_have_come = sent.at_ns.saturating_add(ON_THE_WAY_NS);
        let heard_of = should_have_come < matter.end_ns && !firehose.missed(sent.at_ns, should_have_come);
        let says = || vec![firehose.says_nothing_of(matter.key(), sent.at_ns)];
        return heard_of.then(says).and_then(|records| claim(cause::NEVER_REACHED_BROKER, Tier::D, records));
    };
    let mut records = vec![matter.says(published)];
    if published.is(flag::RETURNED) {
        return claim(cause::UNROUTABLE, Tier::D, records);
    }
    let handed = matter.heard(What::Handed, sent.label).pop();
    let last = handed.unwrap_or(published);
    records.extend(handed.map(|handed| matter.says(handed)));
    match (matter.broker.looks.restarted_after(last.at_ns), handed) {
        (Some(restarted), None) => {
            records.push(restarted.says_since());
            claim(cause::LOST_FROM_QUEUE, Tier::D, records)
        }
        (Some(restarted), Some(_)) => {
            records.push(restarted.says_since());
            claim(cause::LOST_UNACKED, Tier::D, records)
        }
        // It may have gone out while nobody listened.
        (None, None) if firehose.missed(published.at_ns, matter.end_ns) => None,
        (None, None) => claim(cause::NEVER_DELIVERED, Tier::D, records),
        (None, Some(_)) => claim(cause::DELIVERED_UNRECEIVED, Tier::D, records),
    }
}

/// What the counters leave as the only way.
fn by_counters(matter: &Matter<'_>, sent: &Record) -> Option<Claim> {
    let looks = &matter.broker.looks;
    let queue = matter.queue()?;
    let depth = |look: Look<'_>| look.queue(queue).map(QueueCounters::depth);
    let empty = looks.in_life(sent.at_ns, sent.at_ns).find(|look| depth(*look) == Some(0));
    if let (Some(restarted), None) = (looks.restarted_after(sent.at_ns), empty) {
        let before = looks.last_before(restarted.counters.since_ns).or_else(|| looks.last_before(sent.at_ns));
        let records = before.map(|look| look.says_queue(queue)).into_iter().chain([restarted.says_since()]).collect();
        return claim(cause::GONE_WITH_BROKER, Tier::C, records);
    }
    // Nothing came to the queue meanwhile, so it did not either.
    let before = looks.last_before(sent.at_ns.saturating_sub(STALE_NS))?;
    let after = looks.in_life(sent.at_ns, sent.at_ns).next()?;
    if before.queue(queue)?.published != after.queue(queue)?.published {
        return None;
    }
    let nowhere = after.unroutable().saturating_sub(before.unroutable());
    if nowhere == 0 {
        return claim(cause::NEVER_QUEUED, Tier::C, vec![before.says_queue(queue), after.says_queue(queue)]);
    }
    // As many messages had nowhere to go as vanished: all of these were those.
    let vanished = matter.broker.vanished_between(before.at_ns().saturating_sub(STALE_NS), after.at_ns());
    let records = || vec![before.says_unroutable(), after.says_unroutable()];
    (vanished == nowhere).then(records).and_then(|records| claim(cause::UNROUTABLE, Tier::C, records))
}
