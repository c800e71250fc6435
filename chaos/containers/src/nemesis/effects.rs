//! What the faults did, read from the journals of all processes and the account of the messages.

use std::collections::{BTreeMap, BTreeSet};

use adapters::journal::{Entry, Line};
use faults::{Effect, End, MessageFate, Outcome, What};

use crate::account;

/// How long after the end of a fault a lost connection still is its doing.
pub(super) const AFTERMATH_NS: u64 = 5_000_000_000;

/// From when to when a fault lasted, nanoseconds since the Unix epoch.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) fault: String,
    pub(super) hit: Hit,
    pub(super) from_ns: u64,
    pub(super) until_ns: Option<u64>,
}

/// What a fault hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// The broker.
    Broker,
    /// A process, as `<service>-<instance>.<incarnation>`.
    Process(String),
    /// A process, by the same name, that stood still.
    Paused(String),
}

impl Window {
    /// Whether it broke connections of a node to the broker: those of all, or of one that stood still for too long.
    fn disconnects(&self, node: &str) -> bool {
        match &self.hit {
            Hit::Broker => true,
            Hit::Paused(paused) => paused == node,
            Hit::Process(_) => false,
        }
    }

    fn covers(&self, at_ns: u64) -> bool {
        self.from_ns <= at_ns && self.until_ns.is_none_or(|until| at_ns <= until + AFTERMATH_NS)
    }

    fn effect(&self, at_ns: u64, what: What, fate: Option<&MessageFate>) -> Effect {
        let (order_id, hop) = (fate.map(|fate| fate.order_id.clone()), fate.map(|fate| fate.routing_key.to_string()));
        Effect { fault: self.fault.clone(), at_ns, what, order_id, hop }
    }
}

/// All of them, by time.
pub(super) fn of(windows: &[Window], lines: &[Line], fates: &[MessageFate], queue_of: &BTreeMap<String, String>) -> Vec<Effect> {
    let fates_by_id: BTreeMap<&str, &MessageFate> = fates.iter().map(|fate| (fate.message_id.as_str(), fate)).collect();
    let mut effects = of_the_broker(windows, lines, fates, &fates_by_id, queue_of);
    for window in windows {
        if let Hit::Paused(node) = &window.hit {
            effects.push(window.effect(window.from_ns, What::NodePaused { node: node.clone() }, None));
            effects.extend(held_up(window, node, lines, fates));
        }
        if let Hit::Process(node) = &window.hit {
            effects.push(window.effect(window.from_ns, What::NodeKilled { node: node.clone() }, None));
            effects.extend(in_its_hands(lines, node, window.from_ns).map(|message_id| {
                let what = What::DeliveryCut { message_id: message_id.to_owned(), acknowledged: false };
                window.effect(window.from_ns, what, fates_by_id.get(message_id).copied())
            }));
        }
    }
    effects.sort_by_key(|effect| effect.at_ns);
    effects
}

/// Lost connections, publishes that failed, messages that are gone.
fn of_the_broker(
    windows: &[Window],
    lines: &[Line],
    fates: &[MessageFate],
    fates_by_id: &BTreeMap<&str, &MessageFate>,
    queue_of: &BTreeMap<String, String>,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for line in lines {
        let at_ns = line.at_ns;
        let mut own = windows.iter().filter(|window| window.disconnects(&line.node));
        match &line.entry {
            Entry::ConnectionLost { .. } => {
                let what = What::ConnectionLost { node: line.node.clone() };
                effects.extend(own.rfind(|window| window.covers(at_ns)).map(|window| window.effect(at_ns, what, None)));
            }
            Entry::Published { message_id, outcome: Outcome::Failed } => {
                let what = What::PublishFailed { message_id: message_id.clone() };
                let fate = fates_by_id.get(message_id.as_str()).copied();
                // A publisher may meet the broken connection long after: its next message is the fault's doing.
                effects.extend(own.rfind(|window| window.from_ns <= at_ns).map(|window| window.effect(at_ns, what, fate)));
            }
            _ => {}
        }
    }
    for fate in fates {
        let message_id = fate.message_id.clone();
        let what = match (fate.end, fate.sent) {
            (End::Lost, _) => {
                What::MessageLost { message_id, queue: queue_of.get(&*fate.routing_key).cloned().unwrap_or_default() }
            }
            // Its publisher has not learned that.
            (End::NotSent, Outcome::Written) => What::PublishFailed { message_id },
            _ => continue,
        };
        let last = windows.iter().rfind(|window| window.hit == Hit::Broker && window.from_ns <= fate.end_ns);
        effects.extend(last.map(|window| window.effect(fate.end_ns, what, Some(fate))));
    }
    effects
}

/// Messages that a process had in its hands while it stood still, or was handed only when it went on.
fn held_up(window: &Window, node: &str, lines: &[Line], fates: &[MessageFate]) -> Vec<Effect> {
    let Some(until_ns) = window.until_ns else { return Vec::new() };
    let held: BTreeSet<&str> = in_its_hands(lines, node, window.from_ns).collect();
    let waited = |fate: &MessageFate| {
        let first = fate.deliveries.first().filter(|handed| handed.at_ns >= until_ns && fate.published_ns < until_ns);
        first.is_some_and(|handed| account::service(&handed.node) == account::service(node))
    };
    let held_up = fates.iter().filter(|fate| held.contains(fate.message_id.as_str()) || waited(fate));
    let effect = |fate: &MessageFate| {
        let what = What::Meddled { message_id: fate.message_id.clone(), how: "held-up".to_owned() };
        window.effect(until_ns, what, Some(fate))
    };
    held_up.map(effect).collect()
}

