//! A message that has come in: what its envelope says, and how the state it announces is recorded on this side.

use std::sync::Arc;

use contracts::{OrderEvent, attributes as name, message, tables::Order};
use opentelemetry::{KeyValue, trace::SpanContext};
use world::{Span, broker::Message};

use crate::{
    Handled, Moved, Refusal, Service, Tries, describe,
    planted::{self, Bug},
    record::{Owner, Place},
    wait,
    wire::Wire,
};

/// A message that has come in.
#[derive(Debug)]
pub struct Inbound {
    /// The wire it came by.
    pub wire: &'static Wire,
    /// AMQP `message-id`.
    pub message_id: Arc<str>,
    /// AMQP `correlation-id`.
    pub order_id: Arc<str>,
    /// Names the event over all attempts to deliver it.
    pub event_id: Arc<str>,
    /// It was delivered before.
    pub redelivered: bool,
    /// Milliseconds since it was sent, by the clocks of both sides; none when it does not say.
    pub queue_wait_ms: Option<i64>,
    /// The span that sent it.
    pub context: SpanContext,
}

impl Inbound {
    /// Reads an envelope.
    #[must_use]
    pub fn read(service: &Service, message: &Message, redelivered: bool) -> Self {
        let sent_ns = message.headers.get(message::SENT_AT_HEADER).and_then(|text| text.parse::<i64>().ok());
        Self {
            wire: Wire::of(&message.routing_key),
            message_id: message.message_id.clone(),
            order_id: message.correlation_id.clone(),
            event_id: message.headers.get(message::EVENT_ID_HEADER).unwrap_or_default().into(),
            redelivered,
            queue_wait_ms: sent_ns.map(|sent_ns| (service.wall_ns() - sent_ns) / 1_000_000),
            context: service.world.telemetry.extract(&message.headers),
        }
    }

    /// What spans say of it. `operation` is the type and the name of the operation.
    #[must_use]
    pub fn attributes(
        &self,
        service: &Service,
        client_type: Option<&Arc<str>>,
        operation: (&'static str, &'static str),
    ) -> Vec<KeyValue> {
        if !service.world.telemetry.enabled() {
            return Vec::new();
        }
        let mut attributes = Vec::with_capacity(16);
        attributes.extend([
            KeyValue::new(name::ORDER_ID, self.order_id.clone()),
            KeyValue::new(name::MESSAGING_SYSTEM, "rabbitmq"),
            KeyValue::new(name::MESSAGING_DESTINATION, self.wire.came_by),
            KeyValue::new(name::MESSAGING_ROUTING_KEY, self.wire.key),
            KeyValue::new(name::MESSAGING_MESSAGE_ID, self.message_id.clone()),
            KeyValue::new(name::MESSAGING_OPERATION_TYPE, operation.0),
            KeyValue::new(name::MESSAGING_OPERATION_NAME, operation.1),
            KeyValue::new(name::AMQP_EVENT_ID, self.event_id.clone()),
        ]);
        attributes.extend(client_type.map(|it| KeyValue::new(name::CLIENT_TYPE, it.clone())));
        if operation.0 != "settle" {
            attributes.push(KeyValue::new(name::AMQP_REDELIVERED, self.redelivered));
            attributes.extend(self.queue_wait_ms.map(|wait| KeyValue::new(name::AMQP_QUEUE_WAIT_MS, wait)));
        }
        attributes
    }
}

/// Records the state that an event announces, which the other side has entered. `edit` sets what else the event tells.
///
/// # Errors
/// [`Refusal::OutOfOrder`] when it came before the ones it builds on, [`Refusal::Illegal`] when the order has gone further
/// (a consumer that recognises events calls that handled), [`Refusal::Store`].
pub async fn take_over(
    service: &Service,
    inbound: &Inbound,
    event: &OrderEvent,
    span: &mut Span,
    edit: impl Fn(&mut Order) + Send + Sync,
) -> Result<Handled, Refusal> {
    let mut tries = Tries::default();
    loop {
        let outcome = attempt(service, inbound, event, span, &edit).await;
        if tries.over(&outcome) {
            return outcome;
        }
    }
}

async fn attempt(
    service: &Service,
    inbound: &Inbound,
    event: &OrderEvent,
    span: &mut Span,
    edit: &(impl Fn(&mut Order) + Send + Sync),
) -> Result<Handled, Refusal> {
    let mut tx = wait::begin(service, span.context(), &event.order_id).await?;
    let Some((order, row)) = wait::to_change(service, &mut *tx, span.context(), &event.order_id).await? else {
        return Err(too_early(event, 0));
    };
    if event.version > order.version + 1 {
        return Err(too_early(event, order.version));
    }
    let off_by_one = planted::bites(Bug::VersionOffByOne, &event.order_id);
    if event.version <= order.version + i64::from(off_by_one) {
        let unnoticed = planted::bites(Bug::DuplicateUnnoticed, &event.order_id);
        if off_by_one || service.settings.architecture.idempotent_consumers && !unnoticed {
            describe::state(service, span, &order);
            return Ok(Handled::Before);
        }
        if event.version < order.version {
            return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: event.status });
        }
        // The same event again, or the same state: a consumer that does not recognise it does its work again.
    }
    let mut moved = Moved::new(service, order, event.status, inbound.event_id.clone(), span.context());
    edit(&mut moved.order);
    moved.commit(service, span, tx, Place::Row(row), Owner::There).await?;
    describe::state(service, span, &moved.order);
    Ok(Handled::Now)
}

/// An event that came before the ones it builds on.
#[must_use]
pub fn too_early(event: &OrderEvent, is: i64) -> Refusal {
    Refusal::OutOfOrder { order_id: event.order_id.clone(), is, announced: event.version }
}
