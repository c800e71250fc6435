//! `POST /orders/{id}/complete`: the piece is made.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Service};
use contracts::Status;

use super::work;
use crate::COMPLETE;

pub(crate) async fn complete(State(service): State<Arc<Service>>, call: Call) -> Response {
    work(&service, COMPLETE, &call, Status::ManufacturingCompleted, |_, _| {}).await
}
