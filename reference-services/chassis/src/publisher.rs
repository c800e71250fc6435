//! A service's connection for sending, and what the span of a send says.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use contracts::{attributes as name, logs, message};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use tokio::sync::Mutex;
use world::{
    Span,
    broker::{BrokerError, Channel, Headers, Message, Publish, Sent},
    telemetry::Origin,
};

use crate::{
    Service,
    log::{self, Failure},
    planted::{self, Bug},
    wire::Wire,
};

/// An event on its way to the other side.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// Where it goes.
    pub wire: &'static Wire,
    /// Names the event over all attempts.
    pub event_id: Arc<str>,
    /// The order.
    pub order_id: Arc<str>,
    /// `retail` or `api_partner`, where known.
    pub client_type: Option<Arc<str>>,
    /// The order's version that it announces.
    pub version: i64,
    /// The payload.
    pub body: Bytes,
}

/// Why a message is not known to have arrived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The broker failed.
    #[error("{0}")]
    Broker(#[from] BrokerError),
    /// The broker gave it back: no queue is bound to its key.
    #[error("no queue is bound to the key")]
    Returned,
}

impl Unsent {
    /// Low-cardinality cause.
    #[must_use]
    pub fn error_type(&self) -> Cow<'static, str> {
        match self {
            Self::Broker(cause) => cause.error_type(),
            Self::Returned => "returned".into(),
        }
    }
}

/// The connection for sending. It is opened when the first message wants to go, and again when the next one finds it broken.
#[derive(Default)]
pub struct Publisher {
    open: Mutex<Option<(u64, Arc<dyn Channel>)>>,
    opened: AtomicU64,
}

impl Publisher {
    /// Publishes an event: one attempt, or two where the broker has to confirm; then it is dropped.
    ///
    /// # Errors
    /// What the last attempt met.
    pub async fn announce(&self, service: &Service, context: &SpanContext, announcement: &Announcement) -> Result<(), Unsent> {
        let first = self.attempt(service, context, announcement).await;
        if planted::bites(Bug::PublishedTwice, &announcement.order_id) {
            return self.attempt(service, context, announcement).await;
        }
        if first.is_err() && service.settings.architecture.publisher_confirms {
            return self.attempt(service, context, announcement).await;
        }
        first
    }

    /// Publishes an event once: the same event id as ever, a message id of its own.
    ///
    /// # Errors
    /// When the broker is away, fails, or gives the message back.
    pub async fn attempt(&self, service: &Service, context: &SpanContext, announcement: &Announcement) -> Result<(), Unsent> {
        // The wait for a connection comes before the send, not into it.
        let channel = self.channel(service).await;
        let confirm = service.settings.architecture.publisher_confirms;
        let message_id = service.new_message_id();
        let mut span = begin(service, context, announcement, &message_id);
        let message = envelope(service, announcement, message_id.clone(), span.context());
        let outcome = match channel {
            Ok((number, channel)) => self.send(service, number, &*channel, message, confirm).await,
            Err(cause) => Err(cause),
        };
        end(&mut span, confirm, &outcome);
        let unsent = match outcome {
            Ok(Sent::Written | Sent::Confirmed) => {
                log::sent(service, span.context(), (announcement.wire, &message_id), &announcement.order_id);
                return Ok(());
            }
            Ok(Sent::Returned) => Unsent::Returned,
            Err(cause) => cause.into(),
        };
        let (error_type, message) = (unsent.error_type(), unsent.to_string());
        let order_id = &announcement.order_id;
        let failure = Failure { action: logs::PUBLISH_FAILED, order_id, error_type, message, more: vec![] };
        log::failed(&service.world.telemetry, span.context(), failure.about(announcement.wire, &message_id));
        Err(unsent)
    }

    async fn send(
        &self,
        service: &Service,
        number: u64,
        channel: &dyn Channel,
        message: Message,
        confirm: bool,
    ) -> Result<Sent, BrokerError> {
        let publish = channel.publish(message, Publish { confirm, mandatory: confirm });
        let outcome = if confirm {
            let limit = service.settings.confirm_timeout;
            service.world.rt.timeout(limit, publish).await.unwrap_or(Err(BrokerError::Timeout))
        } else {
            publish.await
        };
        if !matches!(outcome, Ok(_) | Err(BrokerError::Nacked)) {
            let mut open = self.open.lock().await;
            if open.as_ref().is_some_and(|(current, _)| *current == number) {
                *open = None;
            }
        }
        outcome
    }

