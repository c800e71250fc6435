//! `POST /orders`: the order begins. Asked again with the same reference, it answers with the order that is there.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{
    Call, Entry, Moved, Refusal, Service, describe, list,
    record::{Owner, Place, column, machine_event, version},
    wait,
};
use contracts::{
    Status,
    request::{CreateOrder, RETAIL},
    tables::{Order, order},
};
use http::{HeaderValue, StatusCode, header};
use opentelemetry::trace::SpanContext;
use world::{
    record,
    store::{Scan, StoreError, Value},
};

use super::CREATE;

pub(super) async fn create_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, CREATE, &call);
    let outcome = create(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn create(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked: CreateOrder = call.json()?;
    check(&asked.order_ref, &asked.customer)?;
    let new = New { order_ref: asked.order_ref, client_type: RETAIL, customer: asked.customer };
    let Begun { order, status } = begin(service, &new, entry).await?;
    describe::order(service, &mut entry.span, &order);
    describe::state(service, &mut entry.span, &order);
    Ok(located(status, &order))
}

/// An order has a reference and a customer.
pub(super) fn check(order_ref: &str, customer: &str) -> Result<(), Refusal> {
    match (order_ref, customer) {
        ("", _) => Err(Refusal::Invalid("order_ref is empty".to_owned())),
        (_, "") => Err(Refusal::Invalid("customer is empty".to_owned())),
        _ => Ok(()),
    }
}

/// An order that somebody wants to begin.
pub(super) struct New {
    pub(super) order_ref: Arc<str>,
    pub(super) client_type: &'static str,
    pub(super) customer: Arc<str>,
}

/// The order, and the status that says whether it had been begun before.
pub(super) struct Begun {
    pub(super) order: Order,
    pub(super) status: StatusCode,
}

/// Begins an order, or finds the one that has this reference already. The span says which order it is, and no more.
///
/// # Errors
/// [`Refusal::Taken`], [`Refusal::Store`].
pub(super) async fn begin(service: &Service, new: &New, entry: &mut Entry) -> Result<Begun, Refusal> {
    let begun = first(service, new, entry.span.context());
    let tx = wait::begin(service, entry.span.context(), &begun.order.id).await?;
    match begun.commit(service, &mut entry.span, tx, Place::New, Owner::Here).await {
        Ok(()) => {
            entry.about(&begun.order.id);
            Ok(Begun { order: begun.order, status: StatusCode::CREATED })
        }
        Err(StoreError::Duplicate(_)) => before(service, new, entry).await,
        Err(cause) => {
            entry.about(&begun.order.id);
            Err(cause.into())
        }
    }
}

/// The order in its first state.
fn first(service: &Service, new: &New, context: &SpanContext) -> Moved {
    let id = service.new_order_id();
    let event_id = machine_event(&id, Status::Initiated);
    let order = Order {
        id,
        order_ref: new.order_ref.clone(),
        client_type: new.client_type.into(),
        customer: new.customer.clone(),
        status: column(Status::Initiated),
        version: version(Status::Initiated),
        file_ref: None,
        file_size: None,
        price: None,
        staff: None,
        relay: None,
        updated_ns: 0,
        traceparent: None,
    };
    Moved { from: None, ..Moved::new(service, order, Status::Initiated, event_id, context) }
}

/// The order that has this reference already.
async fn before(service: &Service, new: &New, entry: &mut Entry) -> Result<Begun, Refusal> {
    let mut tx = record::begin(&*service.world.store).await?;
    let equals = vec![(order::order_ref, Value::Text(new.order_ref.clone()))];
    let found = record::scan::<Order>(&mut *tx, Scan { equals, limit: Some(1), ..Scan::default() }).await?;
    let Some((order, _)) = found.into_iter().next() else {
        // Its row was there a moment ago: the database contradicts itself.
        return Err(StoreError::Conflict.into());
    };
    if order.customer != new.customer || &*order.client_type != new.client_type {
        return Err(Refusal::Taken(new.order_ref.clone()));
    }
    entry.about(&order.id);
    describe::follows(service, &mut entry.span, &order);
    describe::duplicate(&mut entry.span);
    Ok(Begun { order, status: StatusCode::OK })
}

/// The order as an answer, and where it is from now on.
pub(super) fn located(status: StatusCode, order: &Order) -> Response {
    let mut response = list::answer(status, order);
    if let Ok(location) = HeaderValue::from_maybe_shared(["/orders/", &order.id].concat()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_needs_a_reference_and_a_customer() {
        assert!(check("c-1", "u").is_ok());
        for (order_ref, customer) in [("", "u"), ("c-1", "")] {
            let refused = check(order_ref, customer).map_err(|refusal| refusal.status());
            assert_eq!(refused, Err(StatusCode::UNPROCESSABLE_ENTITY));
        }
    }
}
