//! An order that nobody can move any more: which hop it was lost at, and since when.

use contracts::{
    Status,
    tables::{JOB_QUEUED, JOB_RUNNING, Order, Outbox, PriceJob},
};
use faults::{Effect, End, What};
use world::record::Record;

use super::Walk;
use crate::{
    actors::intents::{Outcome, Who},
    ledger::{Account, Ledger},
    lifecycle::{Hop, Part, Side},
};

/// Whether a row, message, job, timer or somebody's intent can still move the order.
pub(super) fn movable(ledger: &Ledger, account: &Account) -> bool {
    let meant = account.intents.iter().any(|intent| intent.outcome == Outcome::Open);
    let underway = account.messages.iter().any(|message| matches!(message.end, End::Ready | End::Unacked));
    // Whoever claims rows comes by again, but for those that a fault has let them overlook.
    let seen = |table: &str| {
        let about = |effect: &&Effect| effect.order_id == account.order_id.as_deref().map(str::to_owned);
        let overlooked = |effect: &Effect| matches!(&effect.what, What::RowOverlooked { table: of, .. } if of == table);
        !ledger.effects.iter().filter(about).any(overlooked)
    };
    let calculating = account.jobs.iter().any(|job| {
        let age_ns = ledger.end_ns.saturating_sub(job.started_ns.unwrap_or(ledger.end_ns));
        let alive = u128::from(age_ns) <= ledger.calculation_limit.as_nanos();
        job.state.as_ref() == JOB_QUEUED && seen(PriceJob::TABLE.name) || job.state.as_ref() == JOB_RUNNING && alive
    });
    let given_up = |who| account.intents.iter().any(|intent| intent.who == who && intent.outcome == Outcome::GivenUp);
    let stands = |side, status| match side {
        Side::Shop => account.shop_row.as_ref().is_some_and(|row| row.status == status),
        Side::Mes => account.mes_row.as_ref().is_some_and(|row| row.status == status),
    };
    let unclaimed = account.shop_row.as_ref().is_some_and(|row| !row.claimed);
    meant
        || underway
        || calculating
        || !account.unsent.is_empty() && seen(Outbox::TABLE.name)
        || ledger.relayed && unclaimed && stands(Side::Shop, Status::Submitted) && seen(Order::TABLE.name)
        || stands(Side::Shop, Status::PriceCalculated) && !given_up(Who::Seller)
        || stands(Side::Mes, Status::ManufacturingApproved) && !given_up(Who::Operator)
}

/// The first hop in the lifecycle's order that did not end and that stands in the way of the rest.
pub(super) fn hop<'a>(walk: &Walk<'a>) -> Option<&'a str> {
    obstacle(walk).map(|hop| &*hop.name)
}

/// Whether that hop is a wait: the order stands where people find it, and they have given it up.
pub(super) fn abandoned(walk: &Walk<'_>) -> bool {
    obstacle(walk).is_some_and(|hop| hop.part == Part::Wait)
}

/// Whether what is missing waits in a queue of dead letters: somebody may still look.
pub(super) fn parked(account: &Account, walk: &Walk<'_>) -> bool {
    let waits = |hop: &Hop| account.messages.iter().any(|message| message.announces == hop.status && message.end == End::Parked);
    obstacle(walk).is_some_and(|hop| hop.part == Part::Process && waits(hop))
}

fn obstacle<'a>(walk: &Walk<'a>) -> Option<&'a Hop> {
    let mut hops = walk.lifecycle.hops.iter().zip(&walk.times);
    hops.find(|(hop, times)| times.end.is_none() && !passed(walk, hop.part, hop.status)).map(|(hop, _)| hop)
}

/// Whether the side that a hop leads to has recorded a later state: then the hop is in nobody's way.
fn passed(walk: &Walk<'_>, part: Part, status: Status) -> bool {
    let at = walk.lifecycle.state(status).side;
    let side = if matches!(part, Part::CommitSend | Part::Transit | Part::Process) { at.other() } else { at };
    Status::ALL.into_iter().filter(|later| *later > status).any(|later| {
        let record = if walk.lifecycle.state(later).side == side { walk.entered } else { walk.told };
        record[later as usize].is_some()
    })
}

/// Of an order that was closed: the hop at which the other side fell behind for good.
pub(super) fn disagreement<'a>(account: &Account, walk: &Walk<'a>) -> Option<&'a str> {
    let shop = account.shop_row.as_ref().map(|row| row.status);
    let mes = account.mes_row.as_ref().map(|row| row.status);
    if shop == Some(Status::Closed) && mes == Some(Status::Shipped) {
        return None;
    }
    hop(walk).or_else(|| walk.lifecycle.hops.last().map(|hop| &*hop.name))
}

/// The last time that anything happened to an order, nanoseconds since the Unix epoch.
pub(super) fn last_sign(account: &Account) -> u64 {
    let steps = account.shop.iter().chain(&account.mes).map(|step| step.at_ns);
    let sent = account.messages.iter().map(|message| message.published_ns);
    let delivered = account.messages.iter().flat_map(|message| &message.deliveries).map(|delivery| delivery.at_ns);
    let worked = account.jobs.iter().flat_map(|job| [job.started_ns, job.finished_ns]).flatten();
    steps.chain(sent).chain(delivered).chain(worked).max().unwrap_or(0)
}
