//! Sequences drawn at random: the real RabbitMQ shows what the model shows.
//!
//! The model plays a sequence first. What it showed is what the real broker has to show: the same answers to publishers, the
//! same deliveries to the same consumers in the same order, with the same marks, and the same left in all queues at the end.
//!
//! Many are played at the same time. What a client sees then tells how late the client was, not how late the broker was: a dead letter may
//! come half a second after its time. So who differed in the crowd is played alone, several times, and has to be the same each time.

use std::{sync::Mutex, thread};

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
/// When so many differ, no more are played.
const MOST: usize = 10;
/// So often one that differed in the crowd has to be the same then.
const AGAIN: usize = 5;

/// A sequence that is to be played on the real broker, and what the model showed.
pub(super) struct Waiting<T> {
    pub(super) name: String,
    pub(super) tree: T,
    pub(super) expected: Played,
    /// It differed in the crowd.
    doubtful: bool,
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
        Waiting { name: format!("{seed}-{nth}"), tree, expected, doubtful: false }
    });
    let crowd = compare(&real, sequences, CROWD, IN_THE_CROWD).await;
    let reach = reach.into_inner().unwrap();
    eprintln!("{reach}\n{} of the sequences were too slow to tell in the crowd", crowd.unclear.len());
    tell("differs in the crowd", &crowd.differing);
    let differing = crowd.differing.into_iter().map(|(waiting, _)| Waiting { doubtful: true, ..waiting });
    let alone = compare(&real, crowd.unclear.into_iter().chain(differing), 1, ALONE).await;
    let took = (real.client.rt.now() - begin).as_secs_f64();
    let (same, unclear, differing) = (crowd.same + alone.same, alone.unclear.len(), alone.differing);
    eprintln!("{count} sequences in {took:.0} s: {same} the same, {} differ, {unclear} too slow to tell", differing.len());
    tell("differs", &differing);
    alone.unclear.iter().for_each(|waiting| eprintln!("sequence {} is too slow to tell", waiting.name));
    if let Some((first, how)) = differing.into_iter().next() {
        panic!("{}", smaller(&real, first, how).await);
    }
    assert_eq!(same, count, "every sequence tells");
    // That a thousand reach everything is shown without Docker too: `chaos/simulated/tests/conformance`.
    if count >= 1_000 {
        reach.check();
    }
}

/// Says which sequences differ, and how.
fn tell<T>(what: &str, differing: &[(Waiting<T>, String)]) {
    for (Waiting { name, .. }, how) in differing {
        eprintln!("sequence {name} {what}:{how}");
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
    let next = || waiting.lock().unwrap().next().filter(|_| verdicts.lock().unwrap().differing.len() < MOST);
    join_all((0..at_once).map(|_| async {
        while let Some(sequence) = next() {
            let verdict = sequence.verdict(real, tries).await;
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

impl<T: ValueTree<Value = Sequence>> Waiting<T> {
    /// Plays it until it was quick enough to tell, so often; if it has differed before, again and again.
    async fn verdict(&self, real: &Real, tries: usize) -> Verdict {
        for _ in 0..if self.doubtful { AGAIN } else { 1 } {
            match verdict(real, &self.name, &self.tree.current(), &self.expected, tries).await {
                Verdict::Same => {}
                other => return other,
            }
        }
        Verdict::Same
    }
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
