//! The journals' lines, entered message by message: what is known before the broker is asked.

use std::collections::BTreeMap;

use adapters::journal::{Entry, Line};
use faults::{Answer, End, Handover, MessageFate, Outcome};

use super::service;

/// What the lines entered so far say, in the order of publishing.
#[derive(Default)]
pub(super) struct Entered {
    /// The fate of each message.
    pub(super) fates: Vec<MessageFate>,
    /// Where in [`Self::fates`] each message is.
    numbers: BTreeMap<String, usize>,
    /// Of which the latest delivery was answered as its connection ended, and how it ends when the broker has that.
    pub(super) answers_cut: BTreeMap<usize, End>,
}

impl Entered {
    /// Enters the next line.
    pub(super) fn enter(&mut self, line: &Line) {
        match &line.entry {
            Entry::Publish { message_id, event_id, order_id, routing_key } => {
                self.numbers.insert(message_id.clone(), self.fates.len());
                self.fates.push(MessageFate {
                    message_id: message_id.clone(),
                    event_id: event_id.clone(),
                    order_id: order_id.clone(),
                    routing_key: routing_key.clone().into(),
                    from: service(&line.node).to_owned().into(),
                    published_ns: line.at_ns,
                    // Until the publisher says that it learned more.
                    sent: Outcome::Failed,
                    deliveries: Vec::new(),
                    end: End::NotSent,
                    end_ns: line.at_ns,
                });
            }
            Entry::Published { message_id, outcome } => self.published(message_id, *outcome, line.at_ns),
            Entry::Delivered { message_id, redelivered, .. } => self.delivered(message_id, *redelivered, line),
            Entry::Settled { message_id, how } => {
                if let Some((_, fate)) = self.of(message_id) {
                    (fate.end, fate.end_ns) = (answered(*how), line.at_ns);
                }
            }
            Entry::AnswerCut { message_id, how } => {
                let number = self.of(message_id).map(|(number, _)| number);
                // What would go back to its queue is no end.
                let end = Some(answered(*how)).filter(|end| *end != End::Ready);
                self.answers_cut.extend(number.zip(end));
            }
            Entry::ConnectionLost { .. } | Entry::Failed { .. } | Entry::Untold { .. } | Entry::Spans { .. } => {}
            Entry::Committing { .. } | Entry::Committed { .. } => {}
        }
    }

    fn of(&mut self, message_id: &str) -> Option<(usize, &mut MessageFate)> {
        let number = *self.numbers.get(message_id)?;
        Some((number, self.fates.get_mut(number)?))
    }

    fn published(&mut self, message_id: &str, sent: Outcome, at_ns: u64) {
        let Some((_, fate)) = self.of(message_id) else { return };
        fate.sent = sent;
        // A consumer may be quicker than the publisher's answer.
        if fate.deliveries.is_empty() {
            let end = match sent {
                Outcome::Failed => End::NotSent,
                Outcome::Written | Outcome::Confirmed => End::Ready,
                Outcome::Returned => End::Unroutable,
            };
            (fate.end, fate.end_ns) = (end, at_ns);
        }
    }

    fn delivered(&mut self, message_id: &str, redelivered: bool, line: &Line) {
        let (at_ns, node) = (line.at_ns, line.node.as_str().into());
        let Some((number, fate)) = self.of(message_id) else { return };
        fate.deliveries.push(Handover { at_ns, node, redelivered });
        (fate.end, fate.end_ns) = (End::Unacked, at_ns);
        self.answers_cut.remove(&number);
    }
}

/// Where an answer puts its message.
const fn answered(how: Answer) -> End {
    match how {
        Answer::Ack => End::Acked,
        Answer::Requeue => End::Ready,
        Answer::Reject => End::Rejected,
    }
}
