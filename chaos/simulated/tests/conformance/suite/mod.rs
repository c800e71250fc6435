//! What the ports promise and what the parts behind them do, for both worlds: `chaos/simulated` plays it on the models, the tests
//! of the containers world on RabbitMQ, Postgres and S3.

pub(crate) mod broker;
pub(crate) mod files;
pub(crate) mod store;

use world::World;

/// Every promise of the ports, one after another.
pub(crate) async fn promises(world: &World) {
    broker::port::promises(world).await;
    store::promises(world).await;
    files::promises(world).await;
}
