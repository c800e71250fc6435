//! `POST /orders/{id}/close`: the carrier has delivered. The factory need not know.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, list, step};
use contracts::Status;
use http::StatusCode;

use crate::CLOSE;

pub(crate) async fn close_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, CLOSE, &call);
    let outcome = close(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn close(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked = call.step()?;
    let stepped = step(service, &mut entry.span, &call.order_id, Status::Closed, &asked.event_id, |_| {}).await?;
    Ok(list::answer(StatusCode::OK, stepped.order()))
}
