//! Whether the news of a state was sent, and the state then never recorded: a service told the other side before its commit, which failed.
//!
//! What the other side records of it says that the state was entered, as anything later would; but for the failed commit in the trace
//! that sent the news nobody could tell. Whoever tries again and succeeds has made it true.

use crate::{
    cause,
    finding::Verdict,
    journey::{Journey, evidence},
    record::{Record, What},
    verdict::{
        Testimony, Word,
        halt::{due, is_person},
    },
    way::{StepId, bit},
};

pub(super) fn phantom(journey: &Journey<'_>, testimony: &Testimony<'_>) -> Option<Word> {
    let failed = journey.order.of(What::RolledBack.number(journey.way));
    // Hardly any order has one.
    failed.map(|failed| failed.trace).find_map(|trace| of_trace(journey, testimony, trace))
}

/// What was sent in a trace in which a later commit failed.
fn of_trace(journey: &Journey<'_>, testimony: &Testimony<'_>, trace: u16) -> Option<Word> {
    let way = journey.way;
    let failed_after = |at_ns: u64, sender: usize| {
        let mut failed = journey.order.of(What::RolledBack.number(way));
        failed.any(|failed| failed.trace == trace && failed.label == sender as u32 + 1 && failed.at_ns >= at_ns)
    };
    let told = |sent: &StepId| {
        let mut sendings = journey.order.of(*sent as u8).filter(|sending| sending.trace == trace && trace != u16::MAX);
        sendings.any(|sending| failed_after(sending.at_ns, way.steps[*sent].service))
    };
    let sent = way.message.iter().map(|[sent, ..]| *sent).filter(told);
    let step = sent.map(|sent| way.steps[sent].begin).find(|enter| never_came(journey, testimony, *enter))?;
    let stretch = &way.stretches[way.steps[step].stretch];
    let about = |record: &&Record| record.trace == trace || stretch.steps.contains(&usize::from(record.what));
    Some(Word {
        verdict: if is_person(journey, step) { Verdict::Stuck } else { Verdict::Lost },
        step: Some(step),
        cause: Some(cause::PHANTOM),
        evidence: evidence(journey.order, way, journey.order.records.iter().filter(about)),
    })
}

/// Whether a state should have been recorded by now, and was not: neither it nor a later one on that side.
fn never_came(journey: &Journey<'_>, testimony: &Testimony<'_>, enter: StepId) -> bool {
    let way = journey.way;
    let states = &way.record[way.steps[enter].service];
    let later = states.iter().flatten().skip_while(|step| **step != enter);
    let recorded = |step: &StepId| journey.record(*step).is_some() || journey.order.hinted & bit(*step) != 0;
    let may_have = (testimony.open | testimony.silent) & bit(enter) != 0;
    !may_have
        && !later.copied().any(|step| recorded(&step))
        && due(journey, |journey, step| journey.latest(step))[enter] < testimony.end_ns
}
