//! Why an order stands still whose row says less than was recorded: somebody has written it once more as it had been before.
//!
//! Whoever looks for the order by its state does not find it, and what builds on that state is refused. The verdict and the hop stay:
//! they say where the order stands, this says why.

use crate::{
    cause,
    finding::Verdict,
    journey::{Journey, evidence},
    order::Order,
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

/// An order that came to its end, and whose row was then written with an earlier state: by whom it looks as if it were on its way.
pub(super) fn set_back(order: &Order, way: &Way, testimony: &Testimony<'_>) -> Option<Word> {
    if !way.is_whole(order.known()) || testimony.slack.iter().any(|wrong_ns| *wrong_ns > 0) {
        return None;
    }
    let back: Vec<&Record> = order.records.iter().filter(|record| sets_back(order, way, record)).collect();
    let evidence = evidence(order, way, back.iter().copied());
    let word = Word { verdict: Verdict::Diverged, step: Some(way.last()), cause: Some(cause::LOST_UPDATE), evidence };
    (!back.is_empty()).then_some(word)
}

/// Whether a record shows that a row was written with an earlier state than its last, after that was recorded. Of an order that is
/// forgotten the last state is known by when it was closed.
fn sets_back(order: &Order, way: &Way, record: &Record) -> bool {
    let step = if record.what == What::Rewritten.number(way) { wrote(record) } else { StepId::from(record.what) };
    if step >= way.steps.len() || way.recorded & bit(step) == 0 {
        return false;
    }
    let mut sides = way.record.iter().filter(|states| states.contains(&Some(step)));
    let Some(last) = sides.next().and_then(|states| states.iter().flatten().next_back().copied()) else { return false };
    let recorded = order.of(last as u8).map(|record| record.at_ns).max();
    let ended_ns = recorded.max(order.closed.is_some().then_some(order.ended_ns));
    step != last && ended_ns.is_some_and(|ended_ns| record.at_ns > ended_ns)
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
