//! Tables of fields as they lie on the wire: one field after the other, without reading into those that hold further ones.
//!
//! A value may hold values that hold values; whoever reads them by recursion can be made to run out of stack by a few kilobytes.

use std::ops::Range;

/// A field of a table.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    /// What it says, where it is a text.
    pub(crate) text: Option<&'a [u8]>,
    /// Where it lies in its table, name and kind included.
    pub(crate) at: Range<usize>,
}

/// The fields of a table, without its length. Ends at what cannot be read.
pub(crate) fn fields(table: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let field = field(table, at)?;
        at = field.at.end;
        Some(field)
    })
}

/// What a field of a table says, where it is there and a text.
pub(crate) fn text<'a>(table: &'a [u8], name: &str) -> Option<&'a [u8]> {
    fields(table).find(|field| field.name == name.as_bytes())?.text
}

fn field(table: &[u8], start: usize) -> Option<Field<'_>> {
    let (name, at) = short(table, start)?;
    let kind = *table.get(at)?;
    let at = at + 1;
    let (text, end) = match kind {
        b'V' => (None, at),
        b't' | b'b' | b'B' => (None, at + 1),
        b's' | b'u' | b'U' => (None, at + 2),
        b'I' | b'i' | b'f' => (None, at + 4),
        b'D' => (None, at + 5),
        b'l' | b'L' | b'd' | b'T' => (None, at + 8),
        b'S' => long(table, at).map(|(text, end)| (Some(text), end))?,
        b'x' | b'A' | b'F' => (None, long(table, at)?.1),
        _ => return None,
    };
    (end <= table.len()).then_some(Field { name, text, at: start..end })
}

/// A text of at most 255 bytes, and where it ends.
pub(crate) fn short(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let end = at + 1 + usize::from(*bytes.get(at)?);
    Some((bytes.get(at + 1..end)?, end))
}

/// So many bytes as its first four say, and where they end.
pub(crate) fn long(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let size = u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?) as usize;
    let end = (at + 4).checked_add(size)?;
    Some((bytes.get(at + 4..end)?, end))
}

#[cfg(test)]
mod tests {
    use amq_protocol::{
        frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame},
        protocol::BasicProperties,
        types::{AMQPValue, FieldArray, FieldTable},
    };
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_of_value_is_passed_over() {
        let mut nested = FieldTable::default();
        nested.insert("inner".into(), AMQPValue::LongString("x".into()));
        let values = [
            AMQPValue::Boolean(true),
            AMQPValue::ShortShortInt(1),
            AMQPValue::ShortShortUInt(1),
            AMQPValue::ShortInt(1),
            AMQPValue::ShortUInt(1),
            AMQPValue::LongInt(1),
            AMQPValue::LongUInt(1),
            AMQPValue::LongLongInt(1),
            AMQPValue::Float(1.0),
            AMQPValue::Double(1.0),
            AMQPValue::LongString("text".into()),
            AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::Void, AMQPValue::LongInt(2)])),
            AMQPValue::Timestamp(1),
            AMQPValue::FieldTable(nested),
            AMQPValue::ByteArray(vec![1, 2, 3].into()),
            AMQPValue::Void,
        ];
        let mut table = FieldTable::default();
        for (n, value) in values.iter().enumerate() {
            table.insert(format!("f{n:02}").into(), value.clone());
        }
        table.insert("last".into(), AMQPValue::LongString("found".into()));
        let properties = BasicProperties::default().with_headers(table);
        let frame = AMQPFrame::Header(1, AMQPContentHeader { class_id: 60, body_size: 0, properties });
        let written = gen_frame(&frame)(WriteContext::from(Vec::new())).unwrap().into_inner().0;
        // Frame head, class, weight, body size, flags.
        let (table, _) = long(&written, 7 + 2 + 2 + 8 + 2).unwrap();
        assert_eq!(fields(table).count(), values.len() + 1);
        assert_eq!(text(table, "last"), Some(&b"found"[..]));
        assert_eq!(fields(table).last().unwrap().at.end, table.len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_some_fields_within_them(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            for field in fields(&bytes) {
                prop_assert!(field.at.end <= bytes.len() && field.at.start < field.at.end);
            }
        }
    }
}
