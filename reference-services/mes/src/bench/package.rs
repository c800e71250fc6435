//! `POST /orders/{id}/package`: the piece is being packed.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Service};
use contracts::Status;

use super::work;
use crate::PACKAGE;

pub(crate) async fn package(State(service): State<Arc<Service>>, call: Call) -> Response {
    work(&service, PACKAGE, &call, Status::Packaging, |_, _| {}).await
}
