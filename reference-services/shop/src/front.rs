//! `internet-shop`: the thin front that customers reach.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{post, put},
};
use chassis::{Call, Service, proxy::forward};
use contracts::services::SHOP_API;

use crate::intake::{CREATE, SUBMIT, UPLOAD};

/// Its routes: the backend's.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(CREATE.template, post(create_order))
        .route(UPLOAD.template, put(upload_model))
        .route(SUBMIT.template, post(submit_order))
}

async fn create_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, CREATE, call).await
}

async fn upload_model(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, UPLOAD, call).await
}

async fn submit_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, SUBMIT, call).await
}
