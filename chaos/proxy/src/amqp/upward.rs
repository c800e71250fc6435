//! From the client to the broker: publishes, and a consumer's answers.

use std::{sync::Arc, time::Duration};

use amq_protocol::protocol::basic::Publish;
use bytes::Bytes;

use super::{
    frame::{self, Kind, Violation},
    header::Header,
    method::{self, Consume, Method},
    session::{HELD, Held, Session, Stop},
    sink::Sink,
};
use crate::{
    api::{Answer, Entry, How, Names},
    machine,
    rules::Point,
};

/// What a corrupted message carries: the same as in the simulated world.
const TORN: &[u8] = b"{\"torn";

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

enum Fate {
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
enum Then {
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

    /// What becomes of a message. Its first two frames are put in place.
    fn meddle(
        &mut self,
        sink: &mut Sink<'_>,
        channel: u16,
        (method, frame): (Bytes, Bytes),
        (number, names): (Option<u64>, &Arc<Names>),
    ) -> Fate {
        let frame = self.mend(channel, frame, names);
        let Some(header) = Header::of(&frame) else {
            return self.pass(sink, channel, [method, frame], (number, names));
        };
        let met = self.rules.meets(Point::Publish, self.whose(), names, Some(&header));
        let size = usize::try_from(header.body).unwrap_or(usize::MAX);
        let whole = |then| {
            let frames = vec![method.clone(), frame.clone()];
            Fate::Whole { frames, number, names: Arc::clone(names), then }
        };
        let Some((fault, how)) = met else {
            let waited_for = self.held.iter().any(|held| held.channel == channel && held.behind_next);
            if waited_for && size <= HELD {
                return whole(Then::Go);
            }
            return self.pass(sink, channel, [method, frame], (number, names));
        };
        let then = match how {
            How::Duplicate => Some(Then::Twice),
            How::Delay { ms } => Some(Then::Later(Duration::from_millis(ms))),
            How::Reorder { within_ms } => Some(Then::BehindNext(Duration::from_millis(within_ms))),
            _ => None,
        };
        let spared = if then.is_some() && size.saturating_add(self.holds()) > HELD {
            Some("too much is held back")
        } else if how == How::LoseConfirm && number.is_none() {
            Some("its channel has no confirms")
        } else {
            None
        };
        if let Some(why) = spared {
            self.log(channel, Entry::Spared { fault, why: why.into() }, Some(names));
            return self.pass(sink, channel, [method, frame], (number, names));
        }
        if how == How::LoseConfirm {
            // It is lost when it comes.
            let open = self.channels.entry(channel).or_default();
            open.doomed.extend(number.map(|number| (number, fault)));
            return self.pass(sink, channel, [method, frame], (number, names));
        }
        self.effect(&fault, &how, names);
        match (then, how) {
            (Some(then), _) => whole(then),
            (None, How::Corrupt) => {
                let torn = frame::around(Kind::Body, channel, TORN);
                let announced = header.with_body(channel, TORN.len());
                drop(self.pass(sink, channel, [method, announced], (number, names)));
                sink.put(torn);
                Fate::Drop
            }
            (None, how) => {
                self.stop = match how {
                    How::LoseOnTheWire => Some(Stop::Cut),
                    How::FreezePublish => Some(Stop::Freeze),
                    _ => None,
                };
                Fate::Drop
            }
        }
    }

    fn pass(
        &mut self,
        sink: &mut Sink<'_>,
        channel: u16,
        frames: [Bytes; 2],
        (number, names): (Option<u64>, &Arc<Names>),
    ) -> Fate {
        frames.into_iter().for_each(|frame| sink.put(frame));
        self.written(channel, number, names);
        Fate::Pass
    }

    /// The header as it goes on.
    fn mend(&mut self, channel: u16, frame: Bytes, names: &Arc<Names>) -> Bytes {
        let Some(header) = Header::of(&frame) else { return frame };
        let Some((fault, how)) = self.rules.meets(Point::Headers, self.whose(), names, Some(&header)) else { return frame };
        let changed = match &how {
            How::StripHeader { header: name } => header.changed(channel, name, None),
            How::CorruptHeader { header: name, value } => header.changed(channel, name, Some(value)),
            _ => None,
        };
        match changed {
            Some(changed) => {
                self.effect(&fault, &how, names);
                changed
            }
            None => {
                self.log(channel, Entry::Spared { fault, why: "it has no such header".into() }, Some(names));
                frame
            }
        }
    }

    fn written(&mut self, channel: u16, number: Option<u64>, names: &Arc<Names>) {
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

    /// Those that were waiting for a message go behind it.
    fn follow(&mut self, sink: &mut Sink<'_>, channel: u16) {
        let (go, stay): (Vec<Held>, Vec<Held>) =
            std::mem::take(&mut self.held).into_iter().partition(|held| held.channel == channel && held.behind_next);
        self.held = stay;
        for held in go {
            self.written(channel, held.number, &held.names);
            held.frames.into_iter().for_each(|frame| sink.put(frame));
        }
    }

    fn answer(&mut self, sink: &mut Sink<'_>, channel: u16, len: usize, (tag, multiple, how): (u64, bool, method::Answer)) {
        let Some(open) = self.channels.get_mut(&channel) else { return sink.pass(len) };
        let settled: Vec<Arc<Names>> = match multiple {
            false => open.unsettled.remove(&tag).into_iter().collect(),
            true if tag == 0 => std::mem::take(&mut open.unsettled).into_values().collect(),
            true => {
                let later = open.unsettled.split_off(&tag.saturating_add(1));
                std::mem::replace(&mut open.unsettled, later).into_values().collect()
            }
        };
        let met = |names: &Arc<Names>| {
            let (fault, how) = self.rules.meets(Point::Answer, self.whose(), names, None)?;
            Some((fault, how, Arc::clone(names)))
        };
        if let Some((fault, how, names)) = settled.iter().find_map(met) {
            self.effect(&fault, &how, &names);
            self.stop = Some(if how == How::FreezeAck { Stop::Freeze } else { Stop::Cut });
            drop(sink.take(len));
            return;
        }
        let how = match how {
            method::Answer::Ack => Answer::Ack,
            method::Answer::Nack { requeue: true } | method::Answer::Reject { requeue: true } => Answer::Requeue,
            method::Answer::Nack { requeue: false } | method::Answer::Reject { requeue: false } => Answer::Reject,
        };
        settled.iter().for_each(|names| self.log(channel, Entry::Settled { how }, Some(names)));
        sink.pass(len);
    }
}
