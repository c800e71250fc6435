//! `starved`: an order is late because people took others first.

use crate::{cause, finding::Verdict, journey::Journey, turns::Turns, verdict::Word};

/// A late order that others overtook is starved; any other word stays.
pub(super) fn or(word: Word, journey: &Journey<'_>, turns: &Turns) -> Word {
    let starved = word.verdict == Verdict::Slow && word.step.is_some_and(|step| turns.starved(journey, step));
    if starved { Word { verdict: Verdict::Starved, cause: Some(cause::OVERTAKEN), ..word } } else { word }
}
