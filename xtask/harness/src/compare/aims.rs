//! Which events the faults of a run met, out of its ledger.

use std::collections::BTreeMap;

use compare::aims::{Aimed, Aims};
use contracts::message;
use faults::{Deed, What};
use scenarios::ledger::{FaultRun, Ledger, Message};

/// Nanoseconds. A real fault takes its time to begin and to end: what came by so near to either was perhaps not met.
const EDGE: u64 = 500_000_000;

/// Whom each fault met that draws by the event's name. One that stops after so many is left out: who comes first is luck.
#[must_use]
pub fn aims(ledger: &Ledger) -> Aims {
    let aimed =
        ledger.faults.iter().filter_map(|run| Some((run.fault.name.clone(), met(ledger, run, key(&run.fault.kind.deed())?))));
    Aims(aimed.collect())
}

/// The routing key that such a fault is aimed at, or any; `None` where a fault draws otherwise.
#[expect(clippy::option_option, reason = "no such fault, any key, or this one")]
fn key(deed: &Deed) -> Option<Option<String>> {
    let (key, most) = match deed {
        Deed::Meddle(meddling) => (&meddling.key, meddling.most),
        Deed::RollBack(how) => (&how.key, how.most),
        _ => return None,
    };
    most.is_none().then(|| key.clone())
}

fn met(ledger: &Ledger, run: &FaultRun, key: Option<String>) -> Aimed {
    let messages = || ledger.orders.iter().flat_map(|account| account.messages.iter().map(move |message| (account, message)));
    let by_id: BTreeMap<&str, &Message> = messages().map(|(_, message)| (&*message.message_id, message)).collect();
    let mut aimed = Aimed::default();
    for effect in ledger.effects.iter().filter(|effect| effect.fault == run.fault.name) {
        let event = match &effect.what {
            What::Meddled { message_id, .. } => by_id.get(message_id.as_str()).map(|message| &message.event_id),
            What::RolledBack { .. } => messages().find_map(|(account, message)| {
                let this =
                    account.order_id.as_deref() == effect.order_id.as_deref() && routing_key(message) == effect.hop.as_deref();
                this.then_some(&message.event_id)
            }),
            _ => None,
        };
        aimed.hit.extend(event.map(ToString::to_string));
    }
    let aimed_at = |message: &Message| key.as_deref().is_none_or(|key| routing_key(message) == Some(key));
    let passed = messages().filter(|(_, message)| aimed_at(message) && came_by(message, run));
    let spared = passed.map(|(_, message)| message.event_id.to_string()).filter(|event| !aimed.hit.contains(event)).collect();
    Aimed { spared, ..aimed }
}

fn routing_key(message: &Message) -> Option<&'static str> {
    message::routing_key(message.announces)
}

/// All of its way was within the fault's time.
fn came_by(message: &Message, run: &FaultRun) -> bool {
    let (from, until) = (run.inflicted_ns + EDGE, run.lifted_ns.saturating_sub(EDGE));
    let last = message.deliveries.iter().map(|delivery| delivery.at_ns).max();
    message.published_ns >= from && last.is_some_and(|last| last <= until)
}
