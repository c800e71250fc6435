//! Channels that the proxy closes: both ends are told, and nothing passes until both have answered.

use amq_protocol::protocol::{AMQPClass, channel};

use super::{
    frame::{self, Kind},
    method::{self, Method},
    session::{Session, To},
};

/// RabbitMQ's code for what a channel is closed over.
const PRECONDITION_FAILED: u16 = 406;

/// A channel that the proxy closes.
#[derive(Default)]
pub(super) struct Closing {
    /// Both ends have been told.
    told: bool,
    client_knows: bool,
    broker_knows: bool,
}

impl Session {
    /// Closes all channels that are open; each as soon as no message is under way on it.
    pub(crate) fn close_channels(&mut self) {
        for channel in self.channels.values_mut() {
            channel.closing.get_or_insert_default();
        }
        self.closes = true;
        self.pursue();
    }

    pub(super) fn pursue(&mut self) {
        if !self.closes {
            return;
        }
        for (id, channel) in &mut self.channels {
            let Some(closing) = channel.closing.as_mut().filter(|closing| !closing.told) else { continue };
            if channel.arriving.is_none() && channel.coming.is_none() {
                closing.told = true;
                let close = frame::method(*id, close());
                self.to_broker.push(close.clone());
                self.to_client.push(close);
            }
        }
        self.closes = self.channels.values().any(|channel| channel.closing.as_ref().is_some_and(|closing| !closing.told));
    }

    pub(super) fn is_closing(&self, channel: u16) -> bool {
        self.channels.get(&channel).and_then(|channel| channel.closing.as_ref()).is_some_and(|closing| closing.told)
    }

    /// Nothing passes on a channel that is being closed. An end that closes it at the same time gets its answer.
    pub(super) fn while_closing(&mut self, to: To, kind: Kind, id: u16, frame: &[u8]) {
        let said = if kind == Kind::Method { method::read(frame).ok() } else { None };
        let Some(closing) = self.channels.get_mut(&id).and_then(|channel| channel.closing.as_mut()) else { return };
        match (said, to) {
            (Some(Method::ChannelClosed), To::Broker) => closing.client_knows = true,
            (Some(Method::ChannelClosed), To::Client) => closing.broker_knows = true,
            (Some(Method::CloseChannel), To::Broker) => self.to_client.push(frame::method(id, closed())),
            (Some(Method::CloseChannel), To::Client) => self.to_broker.push(frame::method(id, closed())),
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
