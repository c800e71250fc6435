//! The ports: everything a service may ask of the world it runs in.
//!
//! A service is a function of a [`World`]. Two worlds implement these ports: the *simulated* one (one process, virtual
//! time, deterministic by seed) and the *containers* one (RabbitMQ, Postgres, Jaeger). This crate knows nothing of
//! orders, and no port reconnects or retries by itself: an outage shows in the service that meets it.
//!
//! Read on in this order: [`runtime`], [`broker`], [`store`], [`files`], [`http`], [`telemetry`], [`log`], [`random`].

pub mod broker;
pub mod files;
pub mod http;
pub mod log;
pub mod random;
pub mod record;
pub mod runtime;
pub mod store;
pub mod telemetry;

use std::{future::Future, pin::Pin, sync::Arc};

pub use log::Log;
pub use random::Random;
pub use runtime::{Either, Elapsed, Engine, Failpoint, Failpoints, Node, Runtime, Task};
pub use telemetry::{Span, Telemetry};

/// A boxed future that may cross threads: the same service code runs on a multi-thread runtime.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The ports of one node. Cheap to clone: it is the state of every router and the first argument of every consumer.
#[derive(Clone)]
pub struct World {
    /// Clock, tasks and keyed randomness of this node.
    pub rt: Runtime,
    /// The message broker.
    pub broker: Arc<dyn broker::Broker>,
    /// The node's own database.
    pub store: Arc<dyn store::Store>,
    /// 3D model files.
    pub files: Arc<dyn files::Files>,
    /// Other services, and the way they reach this one.
    pub http: Arc<dyn http::Http>,
    /// Spans and log records of this node.
    pub telemetry: Telemetry,
}