    /// Closes the connection once what was written to it has reached the broker: nobody sends any more.
    pub async fn close(&self) {
        if let Some((_, channel)) = self.open.lock().await.take() {
            channel.close().await;
        }
    }

    /// The open channel, or a new one.
    async fn channel(&self, service: &Service) -> Result<(u64, Arc<dyn Channel>), BrokerError> {
        let mut open = self.open.lock().await;
        if let Some((number, channel)) = &*open {
            return Ok((*number, Arc::clone(channel)));
        }
        let channel = service.world.broker.connect().await?;
        channel.declare(message::topology(service.settings.architecture.dead_letters)).await?;
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        *open = Some((number, Arc::clone(&channel)));
        Ok((number, channel))
    }
}

fn begin(service: &Service, context: &SpanContext, announcement: &Announcement, message_id: &Arc<str>) -> Span {
    let telemetry = &service.world.telemetry;
    let mut attributes = Vec::new();
    if telemetry.enabled() {
        attributes.reserve_exact(12);
        attributes.extend([
            KeyValue::new(name::ORDER_ID, announcement.order_id.clone()),
            KeyValue::new(name::ORDER_VERSION, announcement.version),
            KeyValue::new(name::MESSAGING_SYSTEM, "rabbitmq"),
            KeyValue::new(name::MESSAGING_DESTINATION, announcement.wire.sent_to),
            KeyValue::new(name::MESSAGING_ROUTING_KEY, announcement.wire.key),
            KeyValue::new(name::MESSAGING_MESSAGE_ID, message_id.clone()),
            KeyValue::new(name::MESSAGING_OPERATION_TYPE, "send"),
            KeyValue::new(name::MESSAGING_OPERATION_NAME, "publish"),
            KeyValue::new(name::AMQP_EVENT_ID, announcement.event_id.clone()),
        ]);
        attributes.extend(announcement.client_type.as_ref().map(|it| KeyValue::new(name::CLIENT_TYPE, it.clone())));
    }
    telemetry.start(announcement.wire.publish, SpanKind::Producer, Origin::child_of(context), attributes)
}

fn end(span: &mut Span, confirm: bool, outcome: &Result<Sent, BrokerError>) {
    let answer = match outcome {
        Ok(Sent::Confirmed | Sent::Returned) => Some("ack"),
        Err(BrokerError::Nacked) => Some("nack"),
        Err(BrokerError::Timeout) => Some("timeout"),
        _ if !confirm => Some("none"),
        _ => None,
    };
    if let Some(answer) = answer {
        span.set(KeyValue::new(name::AMQP_CONFIRM, answer));
    }
    match outcome {
        Ok(Sent::Returned) => {
            span.set(KeyValue::new(name::AMQP_RETURNED, true));
            span.fail("returned", "no queue is bound to the key");
        }
        Ok(_) => {}
        Err(cause) => span.fail(cause.error_type(), cause.to_string()),
    }
}

fn envelope(service: &Service, announcement: &Announcement, message_id: Arc<str>, context: &SpanContext) -> Message {
    let wall_ns = service.world.rt.wall_ns();
    let mut headers = Headers(Vec::with_capacity(4));
    headers.0.push((message::EVENT_ID_HEADER.into(), announcement.event_id.as_ref().into()));
    headers.0.push((message::ORDER_VERSION_HEADER.into(), announcement.version.to_string()));
    headers.0.push((message::SENT_AT_HEADER.into(), wall_ns.to_string()));
    service.world.telemetry.inject(context, &mut headers);
    Message {
        exchange: message::EXCHANGE.into(),
        routing_key: announcement.wire.key.into(),
        message_id,
        correlation_id: announcement.order_id.clone(),
        timestamp_s: wall_ns / 1_000_000_000,
        persistent: true,
        expiration: None,
        priority: None,
        headers,
        deaths: Vec::new(),
        body: announcement.body.clone(),
    }
}
