//! One running service: its world, its settings, and what it keeps between requests.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::Router;
use contracts::Settings;
use world::{World, http::HttpError, store::StoreError, store::Table};

use crate::{
    Need, call,
    health::{self, Consumers},
    publisher::Publisher,
    shutdown::Shutdown,
};

/// A running service: the state of its router, and the first argument of everything it does.
pub struct Service {
    /// Its ports.
    pub world: World,
    /// What it was told when it started.
    pub settings: Arc<Settings>,
    /// Its database, as `db.namespace` names it: `shop` or `mes`.
    pub database: &'static str,
    /// Its name, as rows carry it.
    pub name: Arc<str>,
    /// Its connection for sending.
    pub publisher: Publisher,
    /// Its consumers.
    pub consumers: Consumers,
    /// Whether it is to end.
    pub shutdown: Arc<Shutdown>,
    /// What the ids of its messages and of its orders begin with.
    prefixes: (String, String),
    made: AtomicU64,
}

/// Why a service did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Its tables could not be made.
    #[error("cannot migrate the database {database}: {cause}")]
    Migrate {
        /// Which database.
        database: &'static str,
        /// Why.
        cause: StoreError,
    },
    /// What the last incarnation left behind could not be tidied up.
    #[error("cannot take up what was left behind: {0}")]
    TakeUp(StoreError),
    /// It could not be made reachable.
    #[error("cannot serve: {0}")]
    Serve(#[from] HttpError),
}

impl Service {
    /// A service on its world.
    #[must_use]
    pub fn new(world: World, settings: Arc<Settings>, database: &'static str) -> Arc<Self> {
        let node = world.rt.node();
        let (name, publisher, made) = (node.service.into(), Publisher::default(), AtomicU64::new(0));
        let prefixes = (format!("m-{node}-"), format!("o-{}.{}-", node.instance, node.incarnation));
        let (consumers, shutdown) = (Consumers::default(), Arc::default());
        Arc::new(Self { world, settings, database, name, publisher, consumers, shutdown, prefixes, made })
    }

    /// Makes its tables that are not there yet.
    ///
    /// # Errors
    /// [`StartError::Migrate`] when the database does not let it.
    pub async fn migrate(&self, tables: &'static [&'static Table]) -> Result<(), StartError> {
        let database = self.database;
        self.world.store.migrate(tables).await.map_err(|cause| StartError::Migrate { database, cause })
    }

    /// Makes it reachable: the last thing it does when it starts. `needs` is what it cannot do its work without.
    ///
    /// # Errors
    /// [`StartError::Serve`] when its address is taken.
    pub async fn serve(self: Arc<Self>, routes: Router<Arc<Self>>, needs: &'static [Need]) -> Result<Arc<Self>, StartError> {
        let routes = routes.merge(health::routes(needs));
        let router =
            routes.fallback(call::no_such_route).method_not_allowed_fallback(call::no_such_method).with_state(Arc::clone(&self));
        self.world.http.serve(router).await?;
        Ok(self)
    }

    /// The id of a new message: `m-<node>-<n>`. No incarnation repeats one.
    #[must_use]
    pub fn new_message_id(&self) -> Arc<str> {
        [&*self.prefixes.0, &self.count()].concat().into()
    }

    /// The id of a new order: `o-<instance>.<incarnation>-<n>`. Only one service makes orders.
    #[must_use]
    pub fn new_order_id(&self) -> Arc<str> {
        [&*self.prefixes.1, &self.count()].concat().into()
    }

    /// Where another model of an order goes, beside the one it has: `models/<node's number>/<order>`.
    #[must_use]
    pub fn new_model_key(&self, order_id: &str) -> Arc<str> {
        ["models/", &self.count(), "/", order_id].concat().into()
    }

    /// This node's wall clock as rows carry it: nanoseconds since the Unix epoch.
    #[must_use]
    pub fn wall_ns(&self) -> i64 {
        i64::try_from(self.world.rt.wall_ns()).unwrap_or(i64::MAX)
    }

    fn count(&self) -> String {
        (self.made.fetch_add(1, Ordering::Relaxed) + 1).to_string()
    }
}
