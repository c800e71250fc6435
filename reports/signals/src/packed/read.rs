//! The way back: from bytes to spans.

use std::sync::Arc;

use opentelemetry::{
    KeyValue, SpanId, TraceId, Value,
    trace::{SpanKind, Status},
};

use super::{Packed, Packer, tag};
use crate::{Event, Link, Resource, Span};

impl Packer {
    /// The spans again, as they were.
    #[must_use]
    pub fn unpack(&self, packed: &Packed) -> Vec<Span> {
        let mut reader = Reader::new(self, &packed.bytes);
        (0..packed.spans).map_while(|_| reader.span()).collect()
    }
}

/// Reads from the front. `None` is never met in bytes of the same packer.
pub(super) struct Reader<'a> {
    packer: &'a Packer,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(packer: &'a Packer, bytes: &'a [u8]) -> Self {
        Self { packer, rest: bytes }
    }

    pub(super) fn resource(&mut self) -> Option<Arc<Resource>> {
        self.packer.resources.get(self.index()?).map(Arc::clone)
    }

    fn span(&mut self) -> Option<Span> {
        let resource = self.resource()?;
        let (trace_id, span_id) = (TraceId::from_bytes(self.bytes()?), SpanId::from_bytes(self.bytes()?));
        let parent_span_id = SpanId::from_bytes(self.bytes()?);
        let name = self.word()?.to_string().into();
        let [kind_and_status] = self.bytes()?;
        let status = match kind_and_status % 3 {
            0 => Status::Unset,
            1 => Status::Ok,
            _ => Status::error(self.text()?.to_owned()),
        };
        let start_ns = u64::from_le_bytes(self.bytes()?);
        Some(Span {
            resource,
            trace_id,
            span_id,
            parent_span_id,
            name,
            kind: kind(kind_and_status / 3),
            start_ns,
            end_ns: start_ns.wrapping_add(self.number()?),
            attributes: self.attributes()?,
            events: self.many(|reader| reader.event(start_ns))?,
            links: self.many(Self::link)?,
            status,
        })
    }

    fn event(&mut self, start_ns: u64) -> Option<Event> {
        let name = self.word()?.to_string().into();
        Some(Event { name, time_ns: start_ns.wrapping_add(self.number()?), attributes: self.attributes()? })
    }

    fn link(&mut self) -> Option<Link> {
        let (trace_id, span_id) = (TraceId::from_bytes(self.bytes()?), SpanId::from_bytes(self.bytes()?));
        Some(Link { trace_id, span_id, attributes: self.attributes()? })
    }

    pub(super) fn attributes(&mut self) -> Option<Vec<KeyValue>> {
        self.many(|reader| Some(KeyValue::new(Arc::clone(reader.word()?), reader.value()?)))
    }

    fn value(&mut self) -> Option<Value> {
        let [tag] = self.bytes()?;
        Some(match tag {
            tag::FALSE => Value::Bool(false),
            tag::TRUE => Value::Bool(true),
            tag::INTEGER => {
                let packed = self.number()?;
                Value::I64(((packed ^ ((packed & 1).wrapping_neg() & !1)).rotate_right(1)).cast_signed())
            }
            tag::FLOAT => Value::F64(f64::from_bits(u64::from_le_bytes(self.bytes()?))),
            tag::WORD => Arc::clone(self.word()?).into(),
            tag::ODD => self.packer.odd.get(self.index()?)?.clone(),
            tag::TEXT => self.text()?.to_owned().into(),
            longer => str::from_utf8(self.take(usize::from(longer - tag::TEXT))?).ok()?.to_owned().into(),
        })
    }

    fn many<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| read(self)).collect()
    }

    pub(super) fn word(&mut self) -> Option<&'a Arc<str>> {
        let number = self.number()?;
        self.word_of(number)
    }

    pub(super) fn word_of(&self, number: u64) -> Option<&'a Arc<str>> {
        self.packer.words.text(u32::try_from(number).ok()?)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.index()?;
        str::from_utf8(self.take(length)?).ok()
    }

    fn index(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

const fn kind(number: u8) -> SpanKind {
    match number {
        0 => SpanKind::Client,
        1 => SpanKind::Server,
        2 => SpanKind::Producer,
        3 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Array;

    use super::*;

    fn span(n: u64) -> Span {
        let resource = Resource { service: "mes".into(), instance: format!("mes-{}", n % 3).into(), attributes: Vec::new() };
        let about = |key: &'static str, value: Value| KeyValue::new(key, value);
        let attributes = vec![
            about("order.id", format!("o-{n}").into()),
            about("route", "POST /price".into()),
            about("long", "x".repeat(300).into()),
            about("none", "".into()),
            about("float", Value::F64(-0.5)),
            about("array", Value::Array(Array::I64(vec![1, -2]))),
            about("yes", true.into()),
            about("no", false.into()),
        ];
        let integers = [0, 1, -1, 63, -64, 64, i64::MAX, i64::MIN].map(|integer| about("integer", Value::I64(integer)));
        Span {
            resource: Arc::new(resource),
            trace_id: TraceId::from(u128::from(n) << 64 | 7),
            span_id: SpanId::from(n + 1),
            parent_span_id: SpanId::INVALID,
            name: "POST /price".into(),
            kind: kind((n % 5) as u8),
            start_ns: 1_000_000 + n,
            end_ns: 999_999,
            attributes: attributes.into_iter().chain(integers).collect(),
            events: vec![Event { name: "started".into(), time_ns: n, attributes: vec![about("to", "CLOSED".into())] }],
            links: vec![Link { trace_id: TraceId::from(9), span_id: SpanId::from(n), attributes: Vec::new() }],
            status: [Status::Unset, Status::Ok, Status::error("no price")][n as usize % 3].clone(),
        }
    }

    #[test]
    fn spans_come_back_as_they_were() {
        let spans: Vec<Span> = (0..500).map(span).collect();
        let (mut packer, mut packed) = (Packer::default(), Packed::default());
        spans.iter().for_each(|span| packer.pack(span, &mut packed));
        assert_eq!(packed.spans(), 500);
        assert_eq!(packer.unpack(&packed), spans);
    }

    #[test]
    fn ids_do_not_fill_the_dictionary() {
        let (mut packer, mut packed) = (Packer::default(), Packed::default());
        (0..500).for_each(|n| packer.pack(&span(n), &mut packed));
        assert!(packer.words.known("o-3").is_some() && packer.words.known("o-400").is_none());
    }
}
