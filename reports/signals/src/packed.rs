//! Finished spans and log records as few bytes: a run holds those of thousands of orders until it knows which of them a report needs.
//!
//! Names, keys and values that come again and again are numbers of a dictionary; the rest stands as it is. Nothing is lost.

mod log;
mod read;

use std::sync::Arc;

use opentelemetry::{
    Key, KeyValue, StringValue, Value,
    trace::{SpanKind, Status},
};

use crate::{Resource, Span, words::Words};

pub use log::PackedLogs;

/// A key with more different texts than this is not worth a dictionary: it names things, as an id does.
const FEW: u8 = 64;

/// Packs spans, and unpacks what it has packed.
#[derive(Debug, Default)]
pub struct Packer {
    words: Words,
    /// By the number of a name: what the attributes of the last span or event of that name were.
    shapes: Vec<Vec<Guess>>,
    /// By the number of a key: how many different texts it had.
    texts: Vec<u8>,
    resources: Vec<Arc<Resource>>,
    /// Values that are neither text nor number nor truth: rare.
    odd: Vec<Value>,
    /// The span at hand; kept for its memory.
    piece: Vec<u8>,
}

/// Some spans, in the order they came.
#[derive(Debug, Default)]
pub struct Packed {
    bytes: Vec<u8>,
    spans: u64,
}

impl Packed {
    /// How many spans there are.
    #[must_use]
    pub const fn spans(&self) -> u64 {
        self.spans
    }
}

/// What an attribute is likely to be: spans of one name say the same things in the same order. It holds what was said the last
/// time, as most of it is not only the same but the very same.
#[derive(Debug)]
struct Guess {
    key: u32,
    said: Key,
    /// The text that it had, where that is a word.
    word: Option<(u32, StringValue)>,
}

fn same(a: &str, b: &str) -> bool {
    std::ptr::eq(a, b) || a == b
}

/// What stands before a value.
mod tag {
    pub(super) const FALSE: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const INTEGER: u8 = 2;
    pub(super) const FLOAT: u8 = 3;
    pub(super) const WORD: u8 = 4;
    pub(super) const ODD: u8 = 5;
    /// A text of n bytes stands as this + n; longer ones as this, a length and the text.
    pub(super) const TEXT: u8 = 6;
}

impl Packer {
    /// Adds a span.
    pub fn pack(&mut self, span: &Span, into: &mut Packed) {
        // What is packed lies far apart, order by order: each span goes there in one piece.
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        self.write(span, &mut piece);
        into.bytes.extend_from_slice(&piece);
        into.spans += 1;
        self.piece = piece;
    }

    fn write(&mut self, span: &Span, out: &mut Vec<u8>) {
        self.resource(&span.resource, out);
        out.extend_from_slice(&span.trace_id.to_bytes());
        out.extend_from_slice(&span.span_id.to_bytes());
        out.extend_from_slice(&span.parent_span_id.to_bytes());
        let name = self.words.number(&span.name);
        number(name.into(), out);
        let status = match &span.status {
            Status::Unset => 0,
            Status::Ok => 1,
            Status::Error { .. } => 2,
        };
        out.push(kind(&span.kind) * 3 + status);
        if let Status::Error { description } = &span.status {
            text(description, out);
        }
        out.extend_from_slice(&span.start_ns.to_le_bytes());
        // A clock may go back: what is before the start wraps around, here and there.
        number(span.end_ns.wrapping_sub(span.start_ns), out);
        self.attributes(name, &span.attributes, out);
        number(span.events.len() as u64, out);
        for event in &span.events {
            let name = self.words.number(&event.name);
            number(name.into(), out);
            number(event.time_ns.wrapping_sub(span.start_ns), out);
            self.attributes(name, &event.attributes, out);
        }
        number(span.links.len() as u64, out);
        for link in &span.links {
            out.extend_from_slice(&link.trace_id.to_bytes());
            out.extend_from_slice(&link.span_id.to_bytes());
            self.attributes(name, &link.attributes, out);
        }
    }

    fn resource(&mut self, resource: &Arc<Resource>, out: &mut Vec<u8>) {
        let same = |known: &Arc<Resource>| Arc::ptr_eq(known, resource) || known == resource;
        let at = self.resources.iter().position(same).unwrap_or_else(|| {
            self.resources.push(Arc::clone(resource));
            self.resources.len() - 1
        });
        number(at as u64, out);
    }

    fn attributes(&mut self, name: u32, attributes: &[KeyValue], out: &mut Vec<u8>) {
        number(attributes.len() as u64, out);
        if self.shapes.len() <= name as usize {
            self.shapes.resize_with(name as usize + 1, Vec::new);
        }
        let mut shape = std::mem::take(&mut self.shapes[name as usize]);
        for (at, attribute) in attributes.iter().enumerate() {
            if shape.get(at).is_none_or(|guess| !same(guess.said.as_str(), attribute.key.as_str())) {
                let guess = Guess { key: self.words.number(attribute.key.as_str()), said: attribute.key.clone(), word: None };
                match shape.get_mut(at) {
                    Some(last) => *last = guess,
                    None => shape.push(guess),
                }
            }
            let guess = &mut shape[at];
            number(guess.key.into(), out);
            self.value(guess, &attribute.value, out);
        }
        self.shapes[name as usize] = shape;
    }

    /// Writes a value, and corrects the guess.
    fn value(&mut self, guess: &mut Guess, value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Bool(false) => out.push(tag::FALSE),
            Value::Bool(true) => out.push(tag::TRUE),
            Value::I64(integer) => {
                out.push(tag::INTEGER);
                number(integer.cast_unsigned().rotate_left(1) ^ ((integer >> 63).cast_unsigned() & !1), out);
            }
            Value::F64(float) => {
                out.push(tag::FLOAT);
                out.extend_from_slice(&float.to_bits().to_le_bytes());
            }
            Value::String(said) => {
                if guess.word.as_ref().is_none_or(|(_, last)| !same(last.as_str(), said.as_str())) {
                    guess.word = self.word(guess.key, said.as_str()).map(|word| (word, said.clone()));
                }
                match &guess.word {
                    Some((word, _)) => {
                        out.push(tag::WORD);
                        number((*word).into(), out);
                    }
                    None => short_text(said.as_str(), out),
                }
            }
            other => {
                self.odd.push(other.clone());
                out.push(tag::ODD);
                number(self.odd.len() as u64 - 1, out);
            }
        }
    }

    /// The number of a text that comes again under this key.
    fn word(&mut self, key: u32, said: &str) -> Option<u32> {
        let at = key as usize;
        if self.texts.len() <= at {
            self.texts.resize(at + 1, 0);
        }
        if self.texts[at] > FEW {
            return None;
        }
        self.words.known(said).or_else(|| {
            self.texts[at] += 1;
            (self.texts[at] <= FEW).then(|| self.words.number(said))
        })
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follows.
fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn text(text: &str, out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn short_text(said: &str, out: &mut Vec<u8>) {
    match u8::try_from(said.len()).ok().and_then(|length| tag::TEXT.checked_add(length)) {
        Some(tag) if tag > tag::TEXT => {
            out.push(tag);
            out.extend_from_slice(said.as_bytes());
        }
        _ => {
            out.push(tag::TEXT);
            text(said, out);
        }
    }
}

const fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Client => 0,
        SpanKind::Server => 1,
        SpanKind::Producer => 2,
        SpanKind::Consumer => 3,
        SpanKind::Internal => 4,
    }
}
