//! The account of all messages, drawn up from the processes' journals: who published what, who got it, how it ended.

mod changed;
mod entered;
mod outage;

use std::collections::BTreeSet;

use adapters::journal::Line;
pub use changed::Changed;
use entered::Entered;
use faults::{End, MessageFate};
pub use outage::Outage;

/// Reads the lines of a journal; the last line of each process that was killed may be cut off, any other must be whole.
///
/// # Errors
/// The first line that is none of a journal.
pub fn lines(text: &[u8]) -> Result<Vec<Line>, String> {
    let text = String::from_utf8_lossy(text);
    let mut lines: Vec<Line> = Vec::new();
    let mut broken = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match serde_json::from_str::<Line>(line) {
            Ok(line) => {
                // Whoever goes on after a broken line was not killed in the middle of it.
                if let Some(error) = broken.take().filter(|_| lines.last().is_none_or(|last| last.node == line.node)) {
                    return Err(error);
                }
                lines.push(line);
            }
            Err(error) if broken.is_none() => broken = Some(format!("{error} in: {}", line.trim_end())),
            Err(error) => return Err(format!("{error} in: {}", line.trim_end())),
        }
    }
    // At the very end only a line without its end was cut off.
    broken.filter(|_| text.ends_with('\n')).map_or(Ok(lines), Err)
}

/// What is known of the broker beside the journals.
#[derive(Clone, Debug, Default)]
pub struct Broker {
    /// Messages in its queues, ready or unacknowledged.
    pub depth: u64,
    /// When they were counted, nanoseconds since the Unix epoch; the journals were read later.
    pub counted_ns: u64,
    /// The ids of the messages in its queues of dead letters.
    pub parked: BTreeSet<String>,
    /// When it was away, oldest first.
    pub outages: Vec<Outage>,
    /// What faults changed in it.
    pub changes: Vec<Changed>,
}

/// How long a message may be on its way between a journal's line and the broker, or back.
const ON_THE_WAY_NS: u64 = 1_000_000_000;

/// The fate of each message, in the order of publishing; that of a dead letter after that of the message that it was.
///
/// What nobody has settled is in its queue as long as the queues hold that many messages. When they hold none, it is lost:
/// journals and queues together leave no other place. In between, with fewer in the queues than are unsettled, the account
/// does not say which are gone; it leaves them in their queues until the broker is at rest.
#[must_use]
pub fn fates(lines: &[Line], broker: &Broker) -> Vec<MessageFate> {
    let mut lines: Vec<&Line> = lines.iter().collect();
    lines.sort_by_key(|line| line.at_ns);
    let mut entered = Entered::default();
    lines.into_iter().for_each(|line| entered.enter(line));
    let Entered { mut fates, answers_cut, .. } = entered;
    for (number, fate) in fates.iter_mut().enumerate() {
        let (open, last_sign) = (matches!(fate.end, End::Ready | End::Unacked), fate.end_ns);
        let dropped = || broker.changes.iter().find_map(|changed| Some((changed.dropped(fate)?, last_sign.max(changed.from_ns))));
        if broker.parked.contains(&fate.message_id) {
            // What no consumer has refused was dropped because of a change.
            let at_ns = dropped().filter(|_| open).map_or(last_sign, |(_, at_ns)| at_ns);
            (fate.end, fate.end_ns) = (End::DeadLettered, at_ns);
        } else if open && broker.depth == 0 && last_sign + ON_THE_WAY_NS < broker.counted_ns {
            // It is nowhere: so the broker took the answer.
            let answered = answers_cut.get(&number).map(|end| (*end, last_sign));
            (fate.end, fate.end_ns) = answered.or_else(dropped).unwrap_or_else(|| Outage::end(&broker.outages, fate));
        }
    }
    fates.into_iter().flat_map(buried).collect()
}

/// A message, and the dead letter that it has become.
fn buried(fate: MessageFate) -> impl Iterator<Item = MessageFate> {
    let dead = (fate.end == End::DeadLettered).then(|| MessageFate { end: End::Parked, deliveries: Vec::new(), ..fate.clone() });
    [Some(fate), dead].into_iter().flatten()
}

/// The service of a node's name, `<service>-<instance>.<incarnation>`.
pub(crate) fn service(node: &str) -> &str {
    node.rsplit_once('-').map_or(node, |(service, _)| service)
}

