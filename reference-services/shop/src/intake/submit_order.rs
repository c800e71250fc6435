//! `POST /orders/{id}/submit`: the order is sent off. Nothing is announced from here: as-is the CRM finds the row, with an
//! outbox the event is part of the transaction.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, list, step};
use contracts::Status;
use http::StatusCode;

use super::SUBMIT;

pub(super) async fn submit_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, SUBMIT, &call);
    let outcome = submit(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn submit(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked = call.step()?;
    let id = &call.order_id;
    let stepped = step(service, &mut entry.span, id, Status::Submitted, &asked.event_id, |_| {}).await?;
    Ok(list::answer(StatusCode::OK, stepped.order()))
}
