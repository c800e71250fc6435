//! Log records as few bytes, with the dictionary that the spans of the run fill: they say the same things.

use std::{borrow::Cow, sync::Arc};

use opentelemetry::{SpanId, TraceId};

use super::{Packer, number, read::Reader, text};
use crate::Log;

/// Some log records, in the order they came.
#[derive(Debug, Default)]
pub struct PackedLogs {
    bytes: Vec<u8>,
    logs: u64,
}

impl PackedLogs {
    /// How many records there are.
    #[must_use]
    pub const fn logs(&self) -> u64 {
        self.logs
    }
}

/// Which of its ids a record names.
const TRACE: u8 = 1;
const SPAN: u8 = 2;

impl Packer {
    /// Adds a log record.
    pub fn pack_log(&mut self, log: &Log, into: &mut PackedLogs) {
        let mut piece = std::mem::take(&mut self.piece);
        piece.clear();
        self.write_log(log, &mut piece);
        into.bytes.extend_from_slice(&piece);
        into.logs += 1;
        self.piece = piece;
    }

    fn write_log(&mut self, log: &Log, out: &mut Vec<u8>) {
        self.resource(&log.resource, out);
        number(log.number, out);
        out.extend_from_slice(&log.time_ns.to_le_bytes());
        let (trace, span) = (log.trace_id != TraceId::INVALID, log.span_id != SpanId::INVALID);
        out.push(if trace { TRACE } else { 0 } | if span { SPAN } else { 0 });
        if trace {
            out.extend_from_slice(&log.trace_id.to_bytes());
        }
        if span {
            out.extend_from_slice(&log.span_id.to_bytes());
        }
        let action = self.words.number(&log.action);
        number(action.into(), out);
        number(self.words.number(&log.level).into(), out);
        let message = self.words.number("message");
        match self.word(message, &log.message) {
            Some(word) => number(u64::from(word) + 1, out),
            None => {
                number(0, out);
                text(&log.message, out);
            }
        }
        self.attributes(action, &log.fields, out);
    }

    /// The records again, as they were.
    #[must_use]
    pub fn unpack_logs(&self, packed: &PackedLogs) -> Vec<Log> {
        let mut reader = Reader::new(self, &packed.bytes);
        (0..packed.logs).map_while(|_| log(&mut reader)).collect()
    }
}

fn log(reader: &mut Reader<'_>) -> Option<Log> {
    let resource = reader.resource()?;
    let number = reader.number()?;
    let time_ns = u64::from_le_bytes(reader.bytes()?);
    let [ids] = reader.bytes()?;
    let trace_id = if ids & TRACE == 0 { TraceId::INVALID } else { TraceId::from_bytes(reader.bytes()?) };
    let span_id = if ids & SPAN == 0 { SpanId::INVALID } else { SpanId::from_bytes(reader.bytes()?) };
    let own = |word: &Arc<str>| Cow::Owned(word.to_string());
    let action = own(reader.word()?);
    let level = own(reader.word()?);
    let message = match reader.number()?.checked_sub(1) {
        Some(word) => own(reader.word_of(word)?),
        None => Cow::Owned(reader.text()?.to_owned()),
    };
    Some(Log { resource, number, time_ns, level, action, message, trace_id, span_id, fields: reader.attributes()? })
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;
    use crate::Resource;

    fn log(n: u64) -> Log {
        let resource = Resource { service: "mes-api".into(), instance: format!("mes-api-{}", n % 3).into(), attributes: vec![] };
        let fields = vec![KeyValue::new("order.id", format!("o-{n}")), KeyValue::new("order.version", 4)];
        Log {
            resource: Arc::new(resource),
            number: n,
            time_ns: 1_000_000 + n,
            level: if n.is_multiple_of(7) { "ERROR".into() } else { "INFO".into() },
            action: if n.is_multiple_of(7) { "PUBLISH_FAILED".into() } else { "SHIPPED".into() },
            message: if n.is_multiple_of(2) { "the carrier has the piece".into() } else { format!("it is number {n}").into() },
            trace_id: if n.is_multiple_of(3) { TraceId::INVALID } else { TraceId::from(u128::from(n)) },
            span_id: if n.is_multiple_of(5) { SpanId::INVALID } else { SpanId::from(n) },
            fields: if n.is_multiple_of(7) { Vec::new() } else { fields },
        }
    }

    #[test]
    fn records_come_back_as_they_were() {
        let logs: Vec<Log> = (0..500).map(log).collect();
        let (mut packer, mut packed) = (Packer::default(), PackedLogs::default());
        logs.iter().for_each(|log| packer.pack_log(log, &mut packed));
        assert_eq!(packed.logs(), 500);
        assert_eq!(packer.unpack_logs(&packed), logs);
    }
}
