//! Why an order stands still whose row says less than was recorded: somebody has written it once more as it had been before.
//!
//! Whoever looks for the order by its state does not find it, and what builds on that state is refused. The verdict and the hop stay:
//! they say where the order stands, this says why.

use crate::{
    cause,
    finding::Verdict,
    journey::{Journey, evidence},
    record::{Record, What},
    verdict::{Testimony, Word},
    way::{Kind, StepId, Way, bit},
};

/// The word with that cause, where it is. By clocks that disagree nobody knows who wrote last.
pub(super) fn or(word: Word, journey: &Journey<'_>, testimony: &Testimony<'_>) -> Word {
    let stands = matches!(word.verdict, Verdict::Lost | Verdict::Stuck | Verdict::Diverged);
    if !stands || testimony.slack.iter().any(|wrong_ns| *wrong_ns > 0) {
        return word;
    }
    let overwrote = word.step.filter(|step| reads_the_row(journey.way, *step, &word)).and_then(|step| overwriting(journey, step));
    let Some((writing, lost)) = overwrote else { return word };
    let stretch = &journey.way.stretches[journey.way.steps[word.step.unwrap_or(0)].stretch];
    let about = |record: &&Record| [writing, lost].contains(record) || stretch.steps.contains(&usize::from(record.what));
    let evidence = evidence(journey.order, journey.way, journey.order.records.iter().filter(about));
    Word { cause: Some(cause::LOST_UPDATE), evidence, ..word }
}

/// Whether what is missing at a step is missing for a row that says too little, as far as the word on it goes.
fn reads_the_row(way: &Way, step: StepId, word: &Word) -> bool {
    let because = |causes: &[cause::Cause]| word.cause.is_some_and(|cause| causes.contains(&cause));
    match way.steps[step].kind {
        Kind::Send(_) => because(&[cause::NOT_PUBLISHED]),
        Kind::Effect(_) => because(&[cause::PROCESS_FAILED, cause::REJECTED]),
        Kind::Enter { .. } => because(&[cause::WAITING_FOR_PERSON]),
        Kind::Receive(_) | Kind::Start(_) => false,
    }
}

/// The last writing of the row that a step's service reads, and the last record of a later state before it, which it has overwritten.
fn overwriting<'a>(journey: &'a Journey<'_>, step: StepId) -> Option<(&'a Record, &'a Record)> {
    let way = journey.way;
    let states = &way.record[way.steps[step].service];
    let place = |step: StepId| states.iter().position(|record| *record == Some(step));
    let writings = || journey.order.of(What::Rewritten.number(way));
    let writing = writings().filter(|writing| place(wrote(writing)).is_some()).max_by_key(|writing| writing.place())?;
    let with = place(wrote(writing))?;
    let recorded = |record: &&Record| usize::from(record.what) < way.steps.len() && way.recorded & bit(record.what.into()) != 0;
    let earlier = journey.order.records.iter().filter(recorded).filter(|record| record.at_ns < writing.at_ns);
    let lost = earlier.filter(|record| place(record.what.into()).is_some_and(|state| state > with));
    Some((writing, lost.max_by_key(|record| record.place())?))
}

/// The record of the state that a row was written with.
fn wrote(writing: &Record) -> StepId {
    writing.label.saturating_sub(1) as StepId
}
