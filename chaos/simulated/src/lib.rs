//! The simulated world: the ports of crate `world` in one process, in virtual time, decided by a seed.
//!
//! An assembly makes a [`Simulation`], starts services on its nodes, and runs it slice by slice while it drains the spans.
//! The models know nothing of orders: the names of the headers and attributes that they report by are settings.
//!
//! Read on in this order: [`simulation`], [`models`], [`runtime`], [`broker`], [`management`], [`store`], [`http`], [`files`], [`telemetry`], the nemesis.

pub mod broker;
mod effects;
mod failpoints;
pub mod files;
pub mod http;
pub mod management;
pub mod models;
mod nemesis;
#[cfg(feature = "oracle")]
pub mod paused;
mod pile;
pub mod runtime;
pub mod simulation;
pub mod store;
pub mod telemetry;
mod waiters;
mod wire;

pub use broker::{BrokerSettings, Version};
pub use http::HttpSettings;
pub use management::Management;
pub use models::{Config, DRIVER, EPOCH_NS, Models, Start};
pub use runtime::{Executor, Limits, Pick, Pumped, Stats, Stopped};
pub use simulation::{Driven, Simulation};
pub use store::StoreSettings;
pub use telemetry::{Instrumentation, Journal, TelemetrySettings};
