//! One connection: what is open on it, what is under way, and what is held back. It does no input or output of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use amq_protocol::protocol::{AMQPClass, channel};
use bytes::{Bytes, BytesMut};

use super::{
    confirms::Confirms,
    downward::Coming,
    frame::{self, Kind, LARGEST, Violation},
    sink::Sink,
    upward::Arriving,
};
use crate::{
    api::{Effect, Entry, How, Line, Names},
    machine::{self, Instant},
    records::Records,
    rules::{Rules, Whose},
};

/// So many bytes are held back on a connection; a message that goes beyond is spared.
pub(super) const HELD: usize = 16 << 20;
/// So many deliveries are followed to their answer on a channel; the oldest is forgotten then.
pub(super) const UNSETTLED: usize = 1 << 18;
/// No protocol lets a frame be smaller.
const SMALLEST: usize = 4096;
/// RabbitMQ's code for what a channel is closed over.
const PRECONDITION_FAILED: u16 = 406;

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Broker,
    Client,
}

/// How a connection ends, or seems to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Both ends are closed.
    Cut,
    /// Nothing comes through any more.
    Freeze,
}

/// The state of a connection.
pub(crate) struct Session {
    pub(super) rules: Arc<Rules>,
    records: Arc<Records>,
    listener: Arc<str>,
    pub(crate) client: Arc<str>,
    connection: u64,
    largest: usize,
    pub(super) channels: BTreeMap<u16, Channel>,
    pub(super) held: Vec<Held>,
    lines: Vec<Line>,
    pub(crate) stop: Option<Stop>,
    /// Frames of the proxy's own.
    to_broker: Vec<Bytes>,
    to_client: Vec<Bytes>,
}

/// A channel.
#[derive(Default)]
pub(super) struct Channel {
    /// A message that its publisher is sending.
    pub(super) arriving: Option<Arriving>,
    /// A message that the broker is sending.
    pub(super) coming: Option<Coming>,
    pub(super) confirms: Option<Confirms>,
    /// Publishes whose confirm is to be lost, by the client's number, and the fault that wants it.
    pub(super) doomed: BTreeMap<u64, Arc<str>>,
    /// Deliveries without an answer.
    pub(super) unsettled: BTreeMap<u64, Arc<Names>>,
    pub(super) consumers: BTreeMap<Box<str>, Arc<str>>,
    /// Consumers of which no answer is expected.
    pub(super) deaf: BTreeSet<Box<str>>,
    /// Those that the broker has yet to let in: queue, and whether no answer is expected.
    pub(super) asked: std::collections::VecDeque<(Arc<str>, bool)>,
    closing: Option<Closing>,
}

/// A channel that the proxy closes.
#[derive(Default)]
struct Closing {
    /// Both ends have been told.
    told: bool,
    client_knows: bool,
    broker_knows: bool,
}

/// A message that is held back.
pub(super) struct Held {
    pub(super) due: Instant,
    /// It goes right after the next one of its channel.
    pub(super) behind_next: bool,
    pub(super) channel: u16,
    pub(super) frames: Vec<Bytes>,
    pub(super) number: Option<u64>,
    pub(super) names: Arc<Names>,
}

impl Held {
    fn size(&self) -> usize {
        self.frames.iter().map(Bytes::len).sum()
    }
}

impl Session {
    pub(crate) fn new(
        (rules, records): (Arc<Rules>, Arc<Records>),
        listener: Arc<str>,
        client: Arc<str>,
        connection: u64,
    ) -> Self {
        Self {
            rules,
            records,
            listener,
            client,
            connection,
            largest: LARGEST,
            channels: BTreeMap::new(),
            held: Vec::new(),
            lines: Vec::new(),
            stop: None,
            to_broker: Vec::new(),
            to_client: Vec::new(),
        }
    }

    /// Takes in what was read, and gives out what is to be written. What is left in `read` is no whole frame.
    pub(crate) fn feed(&mut self, to: To, greets: &mut bool, read: &mut BytesMut, out: &mut Vec<Bytes>) -> Result<(), Violation> {
        let mut sink = Sink::new(read, out);
        let fed = self.frames(to, greets, &mut sink);
        sink.flush();
        if let Err(violation) = &fed {
            self.log(0, Entry::Violated { why: violation.to_string().into() }, None);
        }
        self.pursue();
        if to == To::Broker {
            self.let_go(machine::now(), out);
        }
        out.append(self.own(to));
        self.records.log(&mut self.lines);
        fed
    }

    fn frames(&mut self, to: To, greets: &mut bool, sink: &mut Sink<'_>) -> Result<(), Violation> {
        while self.stop.is_none()
            && let Some((kind, channel, len)) = frame::first(sink.rest(), self.largest, *greets)?
        {
            *greets = false;
            if self.is_closing(channel) {
                self.while_closing(to, kind, channel, &sink.take(len));
                continue;
            }
            match to {
                To::Broker => self.upward(sink, kind, channel, len)?,
                To::Client => self.downward(sink, kind, channel, len)?,
            }
        }
        Ok(())
    }

    /// The frames of the proxy's own that are to go one way.
    pub(crate) const fn own(&mut self, to: To) -> &mut Vec<Bytes> {
        match to {
            To::Broker => &mut self.to_broker,
            To::Client => &mut self.to_client,
        }
    }