/// Messages that a process had been handed and had not answered for when it died.
fn in_its_hands<'a>(lines: &'a [Line], node: &'a str, died_ns: u64) -> impl Iterator<Item = &'a str> {
    let mut held = Vec::new();
    for line in lines.iter().filter(|line| line.node == node && line.at_ns <= died_ns) {
        match &line.entry {
            Entry::Delivered { message_id, .. } => held.push(message_id.as_str()),
            Entry::Settled { message_id, .. } => held.retain(|held| held != message_id),
            // What it held goes back to the queues.
            Entry::ConnectionLost { .. } => held.clear(),
            _ => {}
        }
    }
    held.into_iter()
}

#[cfg(test)]
mod tests {
    use faults::{Answer, Handover};

    use super::*;

    fn window(hit: Hit) -> Window {
        Window { fault: "fault@1".into(), hit, from_ns: 100, until_ns: Some(200) }
    }

    fn line(at_ns: u64, entry: Entry) -> Line {
        Line { node: "mes-api-1.1".into(), at_ns, entry }
    }

    fn lost(id: &str, end_ns: u64) -> MessageFate {
        MessageFate {
            message_id: id.into(),
            event_id: "e".into(),
            order_id: "o-1".into(),
            routing_key: "order.submitted".into(),
            from: "crm-api".into(),
            published_ns: 50,
            sent: Outcome::Written,
            deliveries: Vec::new(),
            end: End::Lost,
            end_ns,
        }
    }

    #[test]
    fn only_what_happened_under_a_fault_is_its_effect() {
        let queues = [("order.submitted".to_owned(), "mes.orders".to_owned())].into();
        let cut = |at_ns| line(at_ns, Entry::ConnectionLost { cause: "x".into() });
        let found = of(&[window(Hit::Broker)], &[cut(99), cut(101)], &[lost("m-1", 100), lost("m-2", 60)], &queues);
        assert_eq!(found.len(), 2);
        let queue = "mes.orders".to_owned();
        assert_eq!(found[0].what, What::MessageLost { message_id: "m-1".into(), queue });
        assert_eq!((found[0].order_id.as_deref(), found[0].hop.as_deref()), (Some("o-1"), Some("order.submitted")));
        assert_eq!(found[1].what, What::ConnectionLost { node: "mes-api-1.1".into() });
    }

    #[test]
    fn what_was_written_to_a_broker_that_was_gone_is_a_failed_publish() {
        let unheard = MessageFate { end: End::NotSent, ..lost("m-1", 150) };
        let found = of(&[window(Hit::Broker)], &[], &[unheard], &BTreeMap::new());
        let what: Vec<&What> = found.iter().map(|effect| &effect.what).collect();
        assert_eq!(what, [&What::PublishFailed { message_id: "m-1".into() }]);
    }

    #[test]
    fn what_waited_for_a_process_that_stood_still_was_held_up_and_its_publish_failed() {
        let node = || "mes-api-1.1".to_owned();
        let delivered = |id: &str| Entry::Delivered { message_id: id.into(), queue: "mes.orders".into(), redelivered: false };
        let failed = || Entry::Published { message_id: "m-5".into(), outcome: Outcome::Failed };
        let other = Line { node: "crm-api-1.1".into(), at_ns: 150, entry: failed() };
        let lines = [line(90, delivered("m-1")), other, line(205, failed())];
        let fate = |id: &str, published_ns, handed_ns| MessageFate {
            published_ns,
            deliveries: vec![Handover { at_ns: handed_ns, node: node().as_str().into(), redelivered: false }],
            end: End::Acked,
            ..lost(id, handed_ns)
        };
        // In its hands; sent meanwhile; handed out before; sent later.
        let fates = [fate("m-1", 80, 90), fate("m-2", 120, 201), fate("m-3", 50, 60), fate("m-4", 210, 211)];
        let found = of(&[window(Hit::Paused(node()))], &lines, &fates, &BTreeMap::new());
        let what: Vec<What> = found.into_iter().map(|effect| effect.what).collect();
        let held = |id: &str| What::Meddled { message_id: id.into(), how: "held-up".into() };
        let failed = What::PublishFailed { message_id: "m-5".into() };
        assert_eq!(what, [What::NodePaused { node: node() }, held("m-1"), held("m-2"), failed]);
    }

    #[test]
    fn a_killed_process_drops_what_it_had_not_answered_for() {
        let delivered = |id: &str| Entry::Delivered { message_id: id.into(), queue: "mes.orders".into(), redelivered: false };
        let settled = |id: &str| Entry::Settled { message_id: id.into(), how: Answer::Ack };
        let lines = [
            line(10, delivered("m-1")),
            line(11, delivered("m-2")),
            line(12, settled("m-1")),
            Line { node: "mes-api-1.2".into(), at_ns: 300, entry: delivered("m-2") },
        ];
        let node = "mes-api-1.1".to_owned();
        let found = of(&[window(Hit::Process(node.clone()))], &lines, &[], &BTreeMap::new());
        let what: Vec<&What> = found.iter().map(|effect| &effect.what).collect();
        let cut = What::DeliveryCut { message_id: "m-2".into(), acknowledged: false };
        assert_eq!(what, [&What::NodeKilled { node }, &cut]);
    }
}
