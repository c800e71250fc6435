//! What the services promise each other about an order: states, messages, tables, requests, span attributes, log fields.
//!
//! No name in here speaks of a fault, a fate or a truth: this is all that a service may say.

pub mod architecture;
pub mod attributes;
pub mod json;
pub mod logs;
pub mod message;
pub mod request;
pub mod services;
pub mod settings;
pub mod status;
pub mod tables;

pub use architecture::Architecture;
pub use message::OrderEvent;
pub use settings::Settings;
pub use status::Status;
