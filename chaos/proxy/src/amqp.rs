//! AMQP 0-9-1 between a client and a broker. Bytes pass as they are wherever nothing meddles; what a frame says is read only as
//! far as rules and log need it.

mod closing;
pub(crate) mod confirms;
mod downward;
pub(crate) mod frame;
#[cfg(test)]
mod fuzz;
pub(crate) mod header;
mod held;
mod meddle;
mod method;
pub(crate) mod session;
mod settle;
pub(crate) mod sink;
mod table;
mod upward;
