//! `slow`: a deadline was missed. It is put down to the hop that exceeds its share of the deadline by most.

use crate::{
    cause::{self, Cause},
    finding::Verdict,
    journey::Journey,
    record::{Record, What, flag},
    spent,
    verdict::{Word, lost::person},
    way::{By, Kind, StepId, Stretch, bit},
};

/// How an order stands with its deadlines.
#[derive(Default)]
pub(crate) struct Slow {
    /// The hop that a missed deadline is put down to.
    hop: Option<StepId>,
    /// A stretch may have missed its deadline, or not: too little of it was seen. Its last step.
    pub(crate) blurred: Option<StepId>,
    /// It is open for the clocks alone.
    pub(crate) skewed: bool,
    /// How much of the tightest deadline was left at least.
    pub(crate) spare_ns: u64,
}

/// Whether a deadline was missed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
    Perhaps,
}

/// A hop and by how much it exceeds its share, nanoseconds. The first of equals stays.
#[derive(Default)]
struct Worst(Option<(i128, StepId)>);

impl Worst {
    fn offer(&mut self, excess: i128, step: StepId) {
        if self.0.is_none_or(|(most, _)| excess > most) {
            self.0 = Some((excess, step));
        }
    }
}

/// Compares every stretch that was walked with its deadline, and the whole way with the promise. By service, `clocks` are how much
/// those may be wrong.
pub(super) fn slow(journey: &Journey<'_>, clocks: &[u64]) -> Slow {
    let way = journey.way;
    let (mut worst, mut slow) = (Worst::default(), Slow { spare_ns: u64::MAX, ..Slow::default() });
    for stretch in &way.stretches {
        let Some(deadline_ns) = stretch.deadline_ns else { continue };
        match kept(journey, (stretch.first, stretch.last), deadline_ns, (clocks, &mut slow)) {
            Kept::Yes => {}
            Kept::No => blame(journey, stretch, deadline_ns, &mut worst),
            Kept::Perhaps => slow.blurred = slow.blurred.or(Some(stretch.last)),
        }
    }
    if let (None, Some(promise_ns)) = (&worst.0, way.promise_ns) {
        match kept(journey, (0, way.last()), promise_ns, (clocks, &mut slow)) {
            Kept::Yes => {}
            // No state is late by itself: all of them are to blame, news that nobody waits for are not.
            Kept::No => {
                let states = way.stretches.iter().filter(|stretch| matches!(way.steps[stretch.last].kind, Kind::Enter { .. }));
                for stretch in states {
                    if let Some(deadline_ns) = stretch.deadline_ns {
                        blame(journey, stretch, deadline_ns, &mut worst);
                    }
                }
            }
            Kept::Perhaps => slow.blurred = slow.blurred.or(Some(way.last())),
        }
    }
    slow.hop = worst.0.map(|(_, step)| step);
    slow
}

pub(super) fn word(journey: &Journey<'_>, slow: &Slow) -> Option<Word> {
    let step = slow.hop?;
    let stretch = &journey.way.stretches[journey.way.steps[step].stretch];
    let steps = stretch.steps.iter().fold(bit(stretch.first), |set, step| set | bit(*step));
    Some(Word {
        verdict: Verdict::Slow,
        step: Some(step),
        cause: Some(cause(journey, step)),
        evidence: journey.evidence_of_steps(steps),
    })
}

/// The moment at which the first deadline passed unmet.
pub(super) fn first_missed(journey: &Journey<'_>, end_ns: u64) -> Option<u64> {
    let way = journey.way;
    let missed = |first: StepId, last: StepId, deadline_ns: u64| {
        let due = journey.latest(first).saturating_add(deadline_ns);
        let met = if journey.has_happened(last) { journey.earliest(last) <= due } else { end_ns <= due };
        (journey.has_happened(first) && !met).then_some(due)
    };
    let stretches = way.stretches.iter().filter_map(|stretch| missed(stretch.first, stretch.last, stretch.deadline_ns?));
    let promise = way.promise_ns.and_then(|promise_ns| missed(0, way.last(), promise_ns));
    stretches.chain(promise).min()
}

/// Whether the time between two steps that have happened is within a deadline. Where a step was not seen itself, what was
/// seen before and after it sets bounds; so do clocks that may be wrong.
fn kept(journey: &Journey<'_>, (first, last): (StepId, StepId), deadline_ns: u64, (clocks, slow): (&[u64], &mut Slow)) -> Kept {
    if !journey.has_happened(last) {
        return Kept::Yes;
    }
    let at_least = journey.earliest(last).saturating_sub(journey.latest(first));
    let at_most = journey.latest(last).saturating_sub(journey.earliest(first));
    let wrong_ns = [first, last].iter().filter_map(|step| clocks.get(journey.way.steps[*step].service)).max().map_or(0, |ns| *ns);
    slow.spare_ns = slow.spare_ns.min(deadline_ns.saturating_sub(at_most));
    if at_least > deadline_ns.saturating_add(wrong_ns) {
        Kept::No
    } else if at_most.saturating_add(wrong_ns) > deadline_ns {
        slow.skewed |= at_most <= deadline_ns || at_least > deadline_ns;
        Kept::Perhaps
    } else {
        Kept::Yes
    }
}

/// Offers the hops of a stretch. Hops between which nothing was seen count as one, under the name of the largest.
fn blame(journey: &Journey<'_>, stretch: &Stretch, deadline_ns: u64, worst: &mut Worst) {
    let way = journey.way;
    let mut since = journey.earliest(stretch.first);
    let (mut share, mut largest) = (0.0, None::<StepId>);
    for step in stretch.steps.iter().copied() {
        share += way.steps[step].share;
        if largest.is_none_or(|largest| way.steps[step].share > way.steps[largest].share) {
            largest = Some(step);
        }
        let until = match journey.at(step).or_else(|| journey.by_attempt(step)) {
            Some(at) => at,
            None if step == stretch.last => journey.latest(step),
            None => continue,
        };
        let allowed = (share * deadline_ns as f64).round() as i128;
        worst.offer(i128::from(until.saturating_sub(since)) - allowed, largest.unwrap_or(step));
        (since, share, largest) = (until, 0.0, None);
    }
}

fn cause(journey: &Journey<'_>, step: StepId) -> Cause {
    let spent = || spent::most(journey, step);
    let redelivered = |message: usize| {
        let received = journey.record(journey.way.message[message][1]);
        let processed = || journey.order.of(What::Process(message).number(journey.way));
        let again = |record: &Record| record.is(flag::REDELIVERED);
        received.is_some_and(again) || processed().any(again)
    };
    match journey.way.steps[step].kind {
        Kind::Send(_) => cause::PUBLISH_LATE,
        Kind::Receive(message) if redelivered(message) => cause::REDELIVERED,
        Kind::Receive(_) | Kind::Start(_) => cause::QUEUE_WAIT,
        Kind::Effect(_) => spent().unwrap_or(cause::PROCESSING),
        Kind::Enter { by: By::Work, .. } => spent().unwrap_or(cause::WORK),
        Kind::Enter { by: By::Person, .. } => person(journey, step),
        Kind::Enter { by: By::Itself, .. } => spent().unwrap_or(cause::PROCESSING),
    }
}
