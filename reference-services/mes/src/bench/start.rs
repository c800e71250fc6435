//! `POST /orders/{id}/start`: an operator takes the order and begins.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Service};
use contracts::Status;

use super::work;
use crate::START;

pub(crate) async fn start(State(service): State<Arc<Service>>, call: Call) -> Response {
    work(&service, START, &call, Status::ManufacturingStarted, |order, asked| order.staff = Some(asked.by.clone())).await
}
