//! `GET /orders/{id}`: a customer asks how the order is. Nothing moves.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service, describe, list};
use http::StatusCode;

use super::{SHOW, look};

pub(super) async fn show_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, SHOW, &call);
    let outcome = show(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn show(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let (order, _) = look(service, &entry.span, &call.order_id).await?;
    describe::order(service, &mut entry.span, &order);
    describe::state(service, &mut entry.span, &order);
    Ok(list::answer(StatusCode::OK, &order))
}
