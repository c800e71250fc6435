//! Behind which order another one waited: whose message was handled, or whose work was done, meanwhile.

use std::{cmp::Reverse, sync::Arc};

use crate::{
    journey::Journey,
    way::{Kind, StepId, Way},
};

/// What held somebody's hands: one message at a service, or one piece of work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hold {
    from_ns: u64,
    to_ns: u64,
    order: u32,
}

/// An order that another one waited behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Of those that were worked on meanwhile the one that took most of the wait.
    pub order_id: Arc<str>,
    /// For how much of the wait it was worked on, nanoseconds.
    pub for_ns: u64,
}

/// All that was held, by where.
pub(crate) struct Holds {
    /// By service: messages that were being handled.
    handled: Vec<Kept>,
    /// By step at which a work begins, and the state that it leads to: work that was being done.
    worked: Vec<(StepId, StepId, Kept)>,
}

#[derive(Default)]
struct Kept {
    /// By begin once it is closed.
    holds: Vec<Hold>,
    longest_ns: u64,
}

impl Kept {
    fn keep(&mut self, hold: Hold) {
        self.longest_ns = self.longest_ns.max(hold.to_ns.saturating_sub(hold.from_ns));
        self.holds.push(hold);
    }

    /// What overlaps most with a wait of somebody else, and by how much. Of equals the first; orders are told apart by name, because
    /// their numbers say no more than which was heard of first.
    fn most<'a>(&self, (from_ns, to_ns): (u64, u64), but: u32, name: impl Fn(u32) -> &'a str) -> Option<(u32, u64)> {
        let first = self.holds.partition_point(|hold| hold.from_ns.saturating_add(self.longest_ns) <= from_ns);
        let meanwhile = self.holds[first..].iter().take_while(|hold| hold.from_ns < to_ns).filter(|hold| hold.order != but);
        let overlap = |hold: &Hold| hold.to_ns.min(to_ns).saturating_sub(hold.from_ns.max(from_ns));
        let most = meanwhile.max_by_key(|hold| (overlap(hold), Reverse((hold.from_ns, name(hold.order)))))?;
        Some((most.order, overlap(most))).filter(|(_, length)| *length > 0)
    }
}

impl Holds {
    pub(crate) fn new(way: &Way) -> Self {
        let work = |(state, start): (usize, &Option<StepId>)| start.map(|start| (start, way.enter[state], Kept::default()));
        Self {
            handled: way.services.iter().map(|_| Kept::default()).collect(),
            worked: way.start.iter().enumerate().filter_map(work).collect(),
        }
    }

    /// A service was busy with an order's message for a while.
    pub(crate) fn handled(&mut self, service: usize, order: usize, (from_ns, to_ns): (u64, u64)) {
        self.handled[service].keep(Hold { from_ns, to_ns, order: order as u32 });
    }

    /// Takes the work that was done for an order in.
    pub(crate) fn note(&mut self, order: usize, journey: &Journey<'_>) {
        for (start, end, kept) in &mut self.worked {
            if let (Some(from_ns), Some(to_ns)) = (journey.at(*start), journey.at(*end)) {
                kept.keep(Hold { from_ns, to_ns, order: order as u32 });
            }
        }
    }

    /// Nothing comes any more.
    pub(crate) fn close(&mut self) {
        let worked = self.worked.iter_mut().map(|(_, _, kept)| kept);
        self.handled.iter_mut().chain(worked).for_each(|kept| kept.holds.sort_unstable());
    }

    /// The order that another one waited behind, by number, and for how long: none where nothing else was worked on.
    pub(crate) fn behind<'a>(
        &self,
        order: usize,
        (journey, step): (&Journey<'_>, StepId),
        name: impl Fn(u32) -> &'a str,
    ) -> Option<(u32, u64)> {
        let at = &journey.way.steps[step];
        let kept = match at.kind {
            Kind::Receive(_) => &self.handled[at.service],
            Kind::Start(_) => self.worked.iter().find(|(start, ..)| *start == step).map(|(_, _, kept)| kept)?,
            _ => return None,
        };
        kept.most((journey.at(at.begin)?, journey.at(step)?), order as u32, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(holds: &[(u64, u64, u32)]) -> Kept {
        let mut kept = Kept::default();
        for (from_ns, to_ns, order) in holds {
            kept.keep(Hold { from_ns: *from_ns, to_ns: *to_ns, order: *order });
        }
        kept.holds.sort_unstable();
        kept
    }

    fn most(kept: &Kept, from_ns: u64, to_ns: u64, but: u32) -> Option<(u32, u64)> {
        kept.most((from_ns, to_ns), but, |order| ["a", "b", "c", "d", "e"][order as usize % 5])
    }

    #[test]
    fn of_equals_the_name_decides_and_not_who_was_heard_of_first() {
        assert_eq!(most(&kept(&[(0, 40, 4), (0, 40, 1)]), 0, 50, 9), Some((1, 40)));
        assert_eq!(most(&kept(&[(0, 40, 0), (0, 40, 3)]), 0, 50, 9), Some((0, 40)));
    }

    #[test]
    fn of_those_that_were_worked_on_meanwhile_the_longest_is_named() {
        let kept = kept(&[(0, 40, 1), (30, 100, 2), (100, 120, 3), (150, 900, 4)]);
        assert_eq!(most(&kept, 20, 110, 9), Some((2, 70)));
        assert_eq!(most(&kept, 20, 110, 2), Some((1, 20)), "nobody waits behind himself");
        assert_eq!(most(&kept, 125, 150, 9), None, "nobody was worked on");
    }

    #[test]
    fn a_long_one_that_began_long_ago_is_found() {
        let kept = kept(&[(0, 1000, 1), (10, 11, 2), (20, 21, 3), (30, 31, 4)]);
        assert_eq!(most(&kept, 500, 600, 9), Some((1, 100)));
    }
}
