//! What the faults did: what the world itself has recorded, and what only the ledger as a whole can prove.
//!
//! A world sees a message vanish. It takes the databases to see that a message was acknowledged and never handled, that an
//! event was never published, or that a calculation took as long as a fault says.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contracts::{
    architecture::Pricing,
    message, services,
    tables::{JOB_ABANDONED, Order},
};
use faults::{Calculation, Deed, Effect, End, Fault, Habit, Outcome, PricingFault, What};
use world::record::Record;

use super::{Account, FaultRun, Ledger, Message, Step};
use crate::{Scenario, lifecycle::Side};

/// A calculation counts as slowed when it took this share of what the fault says, in percent.
const NEARLY: u32 = 90;

/// The recorded effects, completed, with those that follow from the ledger; by time.
pub(super) fn of(ledger: &Ledger, scenario: &Scenario, recorded: Vec<Effect>) -> Vec<Effect> {
    let mut effects = named(ledger, recorded);
    // What the world has recorded itself is not told a second time.
    let known: BTreeSet<(String, String)> =
        effects.iter().filter_map(|effect| Some((effect.fault.clone(), message_of(&effect.what)?.to_owned()))).collect();
    let known = |fault: &str, id: &str| known.contains(&(fault.to_owned(), id.to_owned()));
    let kills: Vec<Effect> = effects.iter().filter(|effect| matches!(effect.what, What::NodeKilled { .. })).cloned().collect();
    let slack = scenario.people.retry;
    for account in ledger.initiated() {
        for run in &ledger.faults {
            effects.extend(calculated(account, run));
            effects.extend(unpublished(account, run, slack, |id| known(&run.fault.name, id)));
            effects.extend(overwritten(account, run));
        }
        for kill in &kills {
            let new = |effect: &Effect| message_of(&effect.what).is_some_and(|id| !known(&kill.fault, id));
            effects.extend(cut(account, kill, scenario.architecture.pricing).into_iter().filter(new));
        }
    }
    effects.sort_by(|a, b| (a.at_ns, &a.fault, &a.order_id, a.what.name()).cmp(&(b.at_ns, &b.fault, &b.order_id, b.what.name())));
    effects.dedup();
    effects
}

/// Effects that do not say whose message, row or model they hit get its order, and a message its routing key.
fn named(ledger: &Ledger, recorded: Vec<Effect>) -> Vec<Effect> {
    let open =
        |effect: &Effect| effect.order_id.is_none() && (message_of(&effect.what).is_some() || owner_of(&effect.what).is_some());
    if !recorded.iter().any(open) {
        return recorded;
    }
    let owners: BTreeMap<&str, (&Account, &Message)> = ledger
        .orders
        .iter()
        .flat_map(|account| account.messages.iter().map(move |message| (&*message.message_id, (account, message))))
        .collect();
    let complete = |mut effect: Effect| {
        if let Some((account, message)) = message_of(&effect.what).and_then(|id| owners.get(id)) {
            effect.order_id = effect.order_id.or_else(|| account.order_id.as_deref().map(str::to_owned));
            effect.hop = effect.hop.or_else(|| message::routing_key(message.announces).map(str::to_owned));
        }
        if let Some(order_id) = owner_of(&effect.what).map(str::to_owned) {
            effect.order_id = effect.order_id.or(Some(order_id));
        }
        effect
    };
    recorded.into_iter().map(complete).collect()
}

/// Whose row it is, or whose model an object is: the last part of its key.
fn owner_of(what: &What) -> Option<&str> {
    match what {
        What::ObjectLost { key, .. } => key.rsplit('/').next(),
        What::RowOverlooked { order, .. } => Some(order),
        _ => None,
    }
}

fn message_of(what: &What) -> Option<&str> {
    match what {
        What::MessageLost { message_id, .. }
        | What::PublishFailed { message_id }
        | What::DeliveryCut { message_id, .. }
        | What::Meddled { message_id, .. } => Some(message_id),
        _ => None,
    }
}

fn effect(fault: &Fault, at_ns: u64, what: What, account: &Account, hop: &str) -> Effect {
    let order_id = account.order_id.as_deref().map(str::to_owned);
    Effect { fault: fault.name.clone(), at_ns, what, order_id, hop: Some(hop.to_owned()) }
}

