//! A subscription, its deliveries and their answers.

use std::sync::Arc;

use faults::Answer;
use futures_util::StreamExt as _;
use lapin::{
    Acker,
    message::Delivery as Frame,
    options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions},
};
use world::{
    Boxed, Runtime,
    broker::{BrokerError, Consumer, Delivery, Message, Settle, Settler},
};

use super::{ANSWER, Link, on_its_way, properties};
use crate::{
    failpoints::Failpoints,
    journal::{Entry, Journal},
};

/// A started subscription.
pub(super) struct Subscription {
    rt: Runtime,
    link: Arc<Link>,
    frames: lapin::Consumer,
    queue: Arc<str>,
    journal: Journal,
    failpoints: Failpoints,
    event_id_header: &'static str,
}

impl Subscription {
    pub(super) fn new(
        rt: Runtime,
        link: Arc<Link>,
        (frames, queue): (lapin::Consumer, &str),
        journal: Journal,
        (failpoints, event_id_header): (Failpoints, &'static str),
    ) -> Self {
        Self { rt, link, frames, queue: queue.into(), journal, failpoints, event_id_header }
    }

    fn delivery(&self, frame: Frame) -> Delivery {
        let delivery_count = properties::delivery_count(&frame.properties);
        let message = properties::message(&frame.exchange, &frame.routing_key, &frame.properties, frame.data);
        self.journal.write(Entry::Delivered {
            message_id: message.message_id.to_string(),
            queue: self.queue.to_string(),
            redelivered: frame.redelivered,
        });
        let message = Arc::new(message);
        let settler = Box::new(Answers {
            rt: self.rt.clone(),
            link: Arc::clone(&self.link),
            acker: frame.acker,
            message: Arc::clone(&message),
            journal: self.journal.clone(),
            failpoints: self.failpoints.clone(),
            event_id_header: self.event_id_header,
        });
        let (tag, redelivered) = (frame.delivery_tag, frame.redelivered);
        Delivery { message, queue: Arc::clone(&self.queue), tag, redelivered, delivery_count, settler }
    }
}

impl Consumer for Subscription {
    fn next(&mut self) -> Boxed<'_, Result<Delivery, BrokerError>> {
        Box::pin(async move {
            match self.frames.next().await {
                Some(Ok(frame)) if self.link.channel.status().connected() => Ok(self.delivery(frame)),
                // Fetched ahead, over a channel that has closed since: the broker has taken the message back.
                Some(Ok(_)) => Err(self.link.failure.known()),
                Some(Err(error)) => Err(self.link.failure.of(&error)),
                None if self.link.channel.status().connected() => Err(BrokerError::Cancelled),
                None => Err(self.link.failure.known()),
            }
        })
    }
}

/// The way back for one delivery.
struct Answers {
    rt: Runtime,
    link: Arc<Link>,
    acker: Acker,
    message: Arc<Message>,
    journal: Journal,
    failpoints: Failpoints,
    event_id_header: &'static str,
}

impl Settler for Answers {
    fn settle(self: Box<Self>, how: Settle) -> Boxed<'static, Result<(), BrokerError>> {
        Box::pin(async move {
            self.failpoints.before_settle(&on_its_way(&self.message, self.event_id_header));
            let written = self.rt.timeout(ANSWER, async {
                match how {
                    Settle::Ack => self.acker.ack(BasicAckOptions::default()).await,
                    Settle::Requeue => self.acker.nack(BasicNackOptions { requeue: true, multiple: false }).await,
                    Settle::Reject => self.acker.reject(BasicRejectOptions { requeue: false }).await,
                }
            });
            let (message_id, how) = (self.message.message_id.to_string(), answer(how));
            let cut = match written.await {
                Ok(Ok(true)) => {
                    self.journal.write(Entry::Settled { message_id, how });
                    return Ok(());
                }
                // The channel was closed before.
                Ok(Ok(false)) => return Err(self.link.failure.known()),
                Ok(Err(error)) => self.link.failure.of(&error),
                Err(_) => BrokerError::Timeout,
            };
            self.journal.write(Entry::AnswerCut { message_id, how });
            Err(cut)
        })
    }
}

const fn answer(how: Settle) -> Answer {
    match how {
        Settle::Ack => Answer::Ack,
        Settle::Requeue => Answer::Requeue,
        Settle::Reject => Answer::Reject,
    }
}
