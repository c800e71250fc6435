//! The event that tells the other side of a transition, published right after its commit where there is no outbox.

use std::sync::Arc;

use bytes::Bytes;
use contracts::{OrderEvent, Status, tables::Order};
use opentelemetry::trace::SpanContext;

use crate::{
    Moved, Service,
    planted::{self, Bug},
    publisher::Announcement,
    wire::Wire,
};

/// Publishes what has just been committed; with an outbox its relay does that. When the broker is away the event is
/// dropped: the order has its new state on this side, and the other side never hears of it.
pub async fn announce(service: &Service, context: &SpanContext, moved: &Moved) {
    if service.settings.architecture.outbox {
        return;
    }
    if planted::bites(Bug::PublishUnawaited, &moved.order.id) {
        return;
    }
    if let Some(announcement) = announcement(&moved.order, moved.to, &moved.event_id) {
        // Nobody is told: the span says what happened, and nothing else remembers.
        drop(service.publisher.announce(service, context, &announcement).await);
    }
}

/// The event of an order that is in a state; `None` for a state the other side need not know of.
#[must_use]
pub fn announcement(order: &Order, status: Status, event_id: &Arc<str>) -> Option<Announcement> {
    Some(Announcement {
        wire: Wire::announcing(status)?,
        event_id: event_id.clone(),
        order_id: order.id.clone(),
        client_type: Some(order.client_type.clone()),
        version: order.version,
        body: Bytes::from(payload(order, status)),
    })
}

/// The payload of the event: JSON.
#[must_use]
pub fn payload(order: &Order, status: Status) -> String {
    let event = OrderEvent {
        order_id: order.id.clone(),
        order_ref: order.order_ref.clone(),
        client_type: order.client_type.clone(),
        customer: order.customer.clone(),
        status,
        version: order.version,
        file_ref: order.file_ref.clone(),
        file_size: order.file_size,
        price: order.price,
        operator: if status >= Status::ManufacturingStarted { order.staff.clone() } else { None },
    };
    serde_json::to_string(&event).unwrap_or_default()
}
