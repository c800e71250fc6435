//! What decides what goes on: AMQP's frames, or bytes of whatever is spoken.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};

use crate::{
    amqp::session::{Session, Stop, To},
    api::How,
    handle::Handle,
    machine::{self, Instant},
    pump::Flow,
    records::lock,
    shared::Shared,
};

/// One way of an AMQP connection.
pub(crate) struct Frames {
    pub(crate) to: To,
    pub(crate) greets: bool,
    pub(crate) session: Arc<Mutex<Session>>,
    pub(crate) handle: Arc<Handle>,
    pub(crate) shared: Arc<Shared>,
    /// The name that the client had at the latest look.
    pub(crate) known: Arc<str>,
}

impl Frames {
    fn other(&self) -> To {
        match self.to {
            To::Broker => To::Client,
            To::Client => To::Broker,
        }
    }

    /// The client has said its name: rules may be about it.
    fn learn(&mut self, client: &Arc<str>) {
        self.known = Arc::clone(client);
        self.handle.rename(Arc::clone(client));
        self.shared.arrived(&self.handle);
    }
}

impl Flow for Frames {
    fn feed(&mut self, read: &mut BytesMut, out: &mut Vec<Bytes>) -> Option<Stop> {
        let mut session = lock(&self.session);
        let fed = session.feed(self.to, &mut self.greets, read, out);
        if !session.own(self.other()).is_empty() {
            self.handle.wake(self.other());
        }
        let client = (session.client != self.known).then(|| Arc::clone(&session.client));
        let stop = if fed.is_err() { Some(Stop::Cut) } else { session.stop };
        drop(session);
        if let (Some(client), To::Broker) = (client, self.to) {
            self.learn(&client);
        }
        stop
    }

    fn woken(&mut self, out: &mut Vec<Bytes>) {
        let mut session = lock(&self.session);
        if self.to == To::Broker {
            if self.handle.takes_close_channels() {
                session.close_channels();
                self.handle.wake(To::Client);
            }
            session.let_go(machine::now(), out);
        }
        out.append(session.own(self.to));
    }

    fn due(&self) -> Option<Instant> {
        if self.to == To::Broker { lock(&self.session).due() } else { None }
    }

    fn ended(&mut self, out: &mut Vec<Bytes>) {
        if self.to == To::Broker {
            lock(&self.session).left(out);
        }
    }
}

/// One way of a connection that is not looked into.
pub(crate) struct Any {
    pub(crate) to: To,
    pub(crate) handle: Arc<Handle>,
    pub(crate) shared: Arc<Shared>,
}

impl Flow for Any {
    fn feed(&mut self, read: &mut BytesMut, out: &mut Vec<Bytes>) -> Option<Stop> {
        if self.to == To::Client
            && let Some(fault) = self.handle.loses_answers()
        {
            self.shared.effect(&fault, &How::LoseAnswers, &self.handle);
            self.handle.cut(true);
            read.clear();
            return Some(Stop::Cut);
        }
        out.push(read.split().freeze());
        None
    }

    fn woken(&mut self, _out: &mut Vec<Bytes>) {}

    fn due(&self) -> Option<Instant> {
        None
    }

    fn ended(&mut self, _out: &mut Vec<Bytes>) {}
}
