//! What the log says, by the names in [`contracts::logs`]: a record for each transition, each message on either side of its queue,
//! each file that the object store took or gave and each list that was looked at, and one for each request, message and publish that
//! failed; joined to the span of it. Outside of production it also says what helps to find an error.

use std::{borrow::Cow, sync::Arc};

use contracts::{
    Status,
    logs::{self as name, Action},
    tables::Order,
};
use opentelemetry::{KeyValue, trace::SpanContext};
use world::{
    Telemetry,
    log::{Level, Log},
};

use crate::{Inbound, Moved, Refusal, Service, record::Owner, wire::Wire};

/// Says that an order has changed its state; only after the commit, at the time of the row.
pub fn moved(service: &Service, span: &SpanContext, moved: &Moved, owner: Owner) {
    if !service.world.telemetry.logs() {
        return;
    }
    let Moved { order, from, to, event_id } = moved;
    let mut fields = Vec::with_capacity(9);
    fields.push(KeyValue::new(name::ORDER_ID, order.id.clone()));
    fields.push(KeyValue::new(name::ORDER_STATUS, to.name()));
    fields.extend(from.as_ref().map(|from| KeyValue::new(name::ORDER_PREVIOUS_STATUS, from.clone())));
    fields.push(KeyValue::new(name::ORDER_VERSION, order.version));
    fields.push(KeyValue::new(name::ORDER_EVENT_ID, event_id.clone()));
    if owner == Owner::Here {
        own(&mut fields, order, *to);
    }
    let at_ns = u64::try_from(order.updated_ns).unwrap_or(0);
    let action = name::recorded(*to, owner == Owner::Here);
    service.world.telemetry.log(Log::new(Level::Info, action, at_ns, span).with(fields));
}

/// What whoever owns a state knows of it.
fn own(fields: &mut Vec<KeyValue>, order: &Order, to: Status) {
    use Status as S;
    let say = |fields: &mut Vec<KeyValue>, name: &'static str, text: Option<&Arc<str>>| {
        fields.extend(text.map(|text| KeyValue::new(name, text.clone())));
    };
    if to == S::Initiated {
        say(fields, name::CLIENT_TYPE, Some(&order.client_type));
    }
    if to <= S::ManufacturingApproved || to == S::Closed {
        say(fields, name::USER_HASH, Some(&order.customer));
    }
    match to {
        S::Initiated => {}
        S::FileUploaded | S::Submitted => file(fields, order),
        S::PriceCalculated => {
            fields.extend(order.price.map(|price| KeyValue::new(name::ORDER_PRICE, price)));
            file_name(fields, order);
        }
        S::ManufacturingApproved | S::Closed => say(fields, name::MANAGER_ID, order.staff.as_ref()),
        S::ManufacturingStarted | S::ManufacturingCompleted => {
            say(fields, name::OPERATOR_ID, order.staff.as_ref());
            file_name(fields, order);
        }
        S::Packaging | S::Shipped => say(fields, name::OPERATOR_ID, order.staff.as_ref()),
    }
}

fn file(fields: &mut Vec<KeyValue>, order: &Order) {
    file_name(fields, order);
    fields.extend(order.file_size.map(|size| KeyValue::new(name::FILE_SIZE, size)));
}

fn file_name(fields: &mut Vec<KeyValue>, order: &Order) {
    fields.extend(order.file_ref.as_deref().map(|path| KeyValue::new(name::FILE_NAME, last_part(path).to_owned())));
}

/// The last part of where the model is: the store's name for it, not the customer's.
fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Says that a price calculation begins.
pub fn pricing_started(service: &Service, span: &SpanContext, order: &Order, attempt: i64) {
    if !service.world.telemetry.logs() {
        return;
    }
    let mut fields = Vec::with_capacity(5);
    fields.push(KeyValue::new(name::ORDER_ID, order.id.clone()));
    fields.push(KeyValue::new(name::ORDER_PRICING_ATTEMPT, attempt));
    fields.push(KeyValue::new(name::USER_HASH, order.customer.clone()));
    file(&mut fields, order);
    say(service, span, name::PRICE_CALCULATION_START, fields);
}

/// Says that a message was published.
pub fn sent(service: &Service, span: &SpanContext, (wire, message_id): (&Wire, &Arc<str>), order_id: &Arc<str>) {
    if service.world.telemetry.logs() {
        say(service, span, name::MESSAGE_SENT, message((wire, message_id), order_id));
    }
}

/// Says that a message was delivered.
pub fn received(service: &Service, span: &SpanContext, inbound: &Inbound) {
    if !service.world.telemetry.logs() {
        return;
    }
    let mut fields = message((inbound.wire, &inbound.message_id), &inbound.order_id);
    fields.push(KeyValue::new(name::REDELIVERED, inbound.redelivered));
    say(service, span, name::MESSAGE_RECEIVED, fields);
}