#[cfg(test)]
mod tests {
    use adapters::journal::Entry;
    use faults::{Answer, Change, Outcome, Policy};

    use super::*;

    fn line(at_ns: u64, node: &str, entry: Entry) -> Line {
        Line { node: node.into(), at_ns, entry }
    }

    fn publish(at_ns: u64, id: &str, outcome: Option<Outcome>) -> Vec<Line> {
        let begun = Entry::Publish {
            message_id: id.into(),
            event_id: format!("e-{id}"),
            order_id: "o-1".into(),
            routing_key: "order.submitted".into(),
        };
        let ended = outcome.map(|outcome| Entry::Published { message_id: id.into(), outcome });
        let mut lines = vec![line(at_ns, "crm-api-1.1", begun)];
        lines.extend(ended.map(|entry| line(at_ns + 1, "crm-api-1.1", entry)));
        lines
    }

    fn delivered(at_ns: u64, id: &str, redelivered: bool) -> Line {
        line(at_ns, "mes-api-1.1", Entry::Delivered { message_id: id.into(), queue: "mes.orders".into(), redelivered })
    }

    fn settled(at_ns: u64, id: &str, how: Answer) -> Line {
        line(at_ns, "mes-api-1.1", Entry::Settled { message_id: id.into(), how })
    }

    fn answer_cut(at_ns: u64, id: &str, how: Answer) -> Line {
        line(at_ns, "mes-api-1.1", Entry::AnswerCut { message_id: id.into(), how })
    }

    #[test]
    fn a_settled_message_is_where_its_answer_put_it() {
        let mut all = publish(10, "m-1", Some(Outcome::Written));
        all.extend([delivered(20, "m-1", false), settled(30, "m-1", Answer::Requeue)]);
        all.extend([delivered(40, "m-1", true), settled(50, "m-1", Answer::Ack)]);
        let fates = fates(&all, &Broker::default());
        assert_eq!((fates[0].end, fates[0].end_ns, fates[0].deliveries.len()), (End::Acked, 50, 2));
        assert_eq!((&*fates[0].from, fates[0].published_ns, fates[0].sent), ("crm-api", 10, Outcome::Written));
    }

    #[test]
    fn what_nobody_settled_and_no_queue_holds_died_with_the_broker() {
        let mut all = publish(10, "m-1", Some(Outcome::Written));
        all.extend(publish(20, "m-2", Some(Outcome::Confirmed)));
        all.push(delivered(30, "m-2", false));
        let there = fates(&all, &Broker { depth: 2, counted_ns: u64::MAX, ..Broker::default() });
        assert_eq!([there[0].end, there[1].end], [End::Ready, End::Unacked]);
        let outages = [5, 25, 60].map(|from_ns| Outage { from_ns, until_ns: Some(from_ns + 2) }).to_vec();
        let gone = fates(&all, &Broker { depth: 0, counted_ns: u64::MAX, outages, ..Broker::default() });
        assert_eq!([(gone[0].end, gone[0].end_ns), (gone[1].end, gone[1].end_ns)], [(End::Lost, 25), (End::Lost, 60)]);
    }

    #[test]
    fn whose_answer_was_cut_was_answered_when_it_is_nowhere() {
        let mut all = publish(10, "m-1", Some(Outcome::Written));
        all.extend([delivered(20, "m-1", false), answer_cut(30, "m-1", Answer::Ack)]);
        let outages = vec![Outage { from_ns: 29, until_ns: Some(40) }];
        let at = |depth| Broker { depth, counted_ns: u64::MAX, outages: outages.clone(), ..Broker::default() };
        let [there, gone] = [1, 0].map(|depth| fates(&all, &at(depth))[0].end);
        assert_eq!([there, gone], [End::Unacked, End::Acked]);
        // The broker did not have it, and handed the message out again.
        all.push(delivered(50, "m-1", true));
        assert_eq!(fates(&all, &at(0))[0].end, End::Lost);
    }

    #[test]
    fn what_was_published_while_the_queues_were_counted_is_not_taken_for_lost() {
        let all = publish(10, "m-1", Some(Outcome::Written));
        let broker = Broker { depth: 0, counted_ns: 12, ..Broker::default() };
        assert_eq!(fates(&all, &broker)[0].end, End::Ready);
    }

