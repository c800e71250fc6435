//! `duplicated`: one side recorded a state more than once.

use crate::{
    cause::{self, Cause},
    finding::Verdict,
    journey::evidence,
    order::Order,
    record::{Record, What, flag},
    verdict::Word,
    way::{Kind, StepId, Way, members},
};

/// The first state in the order of the lifecycle that was recorded more than once. The evidence are the spans that recorded
/// it again.
pub(super) fn duplicated(order: &Order, way: &Way) -> Option<Word> {
    let step = members(order.repeated(way)).next()?;
    let again = again(order, step);
    Some(Word {
        verdict: Verdict::Duplicated,
        step: Some(step),
        cause: Some(cause(order, way, step)),
        evidence: evidence(order, way, again.into_iter()),
    })
}

/// When a state was first recorded again.
pub(super) fn first(order: &Order, way: &Way) -> Option<u64> {
    members(order.repeated(way)).flat_map(|step| again(order, step)).map(|record| record.at_ns).min()
}

/// All records of a step but the first. Of a closed order only those that came later are kept.
fn again(order: &Order, step: StepId) -> Vec<&Record> {
    let mut records: Vec<&Record> = order.of(step as u8).collect();
    records.sort_by_key(|record| record.place());
    let first = usize::from(order.closed.is_none()).min(records.len());
    records.split_off(first)
}

fn cause(order: &Order, way: &Way, step: StepId) -> Cause {
    let message = match way.steps[step].kind {
        Kind::Effect(message) => Some(message),
        Kind::Enter { state, .. } if way.start[state].is_some() => way.after[state],
        _ => None,
    };
    let Some(message) = message else { return cause::REPEATED };
    let deliveries = || order.of(What::Process(message).number(way));
    if deliveries().any(|delivery| delivery.is(flag::REDELIVERED)) {
        return cause::REDELIVERED;
    }
    // Each sending has a message id of its own.
    let mut sent = deliveries().map(|delivery| delivery.label).filter(|label| *label != 0);
    match sent.next() {
        Some(first) if sent.any(|other| other != first) => cause::PUBLISHED_TWICE,
        _ => cause::REPEATED,
    }
}
