//! Fault proxies: between services and their broker, frame by frame; between services and anything else that speaks over TCP.
//!
//! Nothing changes while no rule is in force. A rule ([`api::Rule`]) belongs to a fault and says who is hit and how; each hit
//! leaves an [`api::Effect`], and each message that passes leaves its [`api::Line`]s for the ledger. What a rule does to a message
//! is what the simulated world does to it (`chaos/simulated/src/broker/meddle.rs`), and it is drawn alike.

mod amqp;
pub mod api;
mod connection;
pub mod control;
mod flows;
mod handle;
mod machine;
mod pump;
mod records;
mod rules;
mod server;
mod shape;
mod shared;

pub use server::{Error, Proxy};
