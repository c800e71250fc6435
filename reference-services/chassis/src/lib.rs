//! What the services are mounted on: how a request is taken in and answered, how a transition is recorded, how an event is
//! published, how a consumer is kept alive.
//!
//! Nothing in here knows a particular service. Read on in the order an order meets it: [`call`], [`step`], [`announce`],
//! [`publisher`], [`outbox`], [`consumer`], [`inbound`]. What is described on a span is in [`describe`], what the log says in
//! [`log`], what is refused and how in [`refusal`]; whether a service can do its work says [`health`], and how it ends [`shutdown`].
//! [`planted`] holds bugs that tests put in.

pub mod announce;
pub mod call;
pub mod consumer;
pub mod describe;
pub mod health;
pub mod inbound;
pub mod list;
pub mod log;
pub mod outbox;
pub mod planted;
pub mod proxy;
pub mod publisher;
pub mod record;
pub mod refusal;
pub mod service;
pub mod shutdown;
pub mod step;
pub mod tries;
pub mod wait;
pub mod wire;

pub use announce::announce;
pub use call::{Call, Entry, Route};
pub use consumer::{Handled, Handler, consume};
pub use health::Need;
pub use inbound::Inbound;
pub use record::Moved;
pub use refusal::Refusal;
pub use service::{Service, StartError};
pub use step::step;
pub use tries::Tries;
