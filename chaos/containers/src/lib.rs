//! The containers world: the real stack, for one run or kept open for several, and the faults it can be given.
//!
//! This crate knows neither orders nor services: which roles run, with which environment, is configuration. In reading
//! order: [`config`] says what is wanted, [`stack`] starts it (or takes a place at the [`open`] one; [`alone`]: a broker by
//! itself), [`nemesis`] breaks it (itself, or by the proxy of `detour`), `accident` names what else befell it, [`messages`] keeps account of the messages, [`shipping`] takes the logs to Elasticsearch, [`testimony`] reads
//! traces and logs back. Whatever
//! happens, [`run`] leaves nothing behind.

mod accident;
pub mod account;
pub mod alone;
pub mod config;
mod detour;
mod docker;
mod elastic;
pub mod error;
mod foundation;
mod guest;
mod image;
mod lock;
mod management;
pub mod messages;
pub mod nemesis;
pub mod open;
mod parts;
mod quarters;
mod removal;
mod retention;
pub mod run;
pub mod shipping;
pub mod stack;
pub mod testimony;
mod versions;
pub mod watch;

pub use alone::{Alone, Setup};
pub use config::{Blueprint, Config, Images, Limits, Rabbit, Role, Standing};
pub use error::Error;
pub use nemesis::ContainerNemesis;
pub use stack::Stack;
pub use testimony::Testimony;
pub use watch::{BrokerSeen, Lookout, Meter, Watch};
