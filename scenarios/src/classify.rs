//! The truth about each order, from the ledger alone.
//!
//! It shares no code with the detector. [`walk`] lays an order's records along the hops of the lifecycle; what is missing
//! there is lost ([`lost`]), what took too long is slow ([`slow`]).

mod lost;
mod proof;
mod slow;
mod starved;
mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use faults::What;

use crate::{
    ledger::{Account, Ledger, Step},
    lifecycle::{Lifecycle, Side},
    truth::{Class, Proof, Truth},
};

use walk::Walk;

/// What became of each order that was created, by reference. `clock_error` is how far clocks may disagree: within it, an
/// order at a deadline is borderline. The journey is told for bad orders alone; [`journey`] tells any.
#[must_use]
pub fn classify(ledger: &Ledger, lifecycle: &Lifecycle, clock_error: Duration) -> Vec<Truth> {
    let mut hit: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut called: BTreeSet<&str> = BTreeSet::new();
    for effect in &ledger.effects {
        if let Some(order_id) = &effect.order_id {
            hit.entry(order_id).or_default().insert(&effect.fault);
            if matches!(effect.what, What::CallHit { .. }) {
                called.insert(order_id);
            }
        }
    }
    let any = |of: fn(&What) -> bool| ledger.effects.iter().any(|effect| of(&effect.what));
    // A proxy between services sees connections, and cannot say whom a call is about; nor does a process that stands still say which calls
    // it had made whose answers came meanwhile.
    let untold = called.is_empty() && any(|what| matches!(what, What::CallHit { .. }))
        || any(|what| matches!(what, What::NodePaused { .. } | What::NodeThrottled { .. }));
    let call_hit = |order_id: &str| (called.contains(order_id) || !untold).then(|| called.contains(order_id));
    let walks: Vec<Walk<'_>> = ledger.initiated().map(|account| Walk::of(account, lifecycle)).collect();
    let desks = starved::desks(&walks, lifecycle);
    let truth = |(account, walk): (&Account, &Walk<'_>)| {
        let order_id = account.order_id.clone()?;
        let mut word = word(ledger, lifecycle, account, walk, clock_error);
        if word.class == Class::Slow && starved::starved(walk, word.hop, &desks) {
            word.class = Class::Starved;
        }
        let faults = hit.get(&*order_id).into_iter().flatten().map(|fault| (*fault).to_owned()).collect();
        Some(Truth {
            order_ref: account.order_ref.clone(),
            client_type: account.client_type.clone(),
            class: word.class,
            hop: word.hop.map(|hop| hop.to_string()),
            since_ns: word.since_ns,
            faults,
            borderline: word.borderline,
            initiated_ns: walk.initiated_ns().unwrap_or(ledger.started_ns),
            closed_ns: walk.closed_ns(),
            proof: if word.class.bad() {
                proof::proof(account, lifecycle, word.hop, call_hit(&order_id))
            } else {
                Proof::default()
            },
            journey: if word.class.bad() { walk.journey() } else { Vec::new() },
            order_id,
        })
    };
    ledger.initiated().zip(&walks).filter_map(truth).collect()
}

/// The true hops of an order: name, begin and end, nanoseconds since the Unix epoch; the end is `None` when it never ended.
#[must_use]
pub fn journey(account: &Account, lifecycle: &Lifecycle) -> Vec<(String, u64, Option<u64>)> {
    Walk::of(account, lifecycle).journey()
}

/// When the last deadline passes that some order has not met yet, nanoseconds since the Unix epoch.
///
/// A process that was killed took down what it had to say of the orders in its hands. Whether one got on shows by those who
/// come after it in the lifecycle, so their deadline counts too.
#[must_use]
pub fn last_open_deadline(ledger: &Ledger, lifecycle: &Lifecycle) -> Option<u64> {
    let killed = ledger.faults.iter().any(|run| run.fault.kind.deed().kills());
    ledger.initiated().filter_map(|account| slow::last_open(&Walk::of(account, lifecycle), killed)).max()
}

/// What is said of one order.
struct Word<'a> {
    class: Class,
    hop: Option<&'a str>,
    since_ns: Option<u64>,
    borderline: bool,
}

/// The worst that is true of an order.
fn word<'a>(ledger: &Ledger, lifecycle: &'a Lifecycle, account: &Account, walk: &Walk<'a>, clock_error: Duration) -> Word<'a> {
    let bad = |class, hop, since_ns| Word { class, hop, since_ns, borderline: false };
    let closed = walk.closed_ns().is_some();
    let movable = ledger.unsettled.is_some() && lost::movable(ledger, account);
    // Where only a person is missing nothing is lost: whoever comes back finds the order where it was.
    if !closed && !movable && !lost::abandoned(walk) {
        let class = if lost::parked(account, walk) { Class::Parked } else { Class::Lost };
        return bad(class, lost::hop(walk), Some(lost::last_sign(account)));
    }
    if closed && let Some(hop) = lost::disagreement(account, walk) {
        return bad(Class::Diverged, Some(hop), walk.closed_ns());
    }
    if let Some((hop, since_ns)) = duplicate(account, lifecycle) {
        return bad(Class::Duplicated, hop, Some(since_ns));
    }
    if !closed && let Some((hop, since_ns)) = slow::overdue(walk, ledger.end_ns) {
        return bad(Class::Stuck, hop, Some(since_ns));
    }
    let pace = slow::pace(walk, clock_error);
    let fine = if closed { Class::Ok } else { Class::InFlight };
    match pace.breach {
        Some((hop, since_ns)) => Word { class: Class::Slow, hop, since_ns: Some(since_ns), borderline: pace.borderline },
        None => Word { class: fine, hop: None, since_ns: None, borderline: pace.borderline },
    }
}

/// The first state in the lifecycle's order that a database recorded twice: the hop that led there the second time, and when.
fn duplicate<'a>(account: &Account, lifecycle: &'a Lifecycle) -> Option<(Option<&'a str>, u64)> {
    let again = |side: Side, status| account.steps(side).iter().filter(|step: &&Step| step.to == status).nth(1);
    for state in &lifecycle.states {
        if let Some(step) = again(state.side, state.status) {
            // The last hop of the state is the one that enters it: work or a wait.
            return Some((state.shares.last().map(|share| lifecycle.hops[share.0].name.as_ref()), step.at_ns));
        }
        if let Some(step) = again(state.side.other(), state.status) {
            let process = lifecycle.announcing(state.status).map(|message| lifecycle.hops[message.hops[2]].name.as_ref());
            return Some((process, step.at_ns));
        }
    }
    None
}

#[cfg(test)]
mod tests;
