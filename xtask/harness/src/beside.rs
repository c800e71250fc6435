//! Several runs beside each other, where a world can be played more than once at a time. They are judged and written in their order
//! all the same.

use std::{
    collections::BTreeMap,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

use crate::{
    arena::{Arena, PlayError, Played, Prepared},
    progress::Progress,
};

/// What has been played and not been written waits in memory: so many at most.
const BACKLOG: usize = 2;

/// Plays all runs and hands each over in its order.
pub(crate) fn play(
    runs: &[Prepared],
    arenas: Vec<Box<dyn Arena + Send>>,
    mut take: impl FnMut(usize, Result<Played, PlayError>),
) {
    let next = AtomicUsize::new(0);
    let (played, results) = sync_channel(BACKLOG);
    thread::scope(|scope| {
        for mut arena in arenas {
            let (next, played) = (&next, played.clone());
            let mut one = move || {
                let (at, run) = claim(runs, next)?;
                let mut progress = if arena.is_slow() { Progress::plain(run) } else { Progress::silent() };
                // Nobody is there to take it when the harness is at its end.
                played.send((at, arena.play(run, &mut progress))).ok()
            };
            scope.spawn(move || while one().is_some() {});
        }
        drop(played);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        for (at, result) in results {
            waiting.insert(at, result);
            while let Some(result) = waiting.remove(&turn) {
                take(turn, result);
                turn += 1;
            }
        }
    });
}

fn claim<'a>(runs: &'a [Prepared], next: &AtomicUsize) -> Option<(usize, &'a Prepared)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    runs.get(at).map(|run| (at, run))
}

/// As many arenas as are played in side by side; none where a world cannot be played twice at a time.
pub(crate) fn arenas(arena: &dyn Arena, runs: usize) -> Vec<Box<dyn Arena + Send>> {
    (0..arena.side_by_side().min(runs)).map_while(|_| arena.another()).collect()
}
