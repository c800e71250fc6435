//! The header of a message's content: its size, its names, its own headers; and the same header with one of them changed.

use std::ops::Range;

use bytes::Bytes;

use super::{
    frame::{self, Kind},
    table,
};
use crate::api::Names;

/// Class, weight and size come before the flags of the properties.
const FLAGS: usize = 12;
const PROPERTIES: usize = FLAGS + 2;
/// The properties in their order, by how they are written.
const FORMS: [Form; 14] = [
    Form::Short,
    Form::Short,
    Form::Table,
    Form::Bytes(1),
    Form::Bytes(1),
    Form::Short,
    Form::Short,
    Form::Short,
    Form::Short,
    Form::Bytes(8),
    Form::Short,
    Form::Short,
    Form::Short,
    Form::Short,
];
const HEADERS: usize = 2;
const CORRELATION_ID: usize = 5;
const MESSAGE_ID: usize = 8;

#[derive(Clone, Copy)]
enum Form {
    Short,
    Table,
    Bytes(usize),
}

/// A content header, as it lies in its frame.
pub(crate) struct Header<'a> {
    payload: &'a [u8],
    /// How long the body will be.
    pub(crate) body: u64,
    /// Where the table of its headers lies, without its length.
    table: Option<Range<usize>>,
    correlation_id: &'a [u8],
    message_id: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads a frame; none where it is no such header.
    pub(crate) fn of(frame: &'a [u8]) -> Option<Self> {
        let payload = frame::payload(frame);
        let body = u64::from_be_bytes(payload.get(4..FLAGS)?.try_into().ok()?);
        let flags = u16::from_be_bytes(payload.get(FLAGS..PROPERTIES)?.try_into().ok()?);
        let mut header = Self { payload, body, table: None, correlation_id: &[], message_id: &[] };
        let mut at = PROPERTIES;
        for (n, form) in FORMS.into_iter().enumerate().filter(|(n, _)| flags & (0x8000 >> n) != 0) {
            let start = at;
            at = match form {
                Form::Short => table::short(payload, at)?.1,
                Form::Table => table::long(payload, at)?.1,
                Form::Bytes(size) => (at + size <= payload.len()).then_some(at + size)?,
            };
            match n {
                HEADERS => header.table = Some(start + 4..at),
                CORRELATION_ID => header.correlation_id = &payload[start + 1..at],
                MESSAGE_ID => header.message_id = &payload[start + 1..at],
                _ => {}
            }
        }
        Some(header)
    }

    fn table(&self) -> &'a [u8] {
        self.table.clone().and_then(|at| self.payload.get(at)).unwrap_or_default()
    }

    /// What one of its headers says, where that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&'a [u8]> {
        table::text(self.table(), name)
    }

    /// What the message is called.
    pub(crate) fn names(&self, event_header: &str, exchange: &str, key: &str) -> Names {
        let event = self.text(event_header).unwrap_or(self.message_id);
        Names {
            message_id: lossy(self.message_id),
            event_id: lossy(event),
            order_id: lossy(self.correlation_id),
            exchange: exchange.into(),
            routing_key: key.into(),
        }
    }

    /// The frame for a body of another size.
    pub(crate) fn with_body(&self, channel: u16, size: usize) -> Bytes {
        let mut payload = self.payload.to_vec();
        payload[4..FLAGS].copy_from_slice(&(size as u64).to_be_bytes());
        frame::around(Kind::Header, channel, &payload)
    }

    /// The frame without one of the headers, or with another text in it; all else byte for byte. None where it has no such header.
    pub(crate) fn changed(&self, channel: u16, name: &str, value: Option<&str>) -> Option<Bytes> {
        let at = self.table.clone()?;
        let field = table::fields(self.table()).find(|field| field.name == name.as_bytes())?;
        let (before, after) = (&self.table()[..field.at.start], &self.table()[field.at.end..]);
        let mut table = before.to_vec();
        if let Some(value) = value {
            table.push(u8::try_from(field.name.len()).ok()?);
            table.extend(field.name);
            table.push(b'S');
            table.extend(u32::try_from(value.len()).ok()?.to_be_bytes());
            table.extend(value.as_bytes());
        }
        table.extend(after);
        let mut payload = self.payload[..at.start - 4].to_vec();
        payload.extend(u32::try_from(table.len()).ok()?.to_be_bytes());
        payload.extend(table);
        payload.extend(&self.payload[at.end..]);
        Some(frame::around(Kind::Header, channel, &payload))
    }
}

/// At most 255 bytes of a name are kept: a client decides how long it is.
fn lossy(name: &[u8]) -> Box<str> {
    String::from_utf8_lossy(&name[..name.len().min(255)]).into()
}

#[cfg(test)]
mod tests {
    use amq_protocol::{
        frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame},
        protocol::BasicProperties,
        types::{AMQPValue, FieldTable},
    };
    use proptest::prelude::*;

    use super::*;

    fn frame(headers: &[(&str, &str)]) -> (Bytes, AMQPContentHeader) {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), AMQPValue::LongString((*value).into()));
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
            .with_priority(3)
            .with_timestamp(9)
            .with_correlation_id("o-1".into())
            .with_message_id("m-1".into())
            .with_headers(table);
        let header = AMQPContentHeader { class_id: 60, body_size: 42, properties };
        let written = gen_frame(&AMQPFrame::Header(5, header.clone()))(WriteContext::from(Vec::new())).unwrap();
        (written.into_inner().0.into(), header)
    }

    #[test]
    fn names_are_read() {
        let (bytes, _) = frame(&[("traceparent", "00-1"), ("x-event-id", "e-1")]);
        let header = Header::of(&bytes).unwrap();
        let names = header.names("x-event-id", "orders", "order.submitted");
        assert_eq!((&*names.message_id, &*names.event_id, &*names.order_id), ("m-1", "e-1", "o-1"));
        assert_eq!(&*header.names("x-other", "", "").event_id, "m-1");
        assert_eq!(header.body, 42);
    }

    #[test]
    fn a_header_is_taken_out_or_changed_and_the_rest_stays() {
        let (bytes, _) = frame(&[("a", "1"), ("traceparent", "00-1"), ("x-event-id", "e-1")]);
        let header = Header::of(&bytes).unwrap();
        assert_eq!(header.changed(5, "traceparent", None), Some(frame(&[("a", "1"), ("x-event-id", "e-1")]).0));
        let torn = frame(&[("a", "1"), ("traceparent", "torn"), ("x-event-id", "e-1")]).0;
        assert_eq!(header.changed(5, "traceparent", Some("torn")), Some(torn));
        assert_eq!(header.changed(5, "missing", None), None);
    }

    #[test]
    fn a_body_of_another_size_is_announced() {
        let (bytes, mut expected) = frame(&[("a", "1")]);
        expected.body_size = 6;
        let changed = Header::of(&bytes).unwrap().with_body(5, 6);
        assert_eq!(parse_frame(&changed[..]).unwrap().1, AMQPFrame::Header(5, expected));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(header) = Header::of(&bytes) {
                header.names("x", "", "");
                header.changed(1, "x", Some("y"));
                header.with_body(1, 6);
            }
        }
    }
}
