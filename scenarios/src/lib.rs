//! What happens: the scenario language, the load, the actors, the driver and the ledger.

pub mod language;
pub mod load;
pub mod people;
pub mod stage;
pub mod truth;

pub use language::Scenario;
pub use people::People;
pub use stage::Stage;