    #[test]
    fn what_came_while_no_queue_was_bound_and_is_nowhere_was_unroutable() {
        const SECOND: u64 = 1_000_000_000;
        let all: Vec<Line> = [10, 20, 40]
            .into_iter()
            .zip(["m-1", "m-2", "m-3"])
            .flat_map(|(at, id)| publish(at * SECOND, id, Some(Outcome::Written)))
            .collect();
        let changed = |what| Changed {
            fault: "binding-removed@1".into(),
            keys: vec!["order.submitted".into()],
            what,
            from_ns: 15 * SECOND,
            until_ns: Some(30 * SECOND),
        };
        let ends = |what| {
            let broker = Broker {
                depth: 0,
                counted_ns: u64::MAX,
                outages: vec![Outage { from_ns: 50 * SECOND, until_ns: None }],
                changes: vec![changed(what)],
                ..Broker::default()
            };
            fates(&all, &broker).iter().map(|fate| fate.end).collect::<Vec<End>>()
        };
        let unbound = Change::Unbound { key: "order.submitted".into() };
        assert_eq!(ends(unbound), [End::Lost, End::Unroutable, End::Lost]);
        let policy = |policy| Change::Policy { queue: "mes.orders".into(), policy };
        assert_eq!(ends(policy(Policy::RejectPublish(1))), [End::Lost, End::Refused, End::Lost]);
        // What had waited before the queue became too short is dropped as well.
        assert_eq!(ends(policy(Policy::DropHead(1))), [End::Overflowed, End::Overflowed, End::Lost]);
    }

    #[test]
    fn what_waits_among_the_dead_letters_is_parked_and_what_was_refused_and_does_not_is_gone() {
        let refused = |at: u64, id: &str| {
            let more = [delivered(at + 5, id, false), settled(at + 7, id, Answer::Reject)];
            [publish(at, id, Some(Outcome::Written)), more.to_vec()].concat()
        };
        let overflowed = publish(30, "m-3", Some(Outcome::Written));
        let all = [refused(10, "m-1"), refused(20, "m-2"), overflowed].concat();
        let policy = Change::Policy { queue: "mes.orders".into(), policy: Policy::DropHead(1) };
        let short = Changed {
            fault: "queue-overflow@1".into(),
            keys: vec!["order.submitted".into()],
            what: policy,
            from_ns: 40,
            until_ns: None,
        };
        let parked = ["m-1".to_owned(), "m-3".to_owned()].into();
        let fates = fates(&all, &Broker { parked, counted_ns: u64::MAX, changes: vec![short], ..Broker::default() });
        let told: Vec<_> = fates.iter().map(|fate| (&*fate.message_id, fate.end, fate.end_ns, fate.deliveries.len())).collect();
        let [first, third] = [("m-1", 17), ("m-3", 40)].map(|(id, at_ns)| {
            let handed = usize::from(id == "m-1");
            [(id, End::DeadLettered, at_ns, handed), (id, End::Parked, at_ns, 0)]
        });
        assert_eq!(told, [&first[..], &[("m-2", End::Rejected, 27, 1)], &third].concat());
    }

    #[test]
    fn a_failed_publish_was_not_sent_unless_somebody_got_it() {
        let mut all = publish(10, "m-1", Some(Outcome::Failed));
        all.extend(publish(20, "m-2", None));
        all.extend(publish(30, "m-3", Some(Outcome::Returned)));
        all.extend(publish(40, "m-4", None));
        all.extend([delivered(50, "m-4", false), settled(60, "m-4", Answer::Ack)]);
        let ends: Vec<End> = fates(&all, &Broker::default()).iter().map(|fate| fate.end).collect();
        assert_eq!(ends, [End::NotSent, End::NotSent, End::Unroutable, End::Acked]);
    }

    #[test]
    fn a_line_cut_off_at_the_end_is_left_out() {
        let whole = serde_json::to_string(&delivered(1, "m-1", false)).unwrap();
        assert_eq!(lines(format!("{whole}\n{whole}\n{{\"node\":\"mes").as_bytes()).unwrap().len(), 2);
        assert!(lines(format!("panicked\n{whole}\n").as_bytes()).is_err());
    }
}
