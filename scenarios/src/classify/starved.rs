//! An order that is late because people took others first: they could be taken later, and were taken earlier.

use super::Walk;
use crate::lifecycle::{Lifecycle, Part};

/// A list that people pick from: its hop, how many must overtake an order before it is starved, and when each order could be
/// taken and was.
pub(super) struct Desk {
    hop: usize,
    most: usize,
    waits: Vec<(u64, u64)>,
}

/// All lists, over all orders.
pub(super) fn desks(walks: &[Walk<'_>], lifecycle: &Lifecycle) -> Vec<Desk> {
    let desk = |(hop, most): (usize, usize)| {
        let wait = |walk: &Walk<'_>| walk.times[hop].begin.zip(walk.times[hop].end);
        let mut waits: Vec<(u64, u64)> = walks.iter().filter_map(wait).collect();
        waits.sort_unstable();
        Desk { hop, most, waits }
    };
    let picked = |state: &crate::lifecycle::State| {
        let wait = lifecycle.hops.iter().position(|hop| hop.status == state.status && hop.part == Part::Wait);
        wait.zip(state.overtaken)
    };
    lifecycle.states.iter().filter_map(picked).map(desk).collect()
}

/// Whether an order that is late at a hop was overtaken there too often.
pub(super) fn starved(walk: &Walk<'_>, hop: Option<&str>, desks: &[Desk]) -> bool {
    let named = |desk: &&Desk| hop == Some(&*walk.lifecycle.hops[desk.hop].name);
    let Some(desk) = desks.iter().find(named) else { return false };
    let Some((begin, end)) = walk.times[desk.hop].begin.zip(walk.times[desk.hop].end) else { return false };
    let after = desk.waits.iter().skip(desk.waits.partition_point(|(ready, _)| *ready <= begin));
    after.take_while(|(ready, _)| *ready < end).filter(|(_, taken)| *taken < end).count() >= desk.most
}
