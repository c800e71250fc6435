//! `order.submitted`: the factory learns of an order. Blocking pricing calculates right here, and the consumer does nothing
//! else meanwhile; asynchronous pricing leaves a job.

use chassis::{
    Handled, Inbound, Moved, Refusal, Service, Tries, announce, describe,
    inbound::too_early,
    planted::{self, Bug},
    record::{Owner, Place, version},
    wait,
};
use contracts::{
    OrderEvent, Status,
    architecture::Pricing,
    tables::{Order, PriceJob},
};
use opentelemetry::trace::SpanContext;
use world::{Span, record, store::Tx};

use crate::{
    calculate::{calculate, finish},
    price_job,
};

/// An order whose price is to be calculated, and the job that says so.
type Task = (Order, PriceJob);

pub(crate) async fn take_order(
    service: &Service,
    inbound: &Inbound,
    event: &OrderEvent,
    span: &mut Span,
) -> Result<Handled, Refusal> {
    let Some((order, job)) = take(service, inbound, event, span).await? else {
        return Ok(Handled::Before);
    };
    if service.settings.architecture.pricing == Pricing::Asynchronous {
        describe::state(service, span, &order);
        return Ok(Handled::Now);
    }
    let outcome = price_now(service, span, &order, &job).await;
    if let Err(refusal) = &outcome {
        describe::state(service, span, &order);
        // An order that has gone further has no use for the price, but the job is done.
        if !matches!(refusal, Refusal::Illegal { .. }) {
            price_job::abandon(service, span.context(), &job).await;
        }
    }
    outcome
}

/// The consumer waits until the price is there.
async fn price_now(service: &Service, span: &mut Span, order: &Order, job: &PriceJob) -> Result<Handled, Refusal> {
    let price = calculate(service, span.context(), order, job).await?;
    match finish(service, span, job, price).await? {
        Some(moved) => {
            describe::state(service, span, &moved.order);
            announce(service, span.context(), &moved).await;
            Ok(Handled::Now)
        }
        None => Ok(Handled::Before),
    }
}

/// Takes the order in; none when there is nothing to do for it.
async fn take(service: &Service, inbound: &Inbound, event: &OrderEvent, span: &mut Span) -> Result<Option<Task>, Refusal> {
    let mut tries = Tries::default();
    loop {
        let outcome = attempt(service, inbound, event, span).await;
        if tries.over(&outcome) {
            return outcome;
        }
    }
}

async fn attempt(service: &Service, inbound: &Inbound, event: &OrderEvent, span: &mut Span) -> Result<Option<Task>, Refusal> {
    let mut tx = wait::begin(service, span.context(), &event.order_id).await?;
    match wait::load(service, &mut *tx, span.context(), &event.order_id).await? {
        None if event.version > version(Status::Submitted) => Err(too_early(event, 0)),
        None => first(service, inbound, event, span, tx).await,
        Some((order, _)) => again(service, event, span, tx, order).await,
    }
}

/// The order is new here: its row, its first transition on this side and its job are one transaction.
async fn first(
    service: &Service,
    inbound: &Inbound,
    event: &OrderEvent,
    span: &mut Span,
    mut tx: Box<dyn Tx>,
) -> Result<Option<Task>, Refusal> {
    let moved = announced(service, inbound, event, span.context());
    let job = price_job::new(service, &event.order_id, 1, span.context());
    if !planted::bites(Bug::JobForgotten, &event.order_id) {
        record::insert(&mut *tx, &job).await?;
    }
    moved.commit(service, span, tx, Place::New, Owner::There).await?;
    Ok(Some((moved.order, job)))
}

/// The order is here already. A consumer that recognises events leaves it alone unless its price was never calculated;
/// one that does not calculates once more.
async fn again(
    service: &Service,
    event: &OrderEvent,
    span: &mut Span,
    mut tx: Box<dyn Tx>,
    order: Order,
) -> Result<Option<Task>, Refusal> {
    let architecture = service.settings.architecture;
    if architecture.idempotent_consumers && !planted::bites(Bug::DuplicateUnnoticed, &event.order_id) {
        // An asynchronous job is as durable as the row; a blocking calculation died with whoever did it.
        if order.version >= version(Status::PriceCalculated) || architecture.pricing == Pricing::Asynchronous {
            describe::state(service, span, &order);
            return Ok(None);
        }
    } else if order.version > version(Status::PriceCalculated) {
        return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: event.status });
    }
    let attempt = price_job::count(&mut *tx, &order.id).await? + 1;
    let job = price_job::new(service, &order.id, attempt, span.context());
    price_job::add(service, span.context(), tx, &job, &order).await?;
    Ok(Some((order, job)))
}

/// The order as the message describes it.
fn announced(service: &Service, inbound: &Inbound, event: &OrderEvent, context: &SpanContext) -> Moved {
    let order = Order {
        id: event.order_id.clone(),
        order_ref: event.order_ref.clone(),
        client_type: event.client_type.clone(),
        customer: event.customer.clone(),
        status: "".into(),
        version: 0,
        file_ref: event.file_ref.clone(),
        file_size: event.file_size,
        price: None,
        staff: None,
        relay: None,
        updated_ns: 0,
        traceparent: None,
    };
    Moved { from: None, ..Moved::new(service, order, Status::Submitted, inbound.event_id.clone(), context) }
}