fn message((wire, message_id): (&Wire, &Arc<str>), order_id: &Arc<str>) -> Vec<KeyValue> {
    let mut fields = Vec::with_capacity(5);
    fields.push(KeyValue::new(name::ORDER_ID, order_id.clone()));
    fields.push(KeyValue::new(name::QUEUE, wire.queue));
    fields.push(KeyValue::new(name::ROUTING_KEY, wire.key));
    fields.push(KeyValue::new(name::MESSAGE_ID, message_id.clone()));
    fields
}

/// Says how a message was settled, for whoever looks for an error.
pub(crate) fn settled(service: &Service, span: &SpanContext, inbound: &Inbound, operation: &'static str) {
    if service.world.telemetry.debugs() {
        let mut fields = message((inbound.wire, &inbound.message_id), &inbound.order_id);
        fields.push(KeyValue::new(name::OPERATION, operation));
        debug(service, span, name::MESSAGE_SETTLED, fields);
    }
}

/// Says how long the transaction of a transition took that began at a time, nanoseconds since the Unix epoch; for whoever looks for
/// an error.
pub(crate) fn committed(service: &Service, span: &SpanContext, moved: &Moved, since_ns: u64) {
    let telemetry = &service.world.telemetry;
    if telemetry.debugs() {
        let took_ns = i64::try_from(telemetry.now_ns().saturating_sub(since_ns)).unwrap_or(i64::MAX);
        let fields = vec![
            KeyValue::new(name::ORDER_ID, moved.order.id.clone()),
            KeyValue::new(name::ORDER_EVENT_ID, moved.event_id.clone()),
            KeyValue::new(name::DURATION, took_ns),
        ];
        debug(service, span, name::TRANSITION_COMMITTED, fields);
    }
}

fn debug(service: &Service, span: &SpanContext, action: Action, fields: Vec<KeyValue>) {
    let telemetry = &service.world.telemetry;
    telemetry.log(Log::new(Level::Debug, action, telemetry.now_ns(), span).with(fields));
}

/// Says that the object store took or gave an order's file, by the action; `key` is where it is there.
pub fn moved_file(service: &Service, span: &SpanContext, action: Action, (order_id, key, size): (&Arc<str>, &str, i64)) {
    if !service.world.telemetry.logs() {
        return;
    }
    let fields = vec![
        KeyValue::new(name::ORDER_ID, order_id.clone()),
        KeyValue::new(name::FILE_NAME, last_part(key).to_owned()),
        KeyValue::new(name::FILE_SIZE, size),
    ];
    say(service, span, action, fields);
}

/// Says that something has happened, now, as it should.
pub(crate) fn say(service: &Service, span: &SpanContext, action: Action, fields: Vec<KeyValue>) {
    let telemetry = &service.world.telemetry;
    telemetry.log(Log::new(Level::Info, action, telemetry.now_ns(), span).with(fields));
}

/// What has gone wrong.
#[derive(Debug)]
pub struct Failure<'a> {
    /// What happened.
    pub action: Action,
    /// The order; empty where none is known.
    pub order_id: &'a Arc<str>,
    /// Low-cardinality cause.
    pub error_type: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// What else is known.
    pub more: Vec<KeyValue>,
}

impl<'a> Failure<'a> {
    /// A refusal that is an error; `action` is what happened where the refusal has no better word.
    #[must_use]
    pub fn of(refusal: &Refusal, action: Action, order_id: &'a Arc<str>) -> Self {
        let action = match refusal {
            Refusal::Illegal { .. } => name::ILLEGAL_TRANSITION,
            Refusal::UnknownOrder(_) => name::UNKNOWN_ORDER,
            _ => action,
        };
        Self { action, order_id, error_type: refusal.cause(), message: refusal.to_string(), more: Vec::new() }
    }

    /// The same with the message that it was about.
    #[must_use]
    pub fn about(mut self, wire: &Wire, message_id: &Arc<str>) -> Self {
        self.more.push(KeyValue::new(name::ROUTING_KEY, wire.key));
        self.more.push(KeyValue::new(name::MESSAGE_ID, message_id.clone()));
        self
    }
}

/// Says that something went wrong, now.
pub fn failed(telemetry: &Telemetry, span: &SpanContext, failure: Failure<'_>) {
    let Failure { action, order_id, error_type, message, more } = failure;
    let mut fields = Vec::with_capacity(3 + more.len());
    if !order_id.is_empty() {
        fields.push(KeyValue::new(name::ORDER_ID, order_id.clone()));
    }
    fields.push(KeyValue::new(name::ERROR_TYPE, error_type.into_owned()));
    fields.push(KeyValue::new(name::ERROR_MESSAGE, message));
    fields.extend(more);
    telemetry.log(Log::new(Level::Error, action, telemetry.now_ns(), span).with(fields));
}
