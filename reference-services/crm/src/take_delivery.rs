//! `POST /orders/{id}/delivered`: the carrier calls back, the customer has the piece. That closes the order.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Refusal, Service};

use crate::{DELIVERED, close_order::close};

pub(crate) async fn take_delivery(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, DELIVERED, &call);
    let outcome = delivered(&service, &call, &mut entry).await;
    entry.answer(outcome)
}

async fn delivered(service: &Service, call: &Call, entry: &mut Entry) -> Result<Response, Refusal> {
    let asked = call.step()?;
    close(service, call, &asked, entry).await
}
