//! The methods that the proxy has to understand. All others pass unread.

use amq_protocol::{
    protocol::{AMQPClass, basic, channel, connection, parse_class},
    types::parsing::ParserError,
};

use super::{frame, frame::Violation, table};

/// What a method frame says, as far as the proxy cares.
#[derive(Debug, PartialEq)]
pub(crate) enum Method {
    /// The client gives its connection a name.
    StartOk(Option<Box<str>>),
    /// The largest frame that both take; 0 is no limit.
    TuneOk(u32),
    CloseConnection,
    OpenChannel,
    CloseChannel,
    ChannelClosed,
    Publish(basic::Publish),
    Return(basic::Return),
    Deliver(basic::Deliver),
    GetOk(basic::GetOk),
    Consume(Consume),
    ConsumeOk(Box<str>),
    /// An answer to one message, or to all up to it.
    Answer {
        tag: u64,
        multiple: bool,
        how: Answer,
    },
    /// From now on publishes are confirmed.
    Select,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ack,
    Nack { requeue: bool },
    Reject { requeue: bool },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Consume {
    pub(crate) queue: Box<str>,
    pub(crate) tag: Box<str>,
    pub(crate) no_ack: bool,
    pub(crate) nowait: bool,
}

/// Reads a method frame.
pub(crate) fn read(frame: &[u8]) -> Result<Method, Violation> {
    let payload = frame::payload(frame);
    let &[c0, c1, m0, m1, ..] = payload else { return Err(Violation::Method) };
    // Those with tables are read here: see `table`.
    match (u16::from_be_bytes([c0, c1]), u16::from_be_bytes([m0, m1])) {
        (10, 11) => Ok(Method::StartOk(name(payload))),
        (60, 20) => Ok(consume(payload).map_or(Method::Other, Method::Consume)),
        (10, 31 | 50) | (20, 10 | 40 | 41) | (60, 21 | 40 | 50 | 60 | 71 | 80 | 90 | 120) => {
            let (_, class) = parse_class(payload).map_err(|_: ParserError| Violation::Method)?;
            Ok(understood(class))
        }
        (85, 10) => Ok(Method::Select),
        _ => Ok(Method::Other),
    }
}

fn understood(class: AMQPClass) -> Method {
    use basic::AMQPMethod as Basic;
    match class {
        AMQPClass::Connection(connection::AMQPMethod::TuneOk(tuned)) => Method::TuneOk(tuned.frame_max),
        AMQPClass::Connection(connection::AMQPMethod::Close(_)) => Method::CloseConnection,
        AMQPClass::Channel(channel::AMQPMethod::Open(_)) => Method::OpenChannel,
        AMQPClass::Channel(channel::AMQPMethod::Close(_)) => Method::CloseChannel,
        AMQPClass::Channel(channel::AMQPMethod::CloseOk(_)) => Method::ChannelClosed,
        AMQPClass::Basic(Basic::Publish(publish)) => Method::Publish(publish),
        AMQPClass::Basic(Basic::Return(returned)) => Method::Return(returned),
        AMQPClass::Basic(Basic::Deliver(deliver)) => Method::Deliver(deliver),
        AMQPClass::Basic(Basic::GetOk(got)) => Method::GetOk(got),
        AMQPClass::Basic(Basic::ConsumeOk(ok)) => Method::ConsumeOk(ok.consumer_tag.as_str().into()),
        AMQPClass::Basic(Basic::Ack(ack)) => Method::Answer { tag: ack.delivery_tag, multiple: ack.multiple, how: Answer::Ack },
        AMQPClass::Basic(Basic::Nack(nack)) => {
            Method::Answer { tag: nack.delivery_tag, multiple: nack.multiple, how: Answer::Nack { requeue: nack.requeue } }
        }
        AMQPClass::Basic(Basic::Reject(reject)) => {
            Method::Answer { tag: reject.delivery_tag, multiple: false, how: Answer::Reject { requeue: reject.requeue } }
        }
        _ => Method::Other,
    }
}

fn name(payload: &[u8]) -> Option<Box<str>> {
    let (properties, _) = table::long(payload, 4)?;
    let name = table::text(properties, "connection_name")?;
    Some(String::from_utf8_lossy(&name[..name.len().min(255)]).into())
}

fn consume(payload: &[u8]) -> Option<Consume> {
    let text = |bytes| String::from_utf8_lossy(bytes).into();
    // Class, method, and what once was a ticket.
    let (queue, at) = table::short(payload, 6)?;
    let (tag, at) = table::short(payload, at)?;
    let bits = *payload.get(at)?;
    Some(Consume { queue: text(queue), tag: text(tag), no_ack: bits & 2 != 0, nowait: bits & 8 != 0 })
}

#[cfg(test)]
mod tests {
    use amq_protocol::types::{AMQPValue, FieldTable};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_consumer_and_a_name_are_read() {
        let consume = basic::Consume {
            queue: "q".into(),
            consumer_tag: "t".into(),
            no_local: false,
            no_ack: true,
            exclusive: false,
            nowait: true,
            arguments: FieldTable::default(),
        };
        let frame = frame::method(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
        let expected = Consume { queue: "q".into(), tag: "t".into(), no_ack: true, nowait: true };
        assert_eq!(read(&frame), Ok(Method::Consume(expected)));
        let mut properties = FieldTable::default();
        properties.insert("connection_name".into(), AMQPValue::LongString("crm-api-1.1".into()));
        let start = connection::StartOk {
            client_properties: properties,
            mechanism: "PLAIN".into(),
            response: "\0guest\0guest".into(),
            locale: "en_US".into(),
        };
        let frame = frame::method(0, AMQPClass::Connection(connection::AMQPMethod::StartOk(start)));
        assert_eq!(read(&frame), Ok(Method::StartOk(Some("crm-api-1.1".into()))));
    }

    #[test]
    fn a_table_ten_thousand_levels_deep_takes_no_stack() {
        let mut value = vec![b'V'];
        for _ in 0..10_000 {
            let size = u32::try_from(value.len()).unwrap().to_be_bytes();
            value = [&b"A"[..], &size, &value].concat();
        }
        let table = [&b"\x04deep"[..], &value].concat();
        let size = u32::try_from(table.len()).unwrap().to_be_bytes();
        let payload = [&[0, 10, 0, 11][..], &size, &table].concat();
        assert_eq!(read(&frame::around(frame::Kind::Method, 0, &payload)), Ok(Method::StartOk(None)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(class in 0u16..100, method in 0u16..130, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let payload = [&class.to_be_bytes()[..], &method.to_be_bytes(), &bytes].concat();
            drop(read(&frame::around(frame::Kind::Method, 1, &payload)));
        }
    }
}
