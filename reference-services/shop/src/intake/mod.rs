//! `shop-api`: takes an order in three requests, in this order.

mod create_order;
mod submit_order;
mod upload_model;

use std::sync::Arc;

use axum::{
    Router,
    routing::{post, put},
};
use chassis::{Route, Service, route};

/// A customer or a partner begins an order.
pub(crate) const CREATE: Route = route!("POST", "/orders");
/// The 3D model comes.
pub(crate) const UPLOAD: Route = route!("PUT", "/orders/{id}/model");
/// The order is sent off.
pub(crate) const SUBMIT: Route = route!("POST", "/orders/{id}/submit");

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(CREATE.template, post(create_order::create_order))
        .route(UPLOAD.template, put(upload_model::upload_model))
        .route(SUBMIT.template, post(submit_order::submit_order))
}
