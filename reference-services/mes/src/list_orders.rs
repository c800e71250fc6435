//! `GET /orders`: what an operator picks from.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Entry, Service, list};

use crate::LIST;

pub(crate) async fn list_orders(State(service): State<Arc<Service>>, call: Call) -> Response {
    let mut entry = Entry::begin(&service, LIST, &call);
    let outcome = list::orders(&service, &call, &mut entry).await;
    entry.answer(outcome)
}