/// Calculations begun under a fault that took as long as it says, or ended without a price.
fn calculated(account: &Account, run: &FaultRun) -> Vec<Effect> {
    let Deed::Pricing(PricingFault { how, .. }) = run.fault.kind.deed() else { return Vec::new() };
    let troubled = |job: &super::Job| {
        let started_ns = job.started_ns.filter(|started_ns| (run.inflicted_ns..run.lifted_ns).contains(started_ns))?;
        let what = match how {
            Calculation::Slow(takes) => {
                let took = Duration::from_nanos(job.finished_ns?.saturating_sub(started_ns));
                (took * 100 >= takes * NEARLY).then_some(What::CalculationSlowed { seconds: took.as_secs() })
            }
            Calculation::Fails | Calculation::Hangs => (*job.state == *JOB_ABANDONED).then_some(What::CalculationFailed),
        };
        what.map(|what| effect(&run.fault, started_ns, what, account, "pricing work"))
    };
    account.jobs.iter().filter_map(troubled).collect()
}

/// Events committed while the broker or their publisher was away, and never published.
fn unpublished(account: &Account, run: &FaultRun, slack: Duration, known: impl Fn(&str) -> bool) -> Vec<Effect> {
    let slack = u64::try_from(slack.as_nanos()).unwrap_or(u64::MAX);
    let window = run.inflicted_ns.saturating_sub(slack)..=run.lifted_ns.saturating_add(slack);
    let steps = [Side::Shop, Side::Mes].into_iter().flat_map(|side| account.steps(side).iter().map(move |step| (side, step)));
    let (mut effects, deed) = (Vec::new(), run.fault.kind.deed());
    for (side, step) in steps {
        let Some(key) = message::routing_key(step.to) else { continue };
        let own = side == if step.to.owner() == "MES" { Side::Mes } else { Side::Shop };
        // The shop announces nothing itself: the CRM's relay does it.
        let publisher = if step.service.as_ref() == services::SHOP_API { services::CRM_API } else { step.service.as_ref() };
        let away = match &deed {
            Deed::Outage(_) => true,
            Deed::Kill { service } => service == publisher,
            deed if deed.kills() => true,
            _ => false,
        };
        let attempts = || account.messages.iter().filter(|message| message.announces == step.to);
        let published = attempts().any(|message| message.sent != Outcome::Failed || !message.deliveries.is_empty());
        let told = attempts().any(|message| known(&message.message_id));
        if own && away && !published && !told && window.contains(&step.at_ns) {
            let message_id = attempts().next().map_or(&*step.event_id, |message| &*message.message_id).to_owned();
            let what = What::PublishFailed { message_id };
            effects.push(effect(&run.fault, step.at_ns.max(run.inflicted_ns), what, account, key));
        }
    }
    effects
}

/// Updates of a row that is behind its own history, under a fault that has customers meet other writers.
fn overwritten(account: &Account, run: &FaultRun) -> Vec<Effect> {
    let Deed::People { how: Habit::Corrects { .. }, .. } = run.fault.kind.deed() else { return Vec::new() };
    let key = account.order_id.as_deref().unwrap_or_default();
    let lost = |step: &Step| {
        let what = What::UpdateLost { table: Order::TABLE.name.to_owned(), key: key.to_owned(), of: step.service.to_string() };
        effect(&run.fault, step.at_ns, what, account, step.to.name())
    };
    account.overwritten(Side::Shop).map(lost).collect()
}

/// Messages that a process had acknowledged, and not handled when it died.
fn cut(account: &Account, kill: &Effect, pricing: Pricing) -> Vec<Effect> {
    let What::NodeKilled { node } = &kill.what else { return Vec::new() };
    let unhandled = |message: &&Message| {
        let last = message.deliveries.last();
        message.end == End::Acked
            && message.end_ns <= kill.at_ns
            && last.is_some_and(|delivery| *delivery.node == **node && delivery.at_ns <= kill.at_ns)
            && !handled(account, message, kill.at_ns, pricing)
    };
    let cut = |message: &Message| Effect {
        what: What::DeliveryCut { message_id: message.message_id.to_string(), acknowledged: true },
        order_id: account.order_id.as_deref().map(str::to_owned),
        hop: message::routing_key(message.announces).map(str::to_owned),
        ..kill.clone()
    };
    account.messages.iter().filter(unhandled).map(cut).collect()
}

/// Whether a message's work was done at a time: recorded, and calculated where the handler calculates.
fn handled(account: &Account, message: &Message, at_ns: u64, pricing: Pricing) -> bool {
    let receiver = if message.announces.owner() == "MES" { Side::Shop } else { Side::Mes };
    let recorded = account.entered(receiver, message.announces).is_some_and(|entered_ns| entered_ns <= at_ns);
    let calculates = message.announces == contracts::Status::Submitted && pricing == Pricing::Blocking;
    let begun = message.deliveries.last().map_or(0, |delivery| delivery.at_ns);
    // A calculation of this delivery that had begun by then and was not done.
    let running = account.jobs.iter().any(|job| {
        job.started_ns.is_some_and(|started_ns| (begun..=at_ns).contains(&started_ns))
            && job.finished_ns.is_none_or(|finished_ns| finished_ns > at_ns)
    });
    recorded && !(calculates && running)
}
