//! Deadlines: which one an order missed, and the hop that took most of the excess.
//!
//! A deadline that is met to the nanosecond is met.

use std::time::Duration;

use super::Walk;

/// A way from one record to another that has a deadline, and the hops that share it.
struct Leg {
    begin_ns: u64,
    /// `None`: not arrived.
    end_ns: Option<u64>,
    deadline: Duration,
    /// Hops and their shares of the deadline.
    shares: Vec<(usize, f64)>,
}

/// How an order kept its deadlines.
pub(super) struct Pace<'a> {
    /// The hop with the largest excess, and when the first missed deadline passed.
    pub(super) breach: Option<(Option<&'a str>, u64)>,
    /// Whether the clocks' error decides if there is a breach.
    pub(super) borderline: bool,
}

impl Leg {
    fn due_ns(&self) -> u64 {
        self.begin_ns.saturating_add(nanos(self.deadline))
    }

    fn broken(&self) -> bool {
        self.end_ns.is_some_and(|end_ns| end_ns > self.due_ns())
    }
}

/// All legs that an order has begun: states, then messages with deadlines of their own.
fn legs(walk: &Walk<'_>) -> (Vec<Leg>, Vec<Leg>) {
    let states = walk.lifecycle.states.iter().filter_map(|state| {
        let begin_ns = walk.entered[state.status.previous()? as usize]?;
        let end_ns = walk.entered[state.status as usize];
        Some(Leg { begin_ns, end_ns, deadline: state.deadline?, shares: state.shares.clone() })
    });
    let messages = walk.lifecycle.messages.iter().filter_map(|message| {
        let index = message.announces as usize;
        let shares = message.hops.map(|hop| (hop, 1.0 / 3.0)).to_vec();
        Some(Leg { begin_ns: walk.entered[index]?, end_ns: walk.told[index], deadline: message.deadline?, shares })
    });
    (states.collect(), messages.collect())
}

/// The promise, as a leg without hops.
fn promise(walk: &Walk<'_>) -> Option<Leg> {
    let (begin_ns, end_ns) = (walk.initiated_ns()?, walk.closed_ns());
    Some(Leg { begin_ns, end_ns, deadline: walk.lifecycle.promise, shares: Vec::new() })
}

/// How an order kept the deadlines of what it has entered.
pub(super) fn pace<'a>(walk: &Walk<'a>, clock_error: Duration) -> Pace<'a> {
    let (states, messages) = legs(walk);
    let promise = promise(walk);
    let all = || states.iter().chain(&messages).chain(&promise);
    let broken: Vec<&Leg> = states.iter().chain(&messages).filter(|leg| leg.broken()).collect();
    let since_ns = all().filter(|leg| leg.broken()).map(Leg::due_ns).min();
    let breach = since_ns.map(|since_ns| {
        // When only the promise is broken, no hop is late by itself: the one that took most beyond its share is to blame.
        let blamed: Vec<&Leg> = if broken.is_empty() { states.iter().collect() } else { broken };
        (worst(walk, &blamed), since_ns)
    });
    // A leg that is late by more than the clocks may err settles it.
    let clear = all().any(|leg| leg.broken() && !near(leg, clock_error));
    Pace { breach, borderline: !clear && all().any(|leg| near(leg, clock_error)) }
}

fn near(leg: &Leg, clock_error: Duration) -> bool {
    let off = leg.end_ns.map(|end_ns| Duration::from_nanos(end_ns.abs_diff(leg.due_ns())));
    !clock_error.is_zero() && off.is_some_and(|off| off <= clock_error)
}

/// The hop with the largest excess over its share; the first one of equals.
#[expect(clippy::cast_precision_loss, reason = "a hop lasts far less than 2^53 nanoseconds")]
fn worst<'a>(walk: &Walk<'a>, legs: &[&Leg]) -> Option<&'a str> {
    let mut worst: Option<(usize, f64)> = None;
    let shares = legs.iter().flat_map(|leg| leg.shares.iter().map(|(hop, share)| (*hop, *share, leg.deadline)));
    for (hop, share, deadline) in shares {
        let times = walk.times[hop];
        let (Some(begin_ns), Some(end_ns)) = (times.begin, times.end) else { continue };
        let excess = end_ns.saturating_sub(begin_ns) as f64 - share * nanos(deadline) as f64;
        // Legs come states first, hops count in the lifecycle's order: of equals the smaller number is the earlier hop.
        if worst.is_none_or(|(first, most)| excess > most || excess >= most && hop < first) {
            worst = Some((hop, excess));
        }
    }
    worst.map(|(hop, _)| &*walk.lifecycle.hops[hop].name)
}

/// Of an order that is not at its end: the hop it is in when a deadline has passed that it has not met, and when it did.
pub(super) fn overdue<'a>(walk: &Walk<'a>, now_ns: u64) -> Option<(Option<&'a str>, u64)> {
    let (states, messages) = legs(walk);
    let promise = promise(walk);
    let open = states.iter().chain(&messages).chain(&promise).filter(|leg| leg.end_ns.is_none());
    let since_ns = open.map(Leg::due_ns).filter(|due_ns| *due_ns < now_ns).min()?;
    Some((super::lost::hop(walk), since_ns))
}

/// The last deadline that an order has not met yet. The promise counts only where no state and no message has one open: an
/// order that has missed its next state is judged by that, and a real run need not wait three weeks in miniature.
///
/// After a process was `killed` whoever comes later must have had the time to say that the order got on all the same.
pub(super) fn last_open(walk: &Walk<'_>, killed: bool) -> Option<u64> {
    let (states, messages) = legs(walk);
    let open = |legs: &[Leg]| legs.iter().filter(|leg| leg.end_ns.is_none()).map(Leg::due_ns).max();
    let later = if killed { heard_of_later(walk) } else { None };
    let promise = promise(walk).filter(|leg| leg.end_ns.is_none()).map(|leg| leg.due_ns());
    open(&states).max(open(&messages)).max(later).or(promise)
}

/// When somebody else would have shown at the latest that an order reached its next state: by the news of it, or by the
/// first later state that has another owner.
fn heard_of_later(walk: &Walk<'_>) -> Option<u64> {
    let lifecycle = walk.lifecycle;
    let next = lifecycle.states.iter().find(|state| walk.entered[state.status as usize].is_none())?;
    let mut due_ns = walk.entered[next.status.previous()? as usize]?.saturating_add(nanos(next.deadline?));
    let mut state = next;
    loop {
        let message = lifecycle.messages.iter().find(|message| message.announces == state.status);
        if let Some(deadline) = message.and_then(|message| message.deadline) {
            return Some(due_ns.saturating_add(nanos(deadline)));
        }
        let Some(after) = lifecycle.states.get(state.status as usize + 1) else { return Some(due_ns) };
        due_ns = due_ns.saturating_add(nanos(after.deadline?));
        if after.status.owner() != next.status.owner() {
            return Some(due_ns);
        }
        state = after;
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
