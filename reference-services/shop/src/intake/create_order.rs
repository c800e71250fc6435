//! `POST /orders`: the order begins. Asked again with the same reference, it answers with the order that is there.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{
    Call, Entry, Moved, Refusal, Service, describe, list,
    record::{Owner, Place, column, machine_event, version},
};
use contracts::{
    Status,
    request::CreateOrder,
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
    check(&asked)?;
    let begun = begin(service, &asked, entry.span.context());
    let tx = record::begin(&*service.world.store).await?;
    match begun.commit(service, &mut entry.span, tx, Place::New, Owner::Here).await {
        Ok(()) => {
            entry.about(&begun.order.id);
            describe::order(service, &mut entry.span, &begun.order);
            describe::state(service, &mut entry.span, &begun.order);
            Ok(located(StatusCode::CREATED, &begun.order))
        }
        Err(StoreError::Duplicate(_)) => before(service, &asked, entry).await,
        Err(cause) => {
            entry.about(&begun.order.id);
            Err(cause.into())
        }
    }
}

fn check(asked: &CreateOrder) -> Result<(), Refusal> {
    if asked.order_ref.is_empty() {
        return Err(Refusal::Invalid("order_ref is empty".to_owned()));
    }
    if asked.customer.is_empty() {
        return Err(Refusal::Invalid("customer is empty".to_owned()));
    }
    match &*asked.client_type {
        "retail" | "api_partner" => Ok(()),
        other => Err(Refusal::Invalid(format!("client_type is {other:?}, expected \"retail\" or \"api_partner\""))),
    }
}

/// The order in its first state.
fn begin(service: &Service, asked: &CreateOrder, context: &SpanContext) -> Moved {
    let id = service.new_order_id();
    let event_id = machine_event(&id, Status::Initiated);
    let order = Order {
        id,
        order_ref: asked.order_ref.clone(),
        client_type: asked.client_type.clone(),
        customer: asked.customer.clone(),
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
async fn before(service: &Service, asked: &CreateOrder, entry: &mut Entry) -> Result<Response, Refusal> {
    let mut tx = record::begin(&*service.world.store).await?;
    let equals = vec![(order::order_ref, Value::Text(asked.order_ref.clone()))];
    let found = record::scan::<Order>(&mut *tx, Scan { equals, limit: Some(1), ..Scan::default() }).await?;
    let Some((order, _)) = found.into_iter().next() else {
        // Its row was there a moment ago: the database contradicts itself.
        return Err(StoreError::Conflict.into());
    };
    entry.about(&order.id);
    describe::order(service, &mut entry.span, &order);
    describe::follows(service, &mut entry.span, &order);
    describe::state(service, &mut entry.span, &order);
    describe::duplicate(&mut entry.span);
    Ok(located(StatusCode::OK, &order))
}

/// The order as an answer, and where it is from now on.
fn located(status: StatusCode, order: &Order) -> Response {
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
    fn an_order_needs_a_reference_a_customer_and_a_known_client_type() {
        let asked = |order_ref: &str, client_type: &str, customer: &str| CreateOrder {
            order_ref: order_ref.into(),
            client_type: client_type.into(),
            customer: customer.into(),
        };
        assert!(check(&asked("c-1", "retail", "u")).is_ok());
        assert!(check(&asked("p-1", "api_partner", "u")).is_ok());
        for wrong in [asked("", "retail", "u"), asked("c-1", "wholesale", "u"), asked("c-1", "retail", "")] {
            assert_eq!(check(&wrong).map_err(|refusal| refusal.status()), Err(StatusCode::UNPROCESSABLE_ENTITY), "{wrong:?}");
        }
    }
}
