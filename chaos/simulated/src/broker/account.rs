//! The account of every message: the ledger's witness. Kept compactly, a month has a million of them.

use std::{borrow::Cow, sync::Arc};

use faults::{End, Handover, MessageFate, Outcome};
use world::{Node, broker::Message};

use crate::pile::Pile;

/// Numbers a message's copy in the account.
pub(super) type Entry = usize;

/// All messages, in the order of publishing.
pub(super) struct Account {
    entries: Pile<Kept>,
    nodes: Vec<Node>,
    event_header: &'static str,
}

struct Kept {
    /// Message id, event id and order id, one after the other.
    ids: Box<str>,
    cuts: (u16, u16),
    key: Cow<'static, str>,
    from: u16,
    sent: Outcome,
    end: End,
    published_ns: u64,
    end_ns: u64,
    first: Option<Handed>,
    more: Vec<Handed>,
    /// A queue refused it, or a copy of it.
    nacked: bool,
    /// Of a message in several queues, or dead-lettered: the entry of the first copy.
    copy_of: Option<Entry>,
}

#[derive(Clone, Copy)]
struct Handed {
    at_ns: u64,
    node: u16,
    redelivered: bool,
}

impl Account {
    pub(super) fn new(event_header: &'static str) -> Self {
        Self { entries: Pile::default(), nodes: Vec::new(), event_header }
    }

    fn node(&mut self, node: Node) -> u16 {
        let at = self.nodes.iter().position(|known| *known == node).unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// A publish begins.
    pub(super) fn begin(&mut self, from: Node, message: &Message, at_ns: u64) -> Entry {
        let event = message.headers.get(self.event_header).unwrap_or_default();
        let (id, order) = (&message.message_id, &message.correlation_id);
        let mut ids = String::with_capacity(id.len() + event.len() + order.len());
        ids.push_str(id);
        ids.push_str(event);
        ids.push_str(order);
        let cut = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let from = self.node(from);
        self.entries.push(Kept {
            cuts: (cut(id.len()), cut(id.len() + event.len())),
            ids: ids.into_boxed_str(),
            key: message.routing_key.clone(),
            from,
            sent: Outcome::Written,
            end: End::NotSent,
            published_ns: at_ns,
            end_ns: at_ns,
            first: None,
            more: Vec::new(),
            nacked: false,
            copy_of: None,
        });
        self.entries.len() - 1
    }

    /// The same message in one more queue.
    pub(super) fn copy(&mut self, entry: Entry) -> Entry {
        let key = self.entries[entry].key.clone();
        self.dead_letter(entry, key)
    }

    /// The same message, dead-lettered under a key.
    pub(super) fn dead_letter(&mut self, entry: Entry, key: Cow<'static, str>) -> Entry {
        let original = &self.entries[entry];
        let copy = Kept {
            ids: original.ids.clone(),
            key,
            more: Vec::new(),
            first: None,
            copy_of: Some(original.copy_of.unwrap_or(entry)),
            ..*original
        };
        self.entries.push(copy);
        self.entries.len() - 1
    }

    /// A queue has refused it.
    pub(super) fn nack(&mut self, entry: Entry) {
        let first = self.entries[entry].copy_of.unwrap_or(entry);
        self.entries[first].nacked = true;
    }

    /// Whether a queue has refused it.
    pub(super) fn nacked(&self, entry: Entry) -> bool {
        self.entries[entry].nacked
    }

    /// What the publisher learned.
    pub(super) fn sent(&mut self, entry: Entry, sent: Outcome) {
        self.entries[entry].sent = sent;
    }

    /// Where the message is now.
    pub(super) fn end(&mut self, entry: Entry, end: End, at_ns: u64) {
        let kept = &mut self.entries[entry];
        (kept.end, kept.end_ns) = (end, at_ns);
    }

    /// Where the message was last.
    pub(super) fn last(&self, entry: Entry) -> End {
        self.entries[entry].end
    }

    /// A consumer has it.
    pub(super) fn handed(&mut self, entry: Entry, to: Node, at_ns: u64, redelivered: bool) {
        let handed = Handed { at_ns, node: self.node(to), redelivered };
        let kept = &mut self.entries[entry];
        if kept.first.is_none() {
            kept.first = Some(handed);
        } else {
            kept.more.push(handed);
        }
    }

    /// Message id, order id and routing key.
    pub(super) fn names(&self, entry: Entry) -> (&str, &str, &str) {
        let (id, _, order) = self.entries[entry].ids();
        (id, order, &self.entries[entry].key)
    }

    /// The account for others to read.
    pub(super) fn fates(&self) -> Vec<MessageFate> {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        order.sort_by_key(|entry| (self.entries[*entry].copy_of.unwrap_or(*entry), *entry));
        let names: Vec<Arc<str>> = self.nodes.iter().map(|node| node.to_string().into()).collect();
        order.into_iter().map(|entry| self.fate(&self.entries[entry], &names)).collect()
    }

    fn fate(&self, kept: &Kept, names: &[Arc<str>]) -> MessageFate {
        let (id, event, order) = kept.ids();
        let handover = |handed: &Handed| Handover {
            at_ns: handed.at_ns,
            node: Arc::clone(&names[usize::from(handed.node)]),
            redelivered: handed.redelivered,
        };
        MessageFate {
            message_id: id.into(),
            event_id: event.into(),
            order_id: order.into(),
            routing_key: kept.key.clone(),
            from: self.nodes[usize::from(kept.from)].service.into(),
            published_ns: kept.published_ns,
            sent: kept.copy_of.map_or(kept.sent, |entry| self.entries[entry].sent),
            deliveries: kept.first.iter().chain(&kept.more).map(handover).collect(),
            end: kept.end,
            end_ns: kept.end_ns,
        }
    }
}

impl Kept {
    fn ids(&self) -> (&str, &str, &str) {
        let (first, second) = (usize::from(self.cuts.0), usize::from(self.cuts.1));
        (&self.ids[..first], &self.ids[first..second], &self.ids[second..])
    }
}
