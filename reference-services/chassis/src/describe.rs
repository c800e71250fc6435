//! What spans say, by the names in [`contracts::attributes`]: of an order, a commit, a request, a message.

use std::sync::Arc;

use contracts::{Status, attributes as name, tables::Order};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use world::{Span, store::StoreError, telemetry::Origin};

use crate::{Moved, Service};

/// Says which order a span is about, once its row is known: the span began before that.
pub fn order(service: &Service, span: &mut Span, order: &Order) {
    if service.world.telemetry.enabled() {
        span.set(KeyValue::new(name::CLIENT_TYPE, order.client_type.clone()));
        span.set(KeyValue::new(name::ENDUSER_PSEUDO_ID, order.customer.clone()));
    }
}

/// Says whose order it is, as a message tells.
pub fn customer(service: &Service, span: &mut Span, customer: &Arc<str>) {
    if service.world.telemetry.enabled() {
        span.set(KeyValue::new(name::ENDUSER_PSEUDO_ID, customer.clone()));
    }
}

/// Says that a span follows from the order's last stage: a trace of its own, known by the row alone.
pub fn follows(service: &Service, span: &mut Span, order: &Order) {
    let last = service.world.telemetry.parse(order.traceparent.as_deref());
    if last.trace_id() != span.context().trace_id() {
        span.link(&last);
    }
}

/// Says that an order has changed its state; only after the commit. The event has the time of the row.
pub fn moved(service: &Service, span: &mut Span, moved: &Moved) {
    if !service.world.telemetry.enabled() {
        return;
    }
    let to = moved.to.name();
    let mut event = Vec::with_capacity(4);
    if let Some(from) = &moved.from {
        event.push(KeyValue::new(name::FROM, from.clone()));
    }
    event.push(KeyValue::new(name::TO, to));
    event.push(KeyValue::new(name::VERSION, moved.order.version));
    event.push(KeyValue::new(name::EVENT_ID, moved.event_id.clone()));
    span.event_at(name::STATUS_CHANGED, u64::try_from(moved.order.updated_ns).unwrap_or(0), event);
}

/// Says that an order's row was written without a change of its state, and in which state; only after the commit. The event has the
/// time at which it was about to be written, as that of a transition.
pub fn rewritten(service: &Service, span: &mut Span, order: &Order, at_ns: i64) {
    if service.world.telemetry.enabled() {
        let state = vec![KeyValue::new(name::IN, order.status.clone()), KeyValue::new(name::VERSION, order.version)];
        span.event_at(name::ROW_REWRITTEN, u64::try_from(at_ns).unwrap_or(0), state);
    }
}

/// Says which state an order is in after a span.
pub fn state(service: &Service, span: &mut Span, order: &Order) {
    if let Ok(status) = order.status.parse::<Status>()
        && service.world.telemetry.enabled()
    {
        span.set(KeyValue::new(name::ORDER_STATUS, status.name()));
        span.set(KeyValue::new(name::ORDER_STATUS_OWNER, status.owner()));
        span.set(KeyValue::new(name::ORDER_VERSION, order.version));
    }
}

/// Says who of the staff did it.
pub fn staff(service: &Service, span: &mut Span, by: &Arc<str>) {
    if service.world.telemetry.enabled() {
        span.set(KeyValue::new(name::STAFF_PSEUDO_ID, by.clone()));
    }
}

/// Says that it had been done before, and nothing was done now.
pub fn duplicate(span: &mut Span) {
    span.set(KeyValue::new(name::DUPLICATE, true));
}

/// Begins the span of a transaction's writes and commit, about one order.
#[must_use]
pub fn commit(
    service: &Service,
    parent: &SpanContext,
    table: &'static str,
    order_id: &Arc<str>,
    client_type: Option<&Arc<str>>,
) -> Span {
    let telemetry = &service.world.telemetry;
    if !telemetry.enabled() {
        return telemetry.start("", SpanKind::Client, Origin::root(), Vec::new());
    }
    let span_name = match table {
        "orders" => "commit orders",
        "price_job" => "commit price_job",
        "outbox" => "commit outbox",
        _ => "commit",
    };
    let mut attributes = Vec::with_capacity(6);
    attributes.push(KeyValue::new(name::ORDER_ID, order_id.clone()));
    attributes.extend(statement(service, "commit", table));
    attributes.extend(client_type.map(|it| KeyValue::new(name::CLIENT_TYPE, it.clone())));
    telemetry.start(span_name, SpanKind::Client, Origin::child_of(parent), attributes)
}

/// Begins the span of a statement that reads many rows.
#[must_use]
pub fn select(service: &Service, parent: &SpanContext, table: &'static str) -> Span {
    let telemetry = &service.world.telemetry;
    if !telemetry.enabled() {
        return telemetry.start("", SpanKind::Client, Origin::root(), Vec::new());
    }
    // How many rows come back is said once they are there.
    let mut attributes = Vec::with_capacity(5);
    attributes.extend(statement(service, "SELECT", table));
    let span_name = if table == "orders" { "SELECT orders" } else { "SELECT" };
    telemetry.start(span_name, SpanKind::Client, Origin::child_of(parent), attributes)
}

/// What the span of every statement says.
pub(crate) fn statement(service: &Service, operation: &'static str, table: &'static str) -> [KeyValue; 4] {
    [
        KeyValue::new(name::DB_SYSTEM, "postgresql"),
        KeyValue::new(name::DB_NAMESPACE, service.database),
        KeyValue::new(name::DB_OPERATION, operation),
        KeyValue::new(name::DB_COLLECTION, table),
    ]
}

/// Ends the span of a statement or a commit with its outcome. A duplicate key is an answer, not a failure: somebody was quicker.
pub fn committed<T>(mut span: Span, outcome: &Result<T, StoreError>) {
    match outcome {
        Ok(_) => {}
        Err(StoreError::Duplicate(_)) => duplicate(&mut span),
        Err(cause) => {
            span.set(KeyValue::new(name::DB_STATUS, cause.error_type()));
            span.fail(cause.error_type(), cause.to_string());
        }
    }
}

/// A zero-length span of a commit that failed, where a successful one is not worth a span.
pub fn unwritten(service: &Service, parent: &SpanContext, table: &'static str, order_id: &Arc<str>, cause: &StoreError) {
    let mut span = commit(service, parent, table, order_id, None);
    span.set(KeyValue::new(name::DB_STATUS, cause.error_type()));
    span.fail(cause.error_type(), cause.to_string());
}

/// Begins the span of a call on the object store, about one order.
#[must_use]
pub fn file(
    service: &Service,
    parent: &SpanContext,
    span_name: &'static str,
    order_id: &Arc<str>,
    client_type: Option<&Arc<str>>,
) -> Span {
    let telemetry = &service.world.telemetry;
    let mut attributes = Vec::new();
    if telemetry.enabled() {
        attributes.reserve_exact(4);
        attributes.push(KeyValue::new(name::ORDER_ID, order_id.clone()));
        attributes.extend(client_type.map(|it| KeyValue::new(name::CLIENT_TYPE, it.clone())));
    }
    telemetry.start(span_name, SpanKind::Client, Origin::child_of(parent), attributes)
}
