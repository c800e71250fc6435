//! What happens: the scenario language, the load, the actors, the driver and the ledger.

pub mod stage;
pub mod truth;

pub use stage::Stage;
