//! Sequences drawn at random: the real RabbitMQ shows what the model shows.
//!
//! The model plays a sequence first. What it showed is what the real broker has to show: the same answers to publishers, the
//! same deliveries to the same consumers in the same order, with the same marks, and the same left in all queues at the end.

use std::{mem, sync::Mutex, thread};

use containers::Alone;
use futures_util::future::join_all;
use proptest::strategy::ValueTree;

use super::{
    on_a_real_one::Real,
    smaller::{difference, smaller},
    wanted::Wanted,
};
use crate::suite::broker::{
    books::Books, drawn::drawn, on_the_model::on_the_model, play::Played, reach::Reach, sequence::Sequence,
};

/// So many sequences are played at the same time: most of them wait.
const CROWD: usize = 32;
/// After so many it is told how far it is: a night has 20,000.
const TOLD: usize = 1_000;
/// So often each is played in the crowd, as long as it was too slow to tell.
const IN_THE_CROWD: usize = 2;
/// So often it is played once more after the others, with nobody beside it.
const ALONE: usize = 8;

/// A sequence that is to be played on the real broker, and what the model showed.
pub(super) struct Waiting<T> {
    pub(super) name: String,
    pub(super) tree: T,
    pub(super) expected: Played,
}

/// How a sequence went on the real broker.
pub(super) enum Verdict {
    Same,
    Differs(String),
    /// It was too slow: what it showed says nothing.
    Unclear,
}

/// How sequences went.
struct Verdicts<T> {
    same: usize,
    unclear: Vec<Waiting<T>>,
    differing: Vec<(Waiting<T>, String)>,
}

/// Plays a sequence on the model, on a thread of its own: within tokio's runtime the model's tasks would use up the share of
/// polls that tokio leaves a task, and stand still.
pub(super) fn modelled(sequence: &Sequence) -> (Played, Books) {
    thread::scope(|scope| scope.spawn(|| on_the_model(sequence)).join().expect("the model plays every sequence"))
}

/// Plays this tier's sequences on a real broker: it shows what the model shows.
pub(super) async fn on_a_real_one(alone: &Alone) {
    let real = Real::new(alone).await;
    let Wanted { seed, numbers } = Wanted::here();
    let count = numbers.len();
    let begin = real.client.rt.now();
    let reach = Mutex::new(Reach::default());
    // Each is drawn and modelled when its turn comes: all of a night's would fill the memory.
    let sequences = drawn(seed, numbers.end).enumerate().skip(numbers.start).map(|(nth, tree)| {
        let sequence = tree.current();
        let (expected, books) = modelled(&sequence);
        books.check();
        reach.lock().unwrap().add(&sequence, &expected.seen, &books.fates);
        Waiting { name: format!("{seed}-{nth}"), tree, expected }
    });
    let mut crowd = compare(&real, sequences, CROWD, IN_THE_CROWD).await;
    let reach = reach.into_inner().unwrap();
    let slow = mem::take(&mut crowd.unclear);
    eprintln!("{reach}\n{} of the sequences were too slow to tell in the crowd", slow.len());
    let alone = compare(&real, slow.into_iter(), 1, ALONE).await;
    let took = (real.client.rt.now() - begin).as_secs_f64();
    let (same, unclear) = (crowd.same + alone.same, alone.unclear.len());
    let differing: Vec<_> = crowd.differing.into_iter().chain(alone.differing).collect();
    eprintln!("{count} sequences in {took:.0} s: {same} the same, {} differ, {unclear} too slow to tell", differing.len());
    for (Waiting { name, .. }, how) in &differing {
        eprintln!("sequence {name}:{how}");
    }
    if let Some((first, how)) = differing.into_iter().next() {
        panic!("{}", smaller(&real, first, how).await);
    }
    assert_eq!(same, count, "every sequence tells");
    // That a thousand reach everything is shown without Docker too: `chaos/simulated/tests/conformance`.
    if count >= 1_000 {
        reach.check();
    }
}

/// Plays sequences, so many of them at once; gives up when some differ.
async fn compare<T: ValueTree<Value = Sequence>>(
    real: &Real,
    waiting: impl Iterator<Item = Waiting<T>>,
    at_once: usize,
    tries: usize,
) -> Verdicts<T> {
    let waiting = Mutex::new(waiting);
    let verdicts = Mutex::new(Verdicts { same: 0, unclear: Vec::new(), differing: Vec::new() });
    let next = || waiting.lock().unwrap().next().filter(|_| verdicts.lock().unwrap().differing.len() < 3);
    join_all((0..at_once).map(|_| async {
        while let Some(sequence) = next() {
            let verdict = verdict(real, &sequence.name, &sequence.tree.current(), &sequence.expected, tries).await;
            let mut verdicts = verdicts.lock().unwrap();
            match verdict {
                Verdict::Same => {
                    verdicts.same += 1;
                    if verdicts.same.is_multiple_of(TOLD) {
                        eprintln!("{} sequences so far", verdicts.same);
                    }
                }
                Verdict::Unclear => verdicts.unclear.push(sequence),
                Verdict::Differs(how) => verdicts.differing.push((sequence, how)),
            }
        }
    }))
    .await;
    verdicts.into_inner().unwrap()
}

/// Plays a sequence until it was quick enough to tell, so often.
pub(super) async fn verdict(real: &Real, name: &str, sequence: &Sequence, expected: &Played, tries: usize) -> Verdict {
    for _ in 0..tries {
        match real.play(name, sequence, expected).await {
            // What is the same is so however long it took.
            Ok(played) if played.seen == expected.seen => return Verdict::Same,
            Ok(played) if played.too_slow(sequence) => {}
            Ok(played) => return Verdict::Differs(difference(&expected.seen, &played.seen)),
            Err(stopped) => return Verdict::Differs(stopped),
        }
    }
    Verdict::Unclear
}
