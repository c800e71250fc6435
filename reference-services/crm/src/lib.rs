//! The CRM: hands submitted orders to the factory, takes its news, lets sellers approve and orders come to their end.
//!
//! Two roles. [`front`] is what sellers reach; it passes every request on to [`api`], which works on Shop DB, the same
//! database as the shop's. Carriers call [`api`] directly.

mod approve_order;
mod close_order;
mod front;
mod list_orders;
mod relay_submitted;
mod take_delivery;
mod take_news;
mod tell_customer;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use chassis::{Need, Route, Service, StartError, consume, outbox, route};
use contracts::{Settings, message::CRM_QUEUE, services::CRM_API, tables};
use world::World;

pub(crate) const LIST: Route = route!("GET", "/orders");
pub(crate) const APPROVE: Route = route!("POST", "/orders/{id}/approve");
pub(crate) const CLOSE: Route = route!("POST", "/orders/{id}/close");
pub(crate) const DELIVERED: Route = route!("POST", "/orders/{id}/delivered");

/// Starts `crm`. Returns when it is reachable.
///
/// # Errors
/// [`StartError::Serve`] when its address is taken.
pub async fn front(world: World, settings: Arc<Settings>) -> Result<Arc<Service>, StartError> {
    Service::new(world, settings, "shop").serve(front::routes(), &[Need::Service(CRM_API)]).await
}

/// Starts `crm-api`. Returns when it is reachable; its consumer and its relay run on.
///
/// # Errors
/// [`StartError`] when Shop DB does not answer or its address is taken.
pub async fn api(world: World, settings: Arc<Settings>) -> Result<Arc<Service>, StartError> {
    let service = Service::new(world, settings, "shop");
    service.migrate(tables::shop(service.settings.architecture.list_index)).await?;
    if service.settings.architecture.outbox {
        outbox::relay(&service);
    } else {
        relay_submitted::relay(&service);
    }
    consume(&service, CRM_QUEUE, 1, take_news::TakeNews);
    service.serve(routes(), &[Need::Database, Need::Broker]).await
}

fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(LIST.template, get(list_orders::list_orders))
        .route(APPROVE.template, post(approve_order::approve_order))
        .route(CLOSE.template, post(close_order::close_order))
        .route(DELIVERED.template, post(take_delivery::take_delivery))
}
