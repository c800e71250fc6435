//! Whether a cause that the detector claims is what happened, by the ledger. Tests of both worlds ask.

use std::collections::BTreeMap;

use contracts::message;
use detector::{Finding, Tier};
use faults::End;
use harness::Played;

/// The causes that were claimed with the broker's records, by tier: how often.
pub(crate) type Claimed = BTreeMap<(&'static str, Tier), u64>;

/// Counts the claims of a run that rest on the broker's records. Each names its records, and each is true.
pub(crate) fn checked(run: &str, played: &Played) -> Claimed {
    let ends = ends(played);
    let mut claimed = Claimed::new();
    for finding in played.findings.iter().filter(|finding| finding.tier >= Tier::C) {
        let cause = finding.cause.unwrap();
        let ends = key(finding).and_then(|key| ends.get(&(&*finding.order_id, key))).map_or(&[][..], Vec::as_slice);
        assert!(is_true(cause, ends), "{run}: {ends:?} {finding:#?}");
        assert!(!finding.records.is_empty(), "{run}: {finding:#?}");
        *claimed.entry((cause, finding.tier)).or_default() += 1;
    }
    claimed
}

/// The routing key of the message at whose hop an order went wrong.
fn key(finding: &Finding) -> Option<&'static str> {
    let hop = finding.hop.as_deref()?;
    message::TOPOLOGY
        .bindings
        .iter()
        .map(|(_, key, _)| *key)
        .find(|key| hop.strip_prefix(key).is_some_and(|rest| rest.starts_with(' ')))
}

/// What became of the messages of each order, by routing key.
fn ends(played: &Played) -> BTreeMap<(&str, &'static str), Vec<End>> {
    let mut ends: BTreeMap<_, Vec<End>> = BTreeMap::new();
    for account in played.ledger.initiated() {
        for fate in &account.messages {
            if let (Some(order), Some(key)) = (account.order_id.as_deref(), message::routing_key(fate.announces)) {
                ends.entry((order, key)).or_default().push(fate.end);
            }
        }
    }
    ends
}

fn is_true(cause: &str, ends: &[End]) -> bool {
    let one = |wanted: &[End]| ends.iter().any(|end| wanted.contains(end));
    match cause {
        "lost_from_queue" | "lost_unacked" => one(&[End::Lost]),
        // In its queue or on its way there.
        "gone_with_broker" => one(&[End::Lost, End::NotSent]),
        // Without a connection there is not even a message.
        "broker_away" => ends.iter().all(|end| *end == End::NotSent),
        "never_reached_broker" | "never_queued" => one(&[End::NotSent]),
        "not_published" => ends.is_empty(),
        "unroutable" => one(&[End::Unroutable]),
        "dead_lettered" => one(&[End::Parked]),
        "acked_unprocessed" => one(&[End::Acked]),
        _ => true,
    }
}
