//! One connection: what is open on it, what is under way, and what is held back. It does no input or output of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};

use super::{
    closing::Closing,
    confirms::Confirms,
    downward::Coming,
    frame::{self, LARGEST, Violation},
    held::Held,
    sink::Sink,
    upward::Arriving,
};
use crate::{
    api::{Effect, Entry, How, Line, Names},
    machine,
    records::Records,
    rules::{Rules, Whose},
};

/// So many bytes are held back on a connection; a message that goes beyond is spared.
pub(super) const HELD: usize = 16 << 20;
/// So many deliveries are followed to their answer on a channel; the oldest is forgotten then.
pub(super) const UNSETTLED: usize = 1 << 18;
/// No protocol lets a frame be smaller.
const SMALLEST: usize = 4096;

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
    pub(super) records: Arc<Records>,
    listener: Arc<str>,
    pub(crate) client: Arc<str>,
    connection: u64,
    largest: usize,
    pub(super) channels: BTreeMap<u16, Channel>,
    pub(super) held: Vec<Held>,
    pub(super) lines: Vec<Line>,
    pub(crate) stop: Option<Stop>,
    /// Some channels are to be closed.
    pub(super) closes: bool,
    /// Frames of the proxy's own.
    pub(super) to_broker: Vec<Bytes>,
    pub(super) to_client: Vec<Bytes>,
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
    pub(super) closing: Option<Closing>,
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
            closes: false,
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
}
