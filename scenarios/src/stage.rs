//! What a world offers the driver.

use std::sync::Arc;

use faults::{MessageLog, Nemesis};
use world::{World, store::Store};

use crate::apart::Line;

/// A world that is up: services serve and consume, queues are declared.
#[derive(Clone)]
pub struct Stage {
    /// The driver's own node: its clock, and HTTP to the services. Its broker, store and files are not used.
    pub world: World,
    /// Shop DB: actors notice changes by it, the ledger reads it.
    pub shop: Arc<dyn Store>,
    /// MES DB.
    pub mes: Arc<dyn Store>,
    /// Whoever inflicts the faults.
    pub nemesis: Arc<dyn Nemesis>,
    /// The account of all messages.
    pub messages: Arc<dyn MessageLog>,
    /// The line to sellers, operators and customers who ask, where another process plays them; else the driver does.
    pub people: Option<Arc<Line>>,
}
