//! `POST /orders/{id}/ship`: the carrier has it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use chassis::{Call, Service};
use contracts::Status;

use super::work;
use crate::SHIP;

pub(crate) async fn ship(State(service): State<Arc<Service>>, call: Call) -> Response {
    work(&service, SHIP, &call, Status::Shipped, |_, _| {}).await
}
