//! Sequences drawn at random: the real RabbitMQ shows what the model shows.
//!
//! The model plays a sequence first. What it showed is what the real broker has to show: the same answers to publishers, the
//! same deliveries to the same consumers in the same order, with the same marks, and the same left in all queues at the end.

use std::{collections::VecDeque, sync::Mutex};

use containers::Alone;
use futures_util::future::join_all;
use proptest::strategy::ValueTree;

use super::on_a_real_one::Real;
use crate::{
    gate,
    suite::broker::{
        drawn::drawn,
        on_the_model::on_the_model,
        play::Played,
        reach::Reach,
        seen::Seen,
        sequence::Sequence,
    },
};

/// So many sequences are played at the same time: most of them wait.
const AT_ONCE: usize = 24;
/// So often a sequence that was too slow is played again.
const TRIES: usize = 8;
/// Steps in the search for a smaller sequence.
const SHRINKS: usize = 120;

/// How many sequences this tier plays, under which seed.
fn wanted() -> (u64, usize) {
    let number = |name: &str| gate::variable(name).and_then(|value| value.parse().ok());
    let nightly = gate::variable("LOUPE_TIER").as_deref() == Some("nightly");
    let count = number("LOUPE_SEQUENCES").unwrap_or(if nightly { 20_000 } else { 1_000 });
    (number("LOUPE_SEQUENCE_SEED").unwrap_or(1), usize::try_from(count).expect("it fits"))
}

/// Plays this tier's sequences on a real broker: it shows what the model shows.
pub(super) async fn on_a_real_one(alone: &Alone) {
    let real = Real::new(alone).await;
    let (seed, count) = wanted();
    let found = compare(&real, seed, count).await;
    assert!(found.is_none(), "{}", found.unwrap_or_default());
}

/// Plays all sequences on both; tells of the first one that shows something else, as small as it can be made.
async fn compare(real: &Real, seed: u64, count: usize) -> Option<String> {
    let begin = real.client.rt.now();
    let mut reach = Reach::default();
    let mut waiting = VecDeque::new();
    for (nth, tree) in drawn(seed, count).into_iter().enumerate() {
        let sequence = tree.current();
        let (played, books) = on_the_model(&sequence);
        reach.add(&sequence, &played.seen, &books.fates);
        waiting.push_back((nth, tree, played));
    }
    let (waiting, differing, unclear) = (Mutex::new(waiting), Mutex::new(Vec::new()), Mutex::new(0));
    let next = || waiting.lock().unwrap().pop_front();
    join_all((0..AT_ONCE).map(|_| async {
        while let Some((nth, tree, expected)) = next().filter(|_| differing.lock().unwrap().len() < 3) {
            match verdict(real, &format!("{seed}-{nth}"), &tree.current(), &expected).await {
                Verdict::Same => {}
                Verdict::Unclear => *unclear.lock().unwrap() += 1,
                Verdict::Differs(how) => differing.lock().unwrap().push((nth, tree, how)),
            }
        }
    }))
    .await;
    let took = real.client.rt.now() - begin;
    let unclear = unclear.into_inner().unwrap();
    eprintln!("{reach}\n{count} sequences in {:.0} s, {unclear} of them too slow to tell", took.as_secs_f64());
    let first = differing.into_inner().unwrap().into_iter().next();
    if let Some((nth, tree, how)) = first {
        return Some(smaller(real, &format!("{seed}-{nth}"), tree, how).await);
    }
    reach.check();
    (unclear * 50 > count).then(|| format!("{unclear} of {count} sequences were too slow to tell"))
}

enum Verdict {
    Same,
    Differs(String),
    Unclear,
}

async fn verdict(real: &Real, name: &str, sequence: &Sequence, expected: &Played) -> Verdict {
    for attempt in 0..TRIES {
        let played = real.play(&format!("{name}-{attempt}"), sequence, expected).await;
        match played {
            Ok(played) if played.too_slow(sequence) => {}
            Ok(played) if played.seen == expected.seen => return Verdict::Same,
            Ok(played) => return Verdict::Differs(difference(&expected.seen, &played.seen)),
            Err(error) => return Verdict::Differs(error.to_string()),
        }
    }
    Verdict::Unclear
}

fn difference(expected: &[Seen], seen: &[Seen]) -> String {
    let differing = expected.iter().zip(seen).enumerate().filter(|(_, (expected, seen))| expected != seen);
    differing.map(|(nth, (expected, seen))| format!("\n  {nth}: model {expected:?}\n     broker {seen:?}")).collect()
}

/// Makes a differing sequence smaller as long as it differs.
async fn smaller(real: &Real, name: &str, mut tree: impl ValueTree<Value = Sequence>, mut how: String) -> String {
    let mut smallest = tree.current();
    let mut more = tree.simplify();
    for shrink in 0..SHRINKS {
        if !more {
            break;
        }
        let sequence = tree.current();
        let (expected, _) = on_the_model(&sequence);
        more = match verdict(real, &format!("{name}-small-{shrink}"), &sequence, &expected).await {
            Verdict::Differs(smaller) => {
                (smallest, how) = (sequence, smaller);
                tree.simplify()
            }
            Verdict::Same | Verdict::Unclear => tree.complicate(),
        };
    }
    let steps: String = smallest.steps.iter().enumerate().map(|(nth, step)| format!("\n  {nth}: {step:?}")).collect();
    format!("sequence {name}: {:#?}{steps}\n{how}", smallest.profile)
}
