//! The factory: what an order costs, and how it is made.
//!
//! Two roles. [`api`] keeps the orders in MES DB, takes what the CRM sends, has prices calculated and lets operators work;
//! [`pricing`] is the service that calculates. An order's way: [`take_order`], [`calculate`] (in [`price_worker`] where
//! pricing is asynchronous), [`take_approval`], then the four steps of the [`bench`].

mod bench;
mod calculate;
mod list_orders;
mod price_job;
mod price_worker;
mod pricing;
mod take_approval;
mod take_order;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use chassis::{Handled, Handler, Inbound, Need, Refusal, Route, Service, StartError, consume, describe, outbox, route};
use contracts::{OrderEvent, Settings, Status, architecture::Pricing, message::MES_QUEUE, services::MES, tables};
use world::{Span, World};

pub(crate) const LIST: Route = route!("GET", "/orders");
pub(crate) const START: Route = route!("POST", "/orders/{id}/start");
pub(crate) const COMPLETE: Route = route!("POST", "/orders/{id}/complete");
pub(crate) const PACKAGE: Route = route!("POST", "/orders/{id}/package");
pub(crate) const SHIP: Route = route!("POST", "/orders/{id}/ship");
pub(crate) const PRICE: Route = route!("POST", "/price");

/// Starts `mes-api`. Returns when it is reachable; its consumers, workers and relay run on.
///
/// # Errors
/// [`StartError`] when MES DB does not answer or its address is taken.
pub async fn api(world: World, settings: Arc<Settings>) -> Result<Arc<Service>, StartError> {
    let service = Service::new(world, settings, "mes");
    service.migrate(tables::mes(service.settings.architecture.list_index)).await?;
    price_job::take_up(&service).await.map_err(StartError::TakeUp)?;
    let architecture = service.settings.architecture;
    if architecture.outbox {
        outbox::relay(&service);
    }
    if architecture.pricing == Pricing::Asynchronous {
        price_worker::start(&service, architecture.mes_consumers);
    }
    consume(&service, MES_QUEUE, architecture.mes_consumers, TakeIn);
    service.serve(routes(), &[Need::Database, Need::Broker, Need::Service(MES)]).await
}

/// Starts `mes`. Returns when it is reachable.
///
/// # Errors
/// [`StartError::Serve`] when its address is taken.
pub async fn pricing(world: World, settings: Arc<Settings>) -> Result<Arc<Service>, StartError> {
    let routes = Router::new().route(PRICE.template, post(pricing::price));
    Service::new(world, settings, "mes").serve(routes, &[Need::Files]).await
}

fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(LIST.template, get(list_orders::list_orders))
        .route(START.template, post(bench::start))
        .route(COMPLETE.template, post(bench::complete))
        .route(PACKAGE.template, post(bench::package))
        .route(SHIP.template, post(bench::ship))
}

/// Takes the events of `mes.orders`.
struct TakeIn;

impl Handler for TakeIn {
    async fn handle(
        &self,
        service: &Arc<Service>,
        inbound: &Inbound,
        event: OrderEvent,
        span: &mut Span,
    ) -> Result<Handled, Refusal> {
        describe::customer(service, span, &event.customer);
        match event.status {
            Status::Submitted => take_order::take_order(service, inbound, &event, span).await,
            Status::ManufacturingApproved => take_approval::take_approval(service, inbound, &event, span).await,
            other => Err(Refusal::Malformed(format!("{other} is not for the factory"))),
        }
    }
}
