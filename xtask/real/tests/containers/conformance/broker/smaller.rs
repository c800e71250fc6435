//! A sequence that shows something else on the real broker, as small as it can be made, and in words.

use proptest::strategy::ValueTree;

use super::{
    generated::{Verdict, Waiting, modelled, verdict},
    on_a_real_one::Real,
};
use crate::suite::broker::{seen::Seen, sequence::Sequence};

/// Steps in the search.
const SHRINKS: usize = 120;
/// So often each of them is played, as long as it was too slow to tell.
const TRIES: usize = 4;

/// What differs, step by step.
pub(super) fn difference(expected: &[Seen], seen: &[Seen]) -> String {
    let differing = expected.iter().zip(seen).enumerate().filter(|(_, (expected, seen))| expected != seen);
    differing.map(|(nth, (expected, seen))| format!("\n  {nth}: model {expected:?}\n     broker {seen:?}")).collect()
}

/// Makes a differing sequence smaller as long as it differs, and tells of it.
pub(super) async fn smaller<T: ValueTree<Value = Sequence>>(real: &Real, differing: Waiting<T>, mut how: String) -> String {
    let Waiting { name, mut tree, .. } = differing;
    let mut smallest = tree.current();
    let mut more = tree.simplify();
    for shrink in 0..SHRINKS {
        if !more {
            break;
        }
        let sequence = tree.current();
        let (expected, _) = modelled(&sequence);
        more = match verdict(real, &format!("{name}-small-{shrink}"), &sequence, &expected, TRIES).await {
            Verdict::Differs(smaller) => {
                (smallest, how) = (sequence, smaller);
                tree.simplify()
            }
            Verdict::Same | Verdict::Unclear => tree.complicate(),
        };
    }
    let steps: String = smallest.steps.iter().enumerate().map(|(nth, step)| format!("\n  {nth}: {step:?}")).collect();
    format!("sequence {name}; LOUPE_SEQUENCE={name} plays it again. Made smaller: {:#?}{steps}\n{how}", smallest.profile)
}
