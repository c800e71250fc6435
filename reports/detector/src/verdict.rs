//! The word on one order. Each verdict has a file of its own; this one holds their precedence.

mod claim;
mod diverged;
mod duplicated;
mod halt;
mod lost;
mod overwritten;
mod parked;
mod phantom;
mod slow;
mod starved;

use std::sync::Arc;

use crate::{
    behind::Behind,
    broker::Broker,
    cause::{self, Cause},
    finding::{Finding, Tier, Verdict},
    journey::{Evidence, Journey},
    order::Order,
    turns::Turns,
    way::{StepId, Steps, Way, bit, members},
};

pub(crate) use halt::Halt;

/// What is known of the telemetry itself when an order is judged.
pub(crate) struct Testimony<'a> {
    pub(crate) way: &'a Way,
    /// The end of the run, nanoseconds since the Unix epoch.
    pub(crate) end_ns: u64,
    /// Steps that nobody shows for any order.
    pub(crate) silent: Steps,
    /// Steps that a known gap may have swallowed, for this order.
    pub(crate) hidden: &'a dyn Fn(&Journey<'_>) -> Steps,
    /// Records of states that may have been repeated in a known gap, for this order.
    pub(crate) open: Steps,
    /// By service: how much its clock may be wrong.
    pub(crate) slack: &'a [u64],
    /// What the broker let see of itself.
    pub(crate) broker: &'a Broker,
    /// Who took what in which order.
    pub(crate) turns: &'a Turns,
    /// Behind which order this one waited at a step.
    pub(crate) behind: &'a dyn Fn(&Journey<'_>, StepId) -> Option<Behind>,
}

/// A verdict with its reasons.
struct Word {
    verdict: Verdict,
    step: Option<StepId>,
    cause: Option<Cause>,
    evidence: Evidence,
}

/// Judges an order of which everything is there that will ever be.
pub(crate) fn judge(order: &Order, client_type: Arc<str>, testimony: &Testimony<'_>) -> Finding {
    let way = testimony.way;
    if order.closed.is_some() {
        return judge_closed(order, client_type, testimony);
    }
    let journey = Journey::of(order, way);
    let halt = halt::halt(&journey, testimony);
    let slow = slow::slow(&journey, testimony.slack);
    let word = phantom::phantom(&journey, testimony).unwrap_or_else(|| word(&journey, &halt, &slow, testimony.open));
    let word = parked::or(word, &journey, testimony);
    let word = starved::or(word, &journey, testimony.turns);
    let word = overwritten::or(word, &journey, testimony);
    let word = overwritten::set_back(order, way, testimony).unwrap_or(word);
    // An order that halts should have shown the hop at which it does.
    let halted = word.step.filter(|step| !journey.has_happened(*step)).map_or(0, bit);
    let expected = (journey.happened | halted) & !1;
    let claim = claim::strongest(&journey, &word, testimony);
    let alarmed_ns = word.verdict.alarms().then(|| alarm(&journey, testimony.end_ns, word.verdict)).flatten();
    Finding {
        order_id: order.id.clone(),
        client_type,
        verdict: word.verdict,
        hop: word.step.map(|step| way.steps[step].hop.clone()),
        cause: claim.cause.map(|cause| cause.name),
        tier: claim.tier,
        evidence: word.evidence.spans,
        records: [word.evidence.logs, claim.records].concat(),
        behind: word.step.filter(|_| word.cause == Some(cause::QUEUE_WAIT)).and_then(|step| (testimony.behind)(&journey, step)),
        alarmed_ns,
        hops_expected: expected.count_ones(),
        hops_seen: (journey.seen() & expected).count_ones(),
        journey: if word.verdict == Verdict::Ok { Vec::new() } else { journey.hops() },
    }
}

/// The hops that an order at its end showed, if nothing is wrong with it, and how much of its tightest deadline was left.
pub(crate) fn fine(journey: &Journey<'_>) -> Option<(Steps, u64)> {
    let slow = slow::slow(journey, &[]);
    (word(journey, &Halt::Done, &slow, 0).verdict == Verdict::Ok).then(|| (journey.seen(), slow.spare_ns))
}

/// The first that applies, the worst first. What is certain goes before what is not.
fn word(journey: &Journey<'_>, halt: &Halt, slow: &slow::Slow, open: Steps) -> Word {
    lost::lost(journey, halt)
        .or_else(|| diverged::diverged(journey, open))
        .or_else(|| duplicated::duplicated(journey.order, journey.way))
        .or_else(|| lost::stuck(journey, halt))
        .or_else(|| slow::word(journey, slow))
        .or_else(|| lost::unknown(journey, halt))
        .unwrap_or_else(|| match halt {
            Halt::Moving => Word { verdict: Verdict::InFlight, step: None, cause: None, evidence: Evidence::default() },
            _ => match slow.blurred {
                Some(step) => blurred(journey, step, slow.skewed),
                None => unblemished(open),
            },
        })
}

/// Nothing is wrong with an order, as far as that shows: a record that was made twice may have shown once.
fn unblemished(open: Steps) -> Word {
    let evidence = Evidence::default();
    match members(open).next() {
        Some(step) => Word { verdict: Verdict::Unknown, step: Some(step), cause: Some(cause::TELEMETRY_GAP), evidence },
        None => Word { verdict: Verdict::Ok, step: None, cause: None, evidence },
    }
}

/// An order that came to its end in time, by the clocks that there were.
fn in_time(order: &Order, testimony: &Testimony<'_>) -> Word {
    if testimony.slack.iter().max().is_none_or(|slack| *slack <= order.spare_ns) {
        return unblemished(testimony.open);
    }
    let step = Some(testimony.way.last());
    Word { verdict: Verdict::Unknown, step, cause: Some(cause::CLOCKS_DISAGREE), evidence: Evidence::default() }
}

fn blurred(journey: &Journey<'_>, step: StepId, skewed: bool) -> Word {
    let evidence = journey.evidence_of_stretch(journey.way.steps[step].stretch);
    Word {
        verdict: Verdict::Unknown,
        step: Some(step),
        cause: Some(if skewed { cause::CLOCKS_DISAGREE } else { cause::BLURRED }),
        evidence,
    }
}

/// The first moment at which a rule was broken.
fn alarm(journey: &Journey<'_>, end_ns: u64, verdict: Verdict) -> Option<u64> {
    let refused = if matches!(verdict, Verdict::Lost | Verdict::Diverged) { diverged::first_failure(journey) } else { None };
    let repeated = duplicated::first(journey.order, journey.way);
    [slow::first_missed(journey, end_ns), repeated, refused].into_iter().flatten().min()
}

/// An order that came to its end in time, whatever was said of it afterwards.
fn judge_closed(order: &Order, client_type: Arc<str>, testimony: &Testimony<'_>) -> Finding {
    let way = testimony.way;
    let Word { verdict, step, cause, evidence } = overwritten::set_back(order, way, testimony)
        .or_else(|| duplicated::duplicated(order, way))
        .unwrap_or_else(|| in_time(order, testimony));
    Finding {
        order_id: order.id.clone(),
        client_type,
        verdict,
        hop: step.map(|step| way.steps[step].hop.clone()),
        cause: cause.map(|cause| cause.name),
        tier: cause.map_or(Tier::A, |cause| cause.tier),
        evidence: evidence.spans,
        records: evidence.logs,
        behind: None,
        alarmed_ns: duplicated::first(order, way),
        hops_expected: (way.all & !1).count_ones(),
        hops_seen: (order.seen & !1).count_ones(),
        journey: Vec::new(),
    }
}
