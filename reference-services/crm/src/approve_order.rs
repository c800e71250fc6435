//! `POST /orders/{id}/approve`: a seller approves the price, and the factory is told.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, announce, describe, list, step, step::Stepped};
use contracts::{Status, tables::Order};
use http::StatusCode;

use crate::APPROVE;

pub(crate) async fn approve_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, APPROVE, &call);
    let outcome = approve(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn approve(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked = call.step()?;
    describe::staff(service, &mut entry.span, &asked.by);
    let edit = |order: &mut Order| order.staff = Some(asked.by.clone());
    let to = Status::ManufacturingApproved;
    let stepped = step(service, &mut entry.span, &call.order_id, to, &asked.event_id, edit).await?;
    if let Stepped::Now(moved) = &stepped {
        announce(service, entry.span.context(), moved).await;
    }
    Ok(list::answer(StatusCode::OK, stepped.order()))
}
