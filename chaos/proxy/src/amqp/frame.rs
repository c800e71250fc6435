//! Frames on the wire: where one ends, whose it is, and new ones.
//!
//! A frame is a kind, a channel and a size, so many bytes, and an end octet. A size is checked before anything is kept for it.

use amq_protocol::{
    frame::{AMQPFrame, WriteContext, gen_frame},
    protocol::{AMQPClass, constants},
};
use bytes::Bytes;

/// Before an end has said what it takes, and however much it says: RabbitMQ's own limit is an eighth of this.
pub(crate) const LARGEST: usize = 1 << 20;
/// Kind, channel and size.
pub(crate) const HEAD: usize = 7;
/// The first bytes of a client: `AMQP`, and the version.
const GREETING: usize = 8;

/// How an end breaks the protocol.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Violation {
    #[error("a frame of an unknown kind, {0}")]
    Kind(u8),
    #[error("a frame of {0} bytes, {1} at most")]
    Size(usize, usize),
    #[error("a frame without its end")]
    End,
    #[error("a method that cannot be read")]
    Method,
    #[error("more publishes without a confirm than can be followed")]
    Unconfirmed,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Greeting,
    Method,
    Header,
    Body,
    Heartbeat,
}

/// The first frame of what has been read, once all of it is there: its kind, its channel, and how long it is in all.
pub(crate) fn first(bytes: &[u8], largest: usize, greets: bool) -> Result<Option<(Kind, u16, usize)>, Violation> {
    let Some(&kind) = bytes.first() else { return Ok(None) };
    let kind = match kind {
        constants::FRAME_METHOD => Kind::Method,
        constants::FRAME_HEADER => Kind::Header,
        constants::FRAME_BODY => Kind::Body,
        constants::FRAME_HEARTBEAT => Kind::Heartbeat,
        b'A' if greets => {
            return match bytes.get(..GREETING) {
                Some(greeting) if greeting.starts_with(b"AMQP") => Ok(Some((Kind::Greeting, 0, GREETING))),
                Some(_) => Err(Violation::Kind(b'A')),
                None => Ok(None),
            };
        }
        unknown => return Err(Violation::Kind(unknown)),
    };
    let &[_, c0, c1, s0, s1, s2, s3, ..] = bytes else { return Ok(None) };
    let size = u32::from_be_bytes([s0, s1, s2, s3]) as usize;
    let whole = size.saturating_add(HEAD + 1);
    if whole > largest {
        return Err(Violation::Size(whole, largest));
    }
    match bytes.get(whole - 1) {
        None => Ok(None),
        Some(&constants::FRAME_END) => Ok(Some((kind, u16::from_be_bytes([c0, c1]), whole))),
        Some(_) => Err(Violation::End),
    }
}

/// What a frame carries.
pub(crate) fn payload(frame: &[u8]) -> &[u8] {
    frame.get(HEAD..frame.len().saturating_sub(1)).unwrap_or_default()
}

/// A frame that says a method.
pub(crate) fn method(channel: u16, class: AMQPClass) -> Bytes {
    let frame = AMQPFrame::Method(channel, class);
    // Writing to memory does not fail.
    gen_frame(&frame)(WriteContext::from(Vec::new())).map(|written| written.into_inner().0).unwrap_or_default().into()
}

/// A frame around a payload.
pub(crate) fn around(kind: Kind, channel: u16, payload: &[u8]) -> Bytes {
    let kind = match kind {
        Kind::Header => constants::FRAME_HEADER,
        Kind::Body => constants::FRAME_BODY,
        Kind::Heartbeat => constants::FRAME_HEARTBEAT,
        Kind::Greeting | Kind::Method => constants::FRAME_METHOD,
    };
    let size = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut frame = Vec::with_capacity(payload.len() + HEAD + 1);
    frame.push(kind);
    frame.extend(channel.to_be_bytes());
    frame.extend(size.to_be_bytes());
    frame.extend(payload);
    frame.push(constants::FRAME_END);
    frame.into()
}

#[cfg(test)]
mod tests {
    use amq_protocol::protocol::{basic, confirm};

    use super::*;

    #[test]
    fn a_frame_is_there_once_its_last_byte_is() {
        let frame = method(3, AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: true })));
        for end in 0..frame.len() {
            assert_eq!(first(&frame[..end], LARGEST, false), Ok(None));
        }
        assert_eq!(first(&frame, LARGEST, false), Ok(Some((Kind::Method, 3, frame.len()))));
    }

    #[test]
    fn what_is_made_here_is_what_the_protocol_crate_makes() {
        let ack = AMQPClass::Basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag: 7, multiple: true }));
        let made = method(1, ack);
        assert_eq!(around(Kind::Method, 1, payload(&made)), made);
    }

    #[test]
    fn a_size_is_refused_before_its_bytes_come() {
        let huge = [constants::FRAME_BODY, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(first(&huge, 4096, false), Err(Violation::Size(u32::MAX as usize + 8, 4096)));
        assert_eq!(first(&[constants::FRAME_BODY, 0, 1, 0, 0, 0, 0, 0], 4096, false), Err(Violation::End));
        assert_eq!(first(b"GET / HTTP/1.1", 4096, true), Err(Violation::Kind(b'G')));
        assert_eq!(first(b"AMQP\x00\x00\x09\x01", 4096, true), Ok(Some((Kind::Greeting, 0, 8))));
        assert_eq!(first(b"AMQP\x00\x00\x09\x01", 4096, false), Err(Violation::Kind(b'A')));
    }
}
