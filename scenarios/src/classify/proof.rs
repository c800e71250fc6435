//! What the ledger knows of the hop at which an order went wrong: what a cause that somebody names is held against.

use std::collections::BTreeSet;

use faults::Outcome;

use crate::{
    ledger::{Account, Message},
    lifecycle::{Hop, Lifecycle, Part, Side},
    truth::Proof,
};

/// `call_hit`: what faults did to calls about an order stands among their effects, and not in its account.
pub(super) fn proof(account: &Account, lifecycle: &Lifecycle, hop: Option<&str>, call_hit: Option<bool>) -> Proof {
    let hop = hop.and_then(|name| lifecycle.hops.iter().find(|hop| &*hop.name == name));
    let carried = hop.filter(|hop| matches!(hop.part, Part::CommitSend | Part::Transit | Part::Process));
    let at_hop = |status| account.messages.iter().filter(move |message| message.announces == status);
    // Who gets it a second time may be the first to take it up: the one before died with it, or had its hands full.
    let again =
        |message: &Message| message.deliveries.len() > 1 || message.deliveries.iter().any(|delivery| delivery.redelivered);
    let events: BTreeSet<&str> = account.messages.iter().map(|message| &*message.event_id).collect();
    let sent = |hop: &Hop| at_hop(hop.status).any(|message| message.sent != Outcome::Failed);
    let recorded = |hop: &Hop| account.entered(lifecycle.state(hop.status).side, hop.status).is_some();
    Proof {
        phantom: hop.is_some_and(|hop| sent(hop) && !recorded(hop)),
        ends: carried.map(|hop| at_hop(hop.status).map(|message| message.end).collect()),
        redelivered: account.messages.iter().any(again),
        published_again: events.len() < account.messages.len(),
        update_lost: [Side::Shop, Side::Mes].into_iter().any(|side| account.overwritten(side).next().is_some()),
        call_hit,
        calculation_begun: account.jobs.iter().any(|job| job.started_ns.is_some()),
    }
}
