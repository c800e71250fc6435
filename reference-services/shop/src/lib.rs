//! The online shop: where an order begins.
//!
//! Two roles. [`front`] is what customers reach; it passes every request on to [`api`], which keeps the orders in Shop DB and
//! the 3D models in the object store. API users (partners) call [`api`] directly, by a way in of their own. Once an order is submitted the CRM takes
//! it from the same database.

mod constructor;
mod front;
mod intake;
mod notices;

use std::sync::Arc;

use chassis::{Need, Service, StartError};
use contracts::{Settings, services::SHOP_API, tables};
use world::World;

/// Starts `internet-shop`. Returns when it is reachable.
///
/// # Errors
/// [`StartError::Serve`] when its address is taken.
pub async fn front(world: World, settings: Arc<Settings>) -> Result<Arc<Service>, StartError> {
    Service::new(world, settings, "shop").serve(front::routes(), &[Need::Service(SHOP_API)]).await
}

/// Starts `shop-api`. Returns when it is reachable.
///
/// # Errors
/// [`StartError`] when Shop DB does not answer or its address is taken.
pub async fn api(world: World, settings: Arc<Settings>) -> Result<Arc<Service>, StartError> {
    let service = Service::new(world, settings, "shop");
    service.migrate(tables::shop(service.settings.architecture.list_index)).await?;
    service.serve(intake::routes(), &[Need::Database, Need::Files]).await
}