    pub(super) fn whose(&self) -> Whose<'_> {
        Whose { listener: &self.listener, client: &self.client }
    }

    pub(super) fn log(&mut self, channel: u16, entry: Entry, message: Option<&Arc<Names>>) {
        let (listener, client) = (Arc::clone(&self.listener), Arc::clone(&self.client));
        let (at_ns, connection, message) = (machine::wall_ns(), self.connection, message.cloned());
        self.lines.push(Line { at_ns, listener, client, connection, channel, entry, message });
    }

    pub(super) fn effect(&self, fault: &Arc<str>, how: &How, message: &Arc<Names>) {
        self.records.effect(Effect {
            fault: Arc::clone(fault),
            at_ns: machine::wall_ns(),
            how: how.name().into(),
            listener: Arc::clone(&self.listener),
            client: Arc::clone(&self.client),
            connection: self.connection,
            message: Some(Arc::clone(message)),
        });
    }

    pub(super) fn forget(&self) {
        self.records.forget();
    }

    /// Both ends have agreed on the largest frame.
    pub(super) fn tuned(&mut self, largest: u32) {
        let largest = usize::try_from(largest).unwrap_or(LARGEST);
        self.largest = if largest == 0 { LARGEST } else { largest.clamp(SMALLEST, LARGEST) };
    }

    pub(super) fn holds(&self) -> usize {
        self.held.iter().map(Held::size).sum()
    }

    /// When something that is held back has to go on. Nothing goes between the frames of another message.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.held.iter().filter(|held| !self.is_amid(held.channel)).map(|held| held.due).min()
    }

    fn is_amid(&self, channel: u16) -> bool {
        self.channels.get(&channel).is_some_and(|channel| channel.arriving.is_some())
    }

    /// Lets go what has been held back long enough.
    pub(crate) fn let_go(&mut self, now: Instant, out: &mut Vec<Bytes>) {
        let free = |session: &Self, held: &Held| held.due <= now && !session.is_amid(held.channel);
        while let Some(at) = (0..self.held.len()).filter(|at| free(self, &self.held[*at])).min_by_key(|at| self.held[*at].due) {
            let held = self.held.remove(at);
            self.go(held, out);
        }
    }

    /// What is held back goes on now: a delay is no loss. Of one channel, or of all.
    pub(super) fn let_all_go(&mut self, of: Option<u16>, sink: &mut Sink<'_>) {
        let (go, stay) =
            std::mem::take(&mut self.held).into_iter().partition(|held: &Held| of.is_none_or(|of| of == held.channel));
        self.held = stay;
        let mut out = Vec::new();
        let go: Vec<Held> = go;
        go.into_iter().for_each(|held| self.go(held, &mut out));
        out.into_iter().for_each(|frame| sink.put(frame));
    }

    /// The client has left without a word.
    pub(crate) fn left(&mut self, out: &mut Vec<Bytes>) {
        self.channels.values_mut().for_each(|channel| channel.arriving = None);
        self.let_go(machine::now() + Duration::from_hours(24), out);
        self.records.log(&mut self.lines);
    }

    fn go(&mut self, held: Held, out: &mut Vec<Bytes>) {
        if let Some(confirms) = self.channels.get_mut(&held.channel).and_then(|channel| channel.confirms.as_mut()) {
            confirms.write(held.number, held.names);
        }
        out.extend(held.frames);
    }

    /// Closes all channels that are open; each as soon as no message is under way on it.
    pub(crate) fn close_channels(&mut self) {
        for channel in self.channels.values_mut() {
            channel.closing.get_or_insert_default();
        }
        self.pursue();
    }

    fn pursue(&mut self) {
        for (id, channel) in &mut self.channels {
            let Some(closing) = channel.closing.as_mut().filter(|closing| !closing.told) else { continue };
            if channel.arriving.is_none() && channel.coming.is_none() {
                closing.told = true;
                let close = frame::method(*id, close());
                self.to_broker.push(close.clone());
                self.to_client.push(close);
            }
        }
    }

    fn is_closing(&self, channel: u16) -> bool {
        self.channels.get(&channel).and_then(|channel| channel.closing.as_ref()).is_some_and(|closing| closing.told)
    }

    /// Nothing passes on a channel that is being closed. An end that closes it at the same time gets its answer.
    fn while_closing(&mut self, to: To, kind: Kind, id: u16, frame: &[u8]) {
        let said = if kind == Kind::Method { super::method::read(frame).ok() } else { None };
        let Some(closing) = self.channels.get_mut(&id).and_then(|channel| channel.closing.as_mut()) else { return };
        match (said, to) {
            (Some(super::method::Method::ChannelClosed), To::Broker) => closing.client_knows = true,
            (Some(super::method::Method::ChannelClosed), To::Client) => closing.broker_knows = true,
            (Some(super::method::Method::CloseChannel), To::Broker) => self.to_client.push(frame::method(id, closed())),
            (Some(super::method::Method::CloseChannel), To::Client) => self.to_broker.push(frame::method(id, closed())),
            _ => {}
        }
        if closing.client_knows && closing.broker_knows {
            self.channels.remove(&id);
            self.held.retain(|held| held.channel != id);
        }
    }
}

fn close() -> AMQPClass {
    let reply_text = "PRECONDITION_FAILED - closed by a fault".into();
    AMQPClass::Channel(channel::AMQPMethod::Close(channel::Close {
        reply_code: PRECONDITION_FAILED,
        reply_text,
        class_id: 0,
        method_id: 0,
    }))
}

fn closed() -> AMQPClass {
    AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {}))
}
