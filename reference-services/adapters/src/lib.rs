//! The ports on real parts: tokio, RabbitMQ, Postgres, S3, sockets, OTLP.
//!
//! The files have the names of their twins in `chaos/simulated`, so a diff explains the simulation. What has no twin: the
//! [`journal`], by which a process says outside of itself what it did to messages (the ledger's side, never telemetry), the
//! [`control`] address, where it is told when the run begins and asked how much telemetry it has given, its [`logbook`], the
//! [`failpoints`] where it fails because it is told to, and the [`node`] that puts the ports of one process together.

pub mod broker;
pub mod control;
pub mod failpoints;
pub mod files;
pub mod http;
pub mod journal;
pub mod logbook;
pub mod node;
pub mod runtime;
#[cfg(test)]
mod shared;
pub mod store;
pub mod telemetry;
