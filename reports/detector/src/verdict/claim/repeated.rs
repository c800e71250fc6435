//! A state that was recorded again: the broker delivered its message again, or somebody sent it again.

use super::{Claim, Matter, claim};
use crate::{
    cause,
    finding::{Said, Tier},
    record::{Record, What, flag},
};

pub(super) fn claim_of(matter: &Matter<'_>) -> Option<Claim> {
    let plain = matter.cause == cause::REPEATED;
    if plain || matter.cause == cause::REDELIVERED {
        let deliveries = || matter.journey.order.of(What::Process(matter.message).number(matter.journey.way));
        let times = || deliveries().map(|delivery| delivery.at_ns);
        if let Some((first, last)) = times().min().zip(times().max())
            && let Some(claim) = redelivered(matter, 0, (first, last))
        {
            return Some(claim);
        }
    }
    if plain || matter.cause == cause::PUBLISHED_TWICE { published_twice(matter) } else { None }
}

/// The same message was out again; without a label any of the order's on this way.
pub(super) fn redelivered(matter: &Matter<'_>, label: u32, (first_ns, last_ns): (u64, u64)) -> Option<Claim> {
    let heard = matter.heard(What::Handed, label);
    let again: Vec<Said> = heard.iter().filter(|handed| handed.is(flag::REDELIVERED)).map(|handed| matter.says(handed)).collect();
    if !again.is_empty() {
        return claim(cause::REDELIVERED, Tier::D, again);
    }
    // The queue's count says that some message was, the spans that it was this one.
    let (queue, looks) = (matter.queue()?, &matter.broker.looks);
    let before = looks.last_before(first_ns)?;
    let after = looks.in_life(first_ns, last_ns).next()?;
    let rose = before.queue(queue)?.redelivered < after.queue(queue)?.redelivered;
    let records = || vec![before.says_queue(queue), after.says_queue(queue)];
    (rose && matter.cause == cause::REDELIVERED).then(records).and_then(|records| claim(matter.cause, Tier::C, records))
}

/// Two messages with different ids about the same.
fn published_twice(matter: &Matter<'_>) -> Option<Claim> {
    let published: Vec<&Record> = matter.heard(What::Published, 0);
    let first = published.first()?;
    let other = published.iter().find(|other| other.label != first.label)?;
    claim(cause::PUBLISHED_TWICE, Tier::D, vec![matter.says(first), matter.says(other)])
}
