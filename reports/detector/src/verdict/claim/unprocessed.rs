//! A message that was received and did nothing: a queue that has an answer to everything has had one to it.

use super::{Claim, Matter, claim};
use crate::{broker::Look, cause, finding::Tier};

pub(super) fn claim_of(matter: &Matter<'_>) -> Option<Claim> {
    if ![cause::UNPROCESSED, cause::ACKED_UNPROCESSED].contains(&matter.cause) {
        return None;
    }
    let [_, received, _] = matter.journey.way.message[matter.message];
    let received_ns = matter.journey.at(received)?;
    let (queue, looks) = (matter.queue()?, &matter.broker.looks);
    // Nothing came back from the disk when this life of the broker began, so what was published is all there was.
    let balanced = |look: Look<'_>| {
        let adds_up = |look: Look<'_>| look.queue(queue).is_some_and(|queue| queue.published == queue.acked + queue.depth());
        look.queue(queue).is_some_and(|queue| queue.depth() == 0)
            && adds_up(look)
            && looks.first_of_life(look).is_some_and(adds_up)
    };
    let answered = looks.in_life(received_ns, received_ns).find(|look| balanced(*look))?;
    claim(cause::ACKED_UNPROCESSED, Tier::C, vec![answered.says_queue(queue)])
}
