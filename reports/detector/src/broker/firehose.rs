//! The firehose: names of what passed, and when nobody listened.

use signals::{
    Passage, Silence,
    firehose::{At, ON_THE_WAY_NS},
    words::Words,
};

use crate::{
    finding::{Said, Source},
    record::{Record, What, flag, label},
    way::Way,
};

/// What was heard.
#[derive(Default)]
pub(crate) struct Firehose {
    heard: bool,
    silences: Vec<Silence>,
    /// `publish.<exchange>`, `deliver.<queue>`.
    names: Words,
    /// Message ids.
    ids: Words,
}

impl Firehose {
    /// A time in which nobody listened.
    pub(crate) fn silent(&mut self, silence: Silence) {
        self.heard = true;
        self.silences.push(silence);
    }

    /// Somebody listened at all.
    pub(crate) fn listened(&self) -> bool {
        self.heard
    }

    /// The record of a message that passed, if it is one of the lifecycle's.
    pub(crate) fn record(&mut self, passage: &Passage, way: &Way) -> Option<Record> {
        self.heard = true;
        let message = way.message_of(&passage.routing_key)?;
        let (what, flags) = match &passage.at {
            At::Publish { queues, .. } => (What::Published(message), if queues.is_empty() { flag::RETURNED } else { 0 }),
            At::Deliver { redelivered, .. } => (What::Handed(message), if *redelivered { flag::REDELIVERED } else { 0 }),
        };
        let (name, id) = (self.names.number(&passage.name()), self.ids.number(&passage.message_id));
        Some(Record {
            at_ns: passage.at_ns,
            span: u64::from(name) << 32 | u64::from(id),
            label: label(&passage.message_id),
            trace: 0,
            what: what.number(way),
            flags,
        })
    }

    /// Whether nobody listened for a while between two times; a message takes a moment until it is heard of.
    pub(crate) fn missed(&self, from_ns: u64, until_ns: u64) -> bool {
        let until_ns = until_ns.saturating_add(ON_THE_WAY_NS);
        self.silences.iter().any(|silence| silence.from_ns <= until_ns && from_ns <= silence.until_ns)
    }

    /// When nobody listened.
    pub(crate) fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// What a record says.
    pub(crate) fn says(&self, record: &Record) -> Said {
        let text = |words: &Words, number: u64| words.text(number as u32).map_or_else(String::new, ToString::to_string);
        let more = match record.flags {
            flag::RETURNED => ", routed to no queue",
            flag::REDELIVERED => ", redelivered",
            _ => "",
        };
        Said {
            source: Source::Firehose,
            at_ns: record.at_ns,
            name: text(&self.names, record.span >> 32),
            says: format!("message {}{more}", text(&self.ids, record.span & 0xffff_ffff)),
        }
    }

    /// Nothing was heard of a message where it would have been.
    pub(crate) fn says_nothing_of(&self, key: &str, at_ns: u64) -> Said {
        let says = format!("no message {key} of this order from here on");
        Said { source: Source::Firehose, at_ns, name: "publish".to_owned(), says }
    }
}
