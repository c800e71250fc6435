//! `shop-api`: takes an order in. A customer does so in three requests, a partner's program in two; and whoever has an order
//! may ask how it is.

mod construct_model;
mod create_order;
mod model;
mod partner_order;
mod replace_model;
mod show_order;
mod submit_order;
mod upload_model;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post, put},
};
use chassis::{Refusal, Route, Service, route, wait};
use contracts::tables::Order;
use world::Span;

/// A customer begins an order.
pub(crate) const CREATE: Route = route!("POST", "/orders");
/// A partner's program begins an order, with its model.
pub(crate) const PARTNER: Route = route!("POST", "/partner/orders");
/// The 3D model comes.
pub(crate) const UPLOAD: Route = route!("PUT", "/orders/{id}/model");
/// The 3D model is made in the constructor.
pub(crate) const CONSTRUCT: Route = route!("POST", "/orders/{id}/model");
/// The order is sent off.
pub(crate) const SUBMIT: Route = route!("POST", "/orders/{id}/submit");
/// A partner's program sends the order off.
pub(crate) const PARTNER_SUBMIT: Route = route!("POST", "/partner/orders/{id}/submit");
/// How is the order?
pub(crate) const SHOW: Route = route!("GET", "/orders/{id}");

/// Its routes.
pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(CREATE.template, post(create_order::create_order))
        .route(PARTNER.template, post(partner_order::partner_order))
        .route(UPLOAD.template, put(upload_model::upload_model).post(construct_model::construct_model))
        .route(SUBMIT.template, post(submit_order::submit_order))
        .route(PARTNER_SUBMIT.template, post(submit_order::submit_partner_order))
        .route(SHOW.template, get(show_order::show_order))
}

/// An order as it is now, and the version of its row.
async fn look(service: &Service, span: &Span, id: &Arc<str>) -> Result<(Order, i64), Refusal> {
    let mut tx = wait::begin(service, span.context(), id).await?;
    wait::load(service, &mut *tx, span.context(), id).await?.ok_or_else(|| Refusal::UnknownOrder(id.clone()))
}
