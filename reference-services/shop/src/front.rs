//! `internet-shop`: the thin front that customers reach.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post, put},
};
use chassis::{Call, Service, proxy::forward};
use contracts::services::SHOP_API;

use crate::{
    intake::{CONSTRUCT, CREATE, SHOW, SUBMIT, UPLOAD},
    notices,
};

/// Its routes: those of the backend that a customer needs, and what is shown to customers unasked.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(CREATE.template, post(create_order))
        .route(UPLOAD.template, put(upload_model).post(construct_model))
        .route(SUBMIT.template, post(submit_order))
        .route(SHOW.template, get(show_order))
        .merge(notices::routes())
}

async fn create_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, CREATE, call).await
}

async fn upload_model(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, UPLOAD, call).await
}

async fn construct_model(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, CONSTRUCT, call).await
}

async fn show_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, SHOW, call).await
}

async fn submit_order(State(service): State<Arc<Service>>, call: Call) -> Response {
    forward(&service, SHOP_API, SUBMIT, call).await
}
