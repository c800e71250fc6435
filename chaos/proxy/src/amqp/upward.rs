//! From the client to the broker: publishes, and a consumer's answers.

use std::{sync::Arc, time::Duration};

use amq_protocol::protocol::basic::Publish;
use bytes::Bytes;

use super::{
    frame::{self, Kind, Violation},
    header::Header,
    held::Held,
    method::{self, Consume, Method},
    session::Session,
    sink::Sink,
};
use crate::{
    api::{Entry, Names},
    machine,
};

/// A message that its publisher is sending.
pub(super) struct Arriving {
    publish: Publish,
    /// Its first frame, kept back until it is decided what becomes of it.
    method: Option<Bytes>,
    body: Option<Body>,
}

/// The rest of it, once it is decided.
struct Body {
    left: u64,
    fate: Fate,
}

pub(super) enum Fate {
    Pass,
    Drop,
    /// It is gathered until it is whole.
    Whole {
        frames: Vec<Bytes>,
        number: Option<u64>,
        names: Arc<Names>,
        then: Then,
    },
}

#[derive(Clone, Copy)]
pub(super) enum Then {
    Twice,
    Later(Duration),
    BehindNext(Duration),
    /// It goes, and those that were waiting for it go behind it.
    Go,
}

impl Session {
    pub(super) fn upward(&mut self, sink: &mut Sink<'_>, kind: Kind, channel: u16, len: usize) -> Result<(), Violation> {
        match kind {
            Kind::Method => match method::read(&sink.rest()[..len])? {
                Method::Publish(publish) => self.publish(sink, channel, len, publish),
                Method::Answer { tag, multiple, how } => self.answer(sink, channel, len, (tag, multiple, how)),
                said => {
                    self.said(sink, channel, said);
                    sink.pass(len);
                }
            },
            Kind::Header => return self.header(sink, channel, len),
            Kind::Body => self.body(sink, channel, len),
            Kind::Greeting | Kind::Heartbeat => sink.pass(len),
        }
        Ok(())
    }

    fn said(&mut self, sink: &mut Sink<'_>, channel: u16, said: Method) {
        match said {
            Method::StartOk(Some(name)) => self.client = name.into(),
            Method::TuneOk(largest) => self.tuned(largest),
            Method::OpenChannel => drop(self.channels.entry(channel).or_default()),
            Method::Select => drop(self.channels.entry(channel).or_default().confirms.get_or_insert_default()),
            Method::Consume(consume) => self.consume(channel, consume),
            Method::CloseChannel => self.let_all_go(Some(channel), sink),
            Method::CloseConnection => self.let_all_go(None, sink),
            Method::ChannelClosed => drop(self.channels.remove(&channel)),
            _ => {}
        }
    }

    fn consume(&mut self, channel: u16, consume: Consume) {
        let Consume { queue, tag, no_ack, nowait } = consume;
        let channel = self.channels.entry(channel).or_default();
        if nowait {
            channel.consumer(tag, queue.into(), no_ack);
        } else {
            channel.asked.push_back((queue.into(), no_ack));
        }
    }

    fn publish(&mut self, sink: &mut Sink<'_>, channel: u16, len: usize, publish: Publish) {
        let method = self.rules.are_to_messages().then(|| sink.take(len));
        if method.is_none() {
            sink.pass(len);
        }
        self.channels.entry(channel).or_default().arriving = Some(Arriving { publish, method, body: None });
    }

    /// The header says which message it is: here its fate is drawn.
    fn header(&mut self, sink: &mut Sink<'_>, channel: u16, len: usize) -> Result<(), Violation> {
        let open = self.channels.get_mut(&channel);
        let Some(open) = open.filter(|open| open.arriving.as_ref().is_some_and(|arriving| arriving.body.is_none())) else {
            sink.pass(len);
            return Ok(());
        };
        let Some(Arriving { publish, method, .. }) = open.arriving.take() else { return Ok(()) };
        let number = open.confirms.as_mut().map(super::confirms::Confirms::publish);
        if open.confirms.as_ref().is_some_and(super::confirms::Confirms::is_full) {
            return Err(Violation::Unconfirmed);
        }
        let read = Header::of(&sink.rest()[..len]);
        let left = read.as_ref().map_or(0, |header| header.body);
        let names =
            read.map(|header| header.names(&self.rules.event_header, publish.exchange.as_str(), publish.routing_key.as_str()));
        let names = Arc::new(names.unwrap_or_default());
        self.log(channel, Entry::Published, Some(&names));
        let fate = match method {
            Some(method) => {
                let frame = sink.take(len);
                self.meddle(sink, channel, (method, frame), (number, &names))
            }
            None => {
                sink.pass(len);
                self.written(channel, number, &names);
                Fate::Pass
            }
        };
        self.go_on(sink, channel, publish, Body { left, fate });
        Ok(())
    }

    pub(super) fn written(&mut self, channel: u16, number: Option<u64>, names: &Arc<Names>) {
        if let Some(confirms) = self.channels.get_mut(&channel).and_then(|open| open.confirms.as_mut()) {
            confirms.write(number, Arc::clone(names));
        }
    }

    fn body(&mut self, sink: &mut Sink<'_>, channel: u16, len: usize) {
        let arriving = self.channels.get_mut(&channel).and_then(|open| open.arriving.take());
        let Some(Arriving { publish, body: Some(Body { left, mut fate }), .. }) = arriving else {
            sink.pass(len);
            return;
        };
        let size = frame::payload(&sink.rest()[..len]).len() as u64;
        // A body that is longer than its header says is the broker's to refuse: it is no message that could be meddled with.
        match &mut fate {
            Fate::Pass => sink.pass(len),
            Fate::Drop => drop(sink.take(len)),
            Fate::Whole { frames, .. } => frames.push(sink.take(len)),
        }
        self.go_on(sink, channel, publish, Body { left: left.saturating_sub(size), fate });
    }

    /// Waits for the rest of a message, or does what is to be done with all of it.
    fn go_on(&mut self, sink: &mut Sink<'_>, channel: u16, publish: Publish, body: Body) {
        if body.left > 0 {
            self.channels.entry(channel).or_default().arriving = Some(Arriving { publish, method: None, body: Some(body) });
            return;
        }
        let Fate::Whole { frames, number, names, then } = body.fate else { return };
        let (due, behind_next) = match then {
            Then::Later(time) => (time, false),
            Then::BehindNext(time) => (time, true),
            Then::Go | Then::Twice => {
                frames.iter().for_each(|frame| sink.put(frame.clone()));
                self.written(channel, number, &names);
                if matches!(then, Then::Twice) {
                    frames.into_iter().for_each(|frame| sink.put(frame));
                    self.written(channel, None, &names);
                }
                return self.follow(sink, channel);
            }
        };
        let due = machine::now() + due;
        self.held.push(Held { due, behind_next, channel, frames, number, names });
    }
}
