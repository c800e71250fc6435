//! What happens: the scenario language, the load, the actors, the driver and the ledger.

pub mod actors;
pub mod apart;
pub mod classify;
pub mod driver;
pub mod language;
pub mod ledger;
pub mod lifecycle;
pub mod load;
mod numbers;
pub mod people;
pub mod scale;
pub mod stage;
pub mod truth;

pub use language::Scenario;
pub use people::People;
pub use stage::Stage;
