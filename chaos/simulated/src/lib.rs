//! The simulated world: the ports of crate `world` in one process, in virtual time, decided by a seed.
//!
//! An assembly makes a [`Simulation`], starts services on its nodes, and runs it slice by slice while it drains the spans.
//! The models know nothing of orders: the names of the headers and attributes that they report by are settings.
//!
//! Read on in this order: [`simulation`], [`runtime`], [`broker`], [`store`], [`http`], [`files`], [`telemetry`], the nemesis.

pub mod broker;
mod effects;
pub mod files;
pub mod http;
mod nemesis;
pub mod runtime;
pub mod simulation;
pub mod store;
pub mod telemetry;
mod waiters;
mod wire;

pub use broker::BrokerSettings;
pub use http::HttpSettings;
pub use runtime::{Executor, Limits, Pick, Pumped, Stats, Stopped};
pub use simulation::{Config, DRIVER, Driven, EPOCH_NS, Simulation, Start};
pub use store::StoreSettings;
pub use telemetry::{Instrumentation, Journal, TelemetrySettings};
