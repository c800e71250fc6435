//! From the broker to the client: deliveries, returns, and confirms.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, basic};

use super::{
    confirms::Confirmed,
    frame::{self, Kind, Violation},
    header::Header,
    method::{self, Method},
    session::{Channel, Session, Stop, UNSETTLED},
    sink::Sink,
};
use crate::api::{Entry, How, Names};

/// A message that the broker is sending.
pub(super) struct Coming {
    what: What,
    exchange: Box<str>,
    key: Box<str>,
    /// How much of its body is to come, once its header has.
    left: Option<u64>,
}

enum What {
    Delivery { queue: Arc<str>, tag: Option<u64>, redelivered: bool },
    Return,
}

impl Channel {
    pub(super) fn consumer(&mut self, tag: Box<str>, queue: Arc<str>, no_ack: bool) {
        if no_ack {
            self.deaf.insert(tag.clone());
        } else {
            self.deaf.remove(&tag);
        }
        self.consumers.insert(tag, queue);
    }
}

impl Session {
    pub(super) fn downward(&mut self, sink: &mut Sink<'_>, kind: Kind, channel: u16, len: usize) -> Result<(), Violation> {
        match kind {
            Kind::Method => match method::read(&sink.rest()[..len])? {
                Method::Answer { tag, multiple, how } => return self.confirmed(sink, channel, len, (tag, multiple, how)),
                said => self.heard(channel, said),
            },
            Kind::Header => self.coming_header(channel, &sink.rest()[..len]),
            Kind::Body => self.coming_body(channel, frame::payload(&sink.rest()[..len]).len() as u64),
            Kind::Greeting | Kind::Heartbeat => {}
        }
        sink.pass(len);
        Ok(())
    }

    fn heard(&mut self, channel: u16, said: Method) {
        if said == Method::ChannelClosed || said == Method::CloseChannel {
            // What the client still says there the broker does not hear.
            self.channels.remove(&channel);
            self.held.retain(|held| held.channel != channel);
            return;
        }
        let Some(open) = self.channels.get_mut(&channel) else { return };
        match said {
            Method::ConsumeOk(tag) => {
                if let Some((queue, no_ack)) = open.asked.pop_front() {
                    open.consumer(tag, queue, no_ack);
                }
            }
            Method::Deliver(deliver) => {
                let tag = deliver.consumer_tag.as_str();
                let queue = open.consumers.get(tag).cloned().unwrap_or_else(|| "".into());
                let tag = (!open.deaf.contains(tag)).then_some(deliver.delivery_tag);
                let what = What::Delivery { queue, tag, redelivered: deliver.redelivered };
                open.comes(what, deliver.exchange.as_str(), deliver.routing_key.as_str());
            }
            Method::GetOk(got) => {
                let what = What::Delivery { queue: "".into(), tag: Some(got.delivery_tag), redelivered: got.redelivered };
                open.comes(what, got.exchange.as_str(), got.routing_key.as_str());
            }
            Method::Return(returned) => {
                open.comes(What::Return, returned.exchange.as_str(), returned.routing_key.as_str());
            }
            _ => {}
        }
    }

    fn coming_header(&mut self, channel: u16, frame: &[u8]) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        let Some(coming) = open.coming.take_if(|coming| coming.left.is_none()) else { return };
        let Some(header) = Header::of(frame) else { return };
        let names: Arc<Names> = header.names(&self.rules.event_header, &coming.exchange, &coming.key).into();
        let left = header.body;
        let entry = match &coming.what {
            What::Return => Entry::Returned,
            What::Delivery { queue, tag, redelivered } => {
                open.unsettled.extend(tag.map(|tag| (tag, Arc::clone(&names))));
                let forgotten = if open.unsettled.len() > UNSETTLED { open.unsettled.pop_first() } else { None };
                if forgotten.is_some() {
                    self.forget();
                }
                Entry::Delivered { queue: Arc::clone(queue), redelivered: *redelivered }
            }
        };
        if left > 0
            && let Some(open) = self.channels.get_mut(&channel)
        {
            open.coming = Some(Coming { left: Some(left), ..coming });
        }
        self.log(channel, entry, Some(&names));
    }

    fn coming_body(&mut self, channel: u16, size: u64) {
        let Some(open) = self.channels.get_mut(&channel) else { return };
        if let Some(left) = open.coming.as_mut().and_then(|coming| coming.left.as_mut()) {
            *left = left.saturating_sub(size);
            if *left == 0 {
                open.coming = None;
            }
        }
    }

    /// The broker confirms, or refuses, one publish or all up to it.
    fn confirmed(
        &mut self,
        sink: &mut Sink<'_>,
        channel: u16,
        len: usize,
        (tag, multiple, how): (u64, bool, method::Answer),
    ) -> Result<(), Violation> {
        let Some(open) = self.channels.get_mut(&channel) else {
            sink.pass(len);
            return Ok(());
        };
        let Some(confirms) = open.confirms.as_mut() else {
            sink.pass(len);
            return Ok(());
        };
        let Confirmed { mut frames, mut each, same } = confirms.confirm(tag, multiple);
        let lost: Vec<_> = each.extract_if(.., |(number, _)| open.doomed.contains_key(number)).collect();
        if lost.is_empty() && same {
            sink.pass(len);
        } else {
            drop(sink.take(len));
            if !lost.is_empty() {
                frames = each.iter().map(|(number, _)| (*number, false)).collect();
            }
            frames.into_iter().for_each(|(tag, multiple)| sink.put(frame::method(channel, says(how, tag, multiple))));
        }
        let doomed: Vec<_> = lost.into_iter().filter_map(|(number, names)| Some((open.doomed.remove(&number)?, names))).collect();
        let ack = how == method::Answer::Ack;
        each.iter().for_each(|(_, names)| self.log(channel, Entry::Confirmed { ack }, Some(names)));
        for (fault, names) in doomed {
            self.effect(&fault, &How::LoseConfirm, &names);
            self.stop = Some(Stop::Cut);
        }
        Ok(())
    }
}

impl Channel {
    fn comes(&mut self, what: What, exchange: &str, key: &str) {
        self.coming = Some(Coming { what, exchange: exchange.into(), key: key.into(), left: None });
    }
}

fn says(how: method::Answer, delivery_tag: u64, multiple: bool) -> AMQPClass {
    AMQPClass::Basic(match how {
        method::Answer::Ack => basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple }),
        method::Answer::Nack { requeue } => basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple, requeue }),
        method::Answer::Reject { requeue } => basic::AMQPMethod::Reject(basic::Reject { delivery_tag, requeue }),
    })
}
