//! What a span says about an order, in 24 bytes.

use opentelemetry::{SpanId, TraceId};

use crate::{
    spent::On,
    way::{StepId, Way},
};

const MILLISECOND: u64 = 1_000_000;

/// One piece of evidence. An order has about fifty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// When, nanoseconds since the Unix epoch.
    pub(crate) at_ns: u64,
    /// The span that says so; 0 where a log record names none.
    pub(crate) span: u64,
    /// Tells records of one kind apart or brings records of two kinds together, see [`What`]. 0: not said.
    pub(crate) label: u32,
    /// The span's trace, by its place among the order's traces.
    pub(crate) trace: u16,
    /// A [`What`], by number.
    pub(crate) what: u8,
    /// See [`flag`].
    pub(crate) flags: u8,
}

/// What a record is evidence of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A step. The label is the message's for a send or a receive, the event's for a record of a state, the parent span's
    /// for the beginning of a work.
    Step(StepId),
    /// A message was being processed. The label is the message's.
    Process(usize),
    /// A message was settled. The label is the message's.
    Settle(usize),
    /// A message came to the broker, by its firehose. The label is the message's; the span names what it said.
    Published(usize),
    /// The broker handed a message out, by its firehose. As above.
    Handed(usize),
    /// The row was written, and its state left. The label is one more than the step that is that state's record.
    Rewritten,
    /// A commit failed, at the end of its span. The label is one more than the place of the service.
    RolledBack,
    /// News was handed over to be shown to the customer, and the customer waits for nothing else.
    Notified,
    /// The customer has seen it.
    Aware,
    /// A span about the order took long, at its begin. The label is how long, in milliseconds; the span of [`On::Serve`] is the caller's.
    Spent(On),
}

/// What else a record says.
pub(crate) mod flag {
    /// The span failed.
    pub(crate) const ERROR: u8 = 1;
    /// Send: the broker gave it back. Published: no queue was bound for it.
    pub(crate) const RETURNED: u8 = 1 << 1;
    /// Send: the broker took responsibility.
    pub(crate) const CONFIRMED: u8 = 1 << 2;
    /// Send: the publisher did not ask, or was not told.
    pub(crate) const UNCONFIRMED: u8 = 1 << 3;
    /// Receive, process and handed: it was delivered before.
    pub(crate) const REDELIVERED: u8 = 1 << 4;
    /// Process: the event had been handled before.
    pub(crate) const DUPLICATE: u8 = 1 << 5;
    /// Settle: acknowledged.
    pub(crate) const ACK: u8 = 1 << 6;
    /// Settle: refused, not to come again. It stands where a send has [`RETURNED`].
    pub(crate) const REJECT: u8 = 1 << 1;
    /// State and beginning of a work: a log record says so, and no span.
    pub(crate) const LOGGED: u8 = 1 << 7;
}

impl What {
    /// Its number. Steps come first, then for each message one for its processing, its settling, its coming to the broker and its
    /// being handed out, then one each for a row that was written with the state that it had, a commit that failed, and
    /// news that the customer was shown and has
    /// seen, and what time was spent on.
    pub(crate) fn number(self, way: &Way) -> u8 {
        let number = match self {
            Self::Step(step) => step,
            Self::Process(message) => way.steps.len() + message,
            Self::Settle(message) => way.steps.len() + way.keys.len() + message,
            Self::Published(message) => way.steps.len() + 2 * way.keys.len() + message,
            Self::Handed(message) => way.steps.len() + 3 * way.keys.len() + message,
            Self::Rewritten => way.steps.len() + 4 * way.keys.len(),
            Self::RolledBack => way.steps.len() + 4 * way.keys.len() + 1,
            Self::Notified => way.steps.len() + 4 * way.keys.len() + 2,
            Self::Aware => way.steps.len() + 4 * way.keys.len() + 3,
            Self::Spent(on) => way.steps.len() + 4 * way.keys.len() + 4 + on as usize,
        };
        // A way has 64 steps at most, so 21 messages.
        number as u8
    }
}

impl Record {
    pub(crate) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The same piece of evidence: a span that is seen twice says nothing new, nor does the log record of what a span says. Logs
    /// may have lost their span, and all of their time but the millisecond.
    pub(crate) fn same(&self, other: &Self) -> bool {
        (self.what, self.label) == (other.what, other.label)
            && if (self.flags | other.flags) & flag::LOGGED == 0 {
                (self.span, self.at_ns) == (other.span, other.at_ns)
            } else {
                self.at_ns / MILLISECOND == other.at_ns / MILLISECOND
            }
    }

    /// Where it stands among others: by time.
    pub(crate) fn place(&self) -> (u64, u64, u32) {
        (self.at_ns, self.span, self.label)
    }

    /// What is left of it in memory once its order is closed.
    pub(crate) fn mark(&self) -> u64 {
        mix(u64::from(self.label) ^ mix(self.at_ns / MILLISECOND)).max(1)
    }
}

/// A text as a label; never 0.
pub(crate) fn label(text: &str) -> u32 {
    (hash(text) as u32).max(1)
}

/// A span as a label.
pub(crate) fn span_label(span: u64) -> u32 {
    (mix(span) as u32).max(1)
}

/// A hash of a text, the same on every machine and in every run.
fn hash(text: &str) -> u64 {
    let mut hash = text.len() as u64;
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    (product >> 64) as u64 ^ product as u64
}

pub(crate) fn span_number(span: SpanId) -> u64 {
    u64::from_be_bytes(span.to_bytes())
}

/// The whole name of a span.
pub(crate) fn name(trace: TraceId, span: u64) -> (TraceId, SpanId) {
    (trace, SpanId::from_bytes(span.to_be_bytes()))
}
