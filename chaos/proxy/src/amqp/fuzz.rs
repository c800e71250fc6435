//! What comes over the wire is anybody's: whole, in pieces, damaged, or nothing of AMQP at all.

use std::sync::Arc;

use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame},
    protocol::{AMQPClass, BasicProperties, basic, channel, confirm},
    types::{AMQPValue, FieldTable},
};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use world::random::Random;

use super::{
    frame::{self, Kind, LARGEST},
    session::{Session, To},
};
use crate::{
    api::{How, Rule},
    records::Records,
    rules::Rules,
};

fn session(rules: Rules) -> Session {
    Session::new((Arc::new(rules), Arc::new(Records::new(100))), "rabbitmq".into(), "10.0.0.1".into(), 1)
}

fn quiet() -> Session {
    session(Rules::new(1, "x-event-id"))
}

/// One rule of each kind, each for a tenth of the events.
fn stormy() -> Session {
    let rules = Rules::new(1, "x-event-id");
    let name = |name: &str| name.to_owned();
    let hows = [
        How::Lose,
        How::Duplicate,
        How::Delay { ms: 0 },
        How::Reorder { within_ms: 0 },
        How::LoseConfirm,
        How::LoseAck,
        How::Corrupt,
        How::StripHeader { header: name("traceparent") },
        How::CorruptHeader { header: name("a"), value: name("b") },
    ];
    for (n, how) in hows.into_iter().enumerate() {
        rules.put(&format!("fault@{n}"), Rule { share: 0.1, ..Rule::new(how) });
    }
    session(rules)
}

/// A publish, or a delivery of the same message.
fn message(channel: u16, n: u64, size: usize, delivered: bool) -> Vec<u8> {
    let mut headers = FieldTable::default();
    headers.insert("x-event-id".into(), AMQPValue::LongString(format!("event-{n}").into()));
    headers.insert("traceparent".into(), AMQPValue::LongString("00-1".into()));
    let properties = BasicProperties::default().with_message_id(format!("m-{n}").into()).with_headers(headers);
    let (exchange, routing_key) = ("orders".into(), "order.submitted".into());
    let method = if delivered {
        let (consumer_tag, delivery_tag) = ("tag".into(), n);
        basic::AMQPMethod::Deliver(basic::Deliver { consumer_tag, delivery_tag, redelivered: false, exchange, routing_key })
    } else {
        basic::AMQPMethod::Publish(basic::Publish { exchange, routing_key, mandatory: true, immediate: false })
    };
    let header = AMQPFrame::Header(channel, AMQPContentHeader { class_id: 60, body_size: size as u64, properties });
    let mut bytes = frame::method(channel, AMQPClass::Basic(method)).to_vec();
    bytes.extend(gen_frame(&header)(WriteContext::from(Vec::new())).unwrap().into_inner().0);
    for piece in vec![b'x'; size].chunks(100) {
        bytes.extend(frame::around(Kind::Body, channel, piece));
    }
    bytes
}

/// A conversation that a client could lead, or a broker.
fn stream(random: &mut Random, to: To) -> Vec<u8> {
    let mut bytes = if to == To::Broker { b"AMQP\x00\x00\x09\x01".to_vec() } else { Vec::new() };
    let open = AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
    let select = AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: false }));
    if to == To::Broker {
        bytes.extend(frame::method(1, open));
        bytes.extend(frame::method(1, select));
    }
    for n in 1..2 + random.below(12) {
        let channel = 1 + u16::try_from(random.below(2)).unwrap();
        let size = usize::try_from(random.below(400)).unwrap();
        match random.below(4) {
            0 => {
                let (delivery_tag, multiple) = (random.below(n + 1), random.below(2) == 0);
                let ack = basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple });
                bytes.extend(frame::method(channel, AMQPClass::Basic(ack)));
            }
            1 => bytes.extend(frame::around(Kind::Heartbeat, 0, &[])),
            _ => bytes.extend(message(channel, n, size, to == To::Client)),
        }
    }
    bytes
}

fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
    match random.below(5) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = u8::MAX,
        3 => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
        _ => {
            // A size, perhaps.
            let end = (at + 4).min(bytes.len());
            bytes[at..end].fill(u8::MAX);
        }
    }
}

/// Feeds bytes in pieces; gives what came out and what is left inside.
fn fed(session: &mut Session, to: To, bytes: &[u8], random: &mut Random) -> (Vec<u8>, BytesMut, bool) {
    let (mut read, mut out, mut written, mut greets) = (BytesMut::new(), Vec::<Bytes>::new(), Vec::new(), true);
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = usize::try_from(1 + random.below(rest.len().min(300) as u64)).unwrap();
        read.extend_from_slice(&rest[..len]);
        rest = &rest[len..];
        let on = session.feed(to, &mut greets, &mut read, &mut out).is_ok() && session.stop.is_none();
        out.drain(..).for_each(|bytes| written.extend(bytes));
        if !on {
            return (written, read, false);
        }
        assert!(read.len() <= LARGEST);
    }
    (written, read, true)
}

#[test]
fn ten_thousand_damaged_streams_do_no_harm() {
    let mut ended = 0;
    for n in 0..10_000u64 {
        let mut random = Random::new(n, "fuzz", "stream");
        let to = if n % 2 == 0 { To::Broker } else { To::Client };
        let mut bytes = stream(&mut random, to);
        match n % 5 {
            0 => bytes = (0..random.below(500)).map(|_| u8::try_from(random.below(256)).unwrap()).collect(),
            1 => {}
            _ => (0..=random.below(3)).for_each(|_| {
                if !bytes.is_empty() {
                    damage(&mut random, &mut bytes)
                }
            }),
        }
        let mut session = if n % 3 == 0 { quiet() } else { stormy() };
        let (written, left, on) = fed(&mut session, to, &bytes, &mut random);
        ended += usize::from(!on);
        // Twice is the most that a rule makes of anything; what the proxy says by itself is a few short frames.
        assert!(written.len() + left.len() + session.holds() <= 2 * bytes.len() + 1024, "stream {n}");
    }
    assert!((1_000..9_000).contains(&ended), "{ended} ended in a violation or a cut");
}

#[test]
fn a_message_is_as_large_as_it_likes_and_no_frame_is() {
    let mut session = quiet();
    let (mut read, mut out, mut greets) = (BytesMut::new(), Vec::new(), false);
    read.extend_from_slice(&[3, 0, 1, 0x7f, 0xff, 0xff, 0xff]);
    assert!(session.feed(To::Broker, &mut greets, &mut read, &mut out).is_err() && out.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn without_a_rule_all_passes_as_it_is(seed in any::<u64>(), client in any::<bool>()) {
        let to = if client { To::Broker } else { To::Client };
        let mut random = Random::new(seed, "pass", "stream");
        let bytes = stream(&mut random, to);
        let (written, left, on) = fed(&mut quiet(), to, &bytes, &mut random);
        prop_assert!(on && left.is_empty() && written == bytes);
    }

    #[test]
    fn any_bytes_pass_up_to_what_is_no_frame(bytes in prop::collection::vec(any::<u8>(), 0..600), seed in any::<u64>()) {
        let mut random = Random::new(seed, "any", "stream");
        let (written, left, _) = fed(&mut quiet(), To::Broker, &bytes, &mut random);
        let all = [written, left.to_vec()].concat();
        prop_assert!(bytes.starts_with(&all));
    }

    #[test]
    fn with_a_rule_that_hits_nobody_all_passes_as_it_is(seed in any::<u64>()) {
        let rules = Rules::new(1, "x-event-id");
        rules.put("a", Rule { key: Some("other".into()), ..Rule::new(How::Lose) });
        let mut random = Random::new(seed, "pass", "stream");
        let bytes = stream(&mut random, To::Broker);
        let (written, _, on) = fed(&mut session(rules), To::Broker, &bytes, &mut random);
        prop_assert!(on && written == bytes);
    }
}
