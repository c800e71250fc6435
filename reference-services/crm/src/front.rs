//! `crm`: the thin front that sellers reach.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use chassis::{Call, Service, proxy::forward};
use contracts::services::CRM_API;

use crate::{APPROVE, CLOSE, LIST};

/// Its routes: those of the backend that a seller needs.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(LIST.template, get(list_orders))
        .route(APPROVE.template, post(approve_order))
        .route(CLOSE.template, post(close_order))
}

async fn list_orders(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, CRM_API, LIST, call).await
}

async fn approve_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, CRM_API, APPROVE, call).await
}

async fn close_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, CRM_API, CLOSE, call).await
}
