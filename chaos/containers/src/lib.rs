//! The containers world: the real stack, started for one run and removed after it, and the faults it can be given.
//!
//! This crate knows neither orders nor services: which roles run, with which environment, is configuration. In reading
//! order: [`config`] says what is wanted, [`stack`] starts it ([`alone`]: a broker by itself), [`nemesis`] breaks it, [`messages`] keeps account of the messages, [`testimony`]
//! reads the traces back. Whatever happens, [`run`] leaves nothing behind.

pub mod account;
pub mod alone;
pub mod config;
mod docker;
pub mod error;
mod image;
mod management;
pub mod messages;
pub mod nemesis;
mod parts;
pub mod run;
pub mod stack;
pub mod testimony;

pub use alone::Alone;
pub use config::{Config, Images, Limits, Rabbit, Role};
pub use error::Error;
pub use nemesis::ContainerNemesis;
pub use stack::Stack;
pub use testimony::Testimony;
