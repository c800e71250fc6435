//! What a run could not see, and the smallest change of instrumentation that would show it.

use detector::Verdict;

use crate::{
    calls,
    case::Case,
    matching::Matched,
    ordered::Ordered,
    report::{BadHop, ClientRow, Exposure, FaultRow, Unseen},
    words,
};

/// Everything that limits what can be said, the gravest first.
#[must_use]
pub fn unseen(
    (case, gap): (&Case, Option<&str>),
    matched: &Matched<'_>,
    hops: &[BadHop],
    faults: &[FaultRow],
    exposure: &Exposure,
    clients: &Ordered<ClientRow>,
) -> Vec<Unseen> {
    let mut all = Vec::new();
    let mut say = |what: String, remedy: Option<&str>| all.push(Unseen { what, remedy: remedy.map(str::to_owned) });
    if let Some(gap) = gap {
        say(gap.to_owned(), None);
    }
    let unnamed = matched.pairs.iter().filter(|pair| pair.finding.is_none()).count() as u64;
    if unnamed > 0 {
        let orders = words::several(unnamed, "order");
        say(
            format!("{orders} without any trace"),
            Some("record the order id on a span of each service, and sample no order away"),
        );
    }
    for hop in hops.iter().filter(|hop| hop.blind) {
        let blind = hop.exposure.orders - hop.exposure.exposed;
        let place = hop.hop.as_deref().unwrap_or("an unnamed hop");
        say(format!("{} {} at {place} and not exposed", words::several(blind, "order"), hop.truth), remedy(place));
    }
    if exposure.fine_but_unknown > 0 {
        let orders = words::several(exposure.fine_but_unknown, "order");
        say(format!("{orders} that are fine, though the telemetry does not say so"), None);
    }
    for (client, failed) in calls::unexplained(clients) {
        say(
            format!("why {} of {client} failed", words::several(failed, "call")),
            Some("a span for each request at the service that answers it, with the order and `error.type`"),
        );
    }
    for fault in faults.iter().filter(|fault| fault.effects == 0) {
        say(
            format!("what {} would have done: it had no effect", fault.name),
            Some("more load while it lasts, or a longer fault"),
        );
    }
    for (key, (messages, valid)) in case.contexts.iter().flat_map(|contexts| &contexts.by_key).filter(|(_, it)| it.1 < it.0) {
        let way = case.run.routes.get(&**key).map(|(from, to)| format!(" from {from} to {to}")).unwrap_or_default();
        let without = words::count(messages - valid);
        say(
            format!("{without} of {} {key} messages{way} without a valid `traceparent`", words::count(*messages)),
            Some("write the context of the send into the message's headers"),
        );
    }
    if case.telemetry.killed > 0 {
        let spans = words::several(case.telemetry.killed, "span");
        say(format!("{spans} that went down in the buffer of a killed process"), Some("send the spans of transitions at once"));
    }
    if let Some(scale) = &case.run.scale {
        say(format!("real waiting times: the run was shortened ({scale})"), Some("the simulated world runs the whole time"));
    }
    let vanished = matched.pairs.iter().filter_map(|pair| pair.finding).filter(|finding| finding.verdict == Verdict::Lost);
    let open = vanished.filter(|finding| finding.cause.is_some_and(left_open)).count() as u64;
    if open > 0 {
        let messages = words::several(open, "message");
        let what = format!("why {messages} vanished: spans name the hop, not what happened inside the broker");
        say(
            what,
            Some("the broker's counters, looked at more often, or its firehose: `instrumentation = { broker = \"firehose\" }`"),
        );
    }
    all
}

/// A cause that says no more than that a message is gone.
fn left_open(cause: &str) -> bool {
    matches!(cause, "vanished" | "unconfirmed_vanished" | "confirmed_vanished")
}

/// What telemetry would show the hop.
fn remedy(hop: &str) -> Option<&'static str> {
    Some(match hop.rsplit_once(' ')?.1 {
        "commit-send" => "a span for the publish, a child of the transition that it announces, with the message id",
        "transit" => "`traceparent` in the message, and a receive marker with the message id, sent at once",
        "process" => "a span for the processing with the event `order.status_changed`, recorded after the commit",
        "settle" => "a span for the ack, with the message id",
        "wait" => "the event `order.status_changed` in the span of both states, with the order id",
        "work-wait" | "work" => "a start marker for the calculation, sent when it begins",
        _ => return None,
    })
}
