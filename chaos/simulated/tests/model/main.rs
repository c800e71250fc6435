//! What the models promise, rule by rule.

mod broker;
mod conservation;
mod executor;
mod http;
mod kill_losses;
mod nemesis;
mod oracle;
mod stage;
mod store;
mod telemetry;
