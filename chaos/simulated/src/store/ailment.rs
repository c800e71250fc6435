//! What may be wrong with a database for a while. It hits the services alone: whoever keeps the ledger reads on.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use faults::{DatabaseFault, What};
use world::{
    Node,
    random::Random,
    store::{Row, StoreError, Table, Value},
};

use super::{Data, Database, pool::CONNECT};
use crate::{effects::Effects, models::DRIVER, runtime::lock};

/// The column that says which order a row is about, in tables whose key does not.
const ORDER_ID: &str = "order_id";

/// All that is wrong at present.
pub(super) struct Ailments {
    any: AtomicBool,
    active: Mutex<Vec<(Arc<str>, DatabaseFault)>>,
    effects: Effects,
    name: &'static str,
}

impl Ailments {
    pub(super) fn none(name: &'static str, effects: Effects) -> Self {
        Self { any: AtomicBool::new(false), active: Mutex::default(), effects, name }
    }
}

impl Database {
    /// Something is wrong from now on.
    pub(crate) fn falls_ill(&self, fault: &Arc<str>, how: DatabaseFault) {
        let ailments = &self.0.ailments;
        lock(&ailments.active).push((Arc::clone(fault), how));
        ailments.any.store(true, Relaxed);
        self.tell_growth(fault, how);
    }

    /// A fault is over.
    pub(crate) fn recovers(&self, fault: &str) {
        let ailments = &self.0.ailments;
        let mut active = lock(&ailments.active);
        active.retain(|(name, _)| &**name != fault);
        ailments.any.store(!active.is_empty(), Relaxed);
    }

    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        self.0.ailments.name
    }

    /// Whether anything is wrong for a node.
    pub(super) fn is_ill(&self, node: Node) -> bool {
        self.0.ailments.any.load(Relaxed) && node != DRIVER
    }

    /// What a transaction meets before it begins.
    pub(super) async fn before_begin(&self, node: Node) -> Result<(), StoreError> {
        for (fault, how) in self.ailing() {
            match how {
                DatabaseFault::Down => return Err(self.fails(&fault, node, "57P01: the database is shutting down")),
                DatabaseFault::Exhausted => {
                    self.spend(node, CONNECT).await;
                    return Err(self.fails(&fault, node, "53300: no connection became free in time"));
                }
                DatabaseFault::Slow(_) | DatabaseFault::Conflicts(_) | DatabaseFault::Overlooked(_) | DatabaseFault::Grown(_) => {
                }
            }
        }
        Ok(())
    }

    /// What a statement meets.
    pub(super) async fn before_statement(&self, node: Node) -> Result<(), StoreError> {
        for (fault, how) in self.ailing() {
            match how {
                DatabaseFault::Down => return Err(self.fails(&fault, node, "57P01: the database is shutting down")),
                DatabaseFault::Slow(takes) => {
                    self.spend(node, takes).await;
                    self.hit(&fault, node, What::StatementSlowed { database: self.name().into(), node: node.to_string() });
                }
                DatabaseFault::Exhausted
                | DatabaseFault::Conflicts(_)
                | DatabaseFault::Overlooked(_)
                | DatabaseFault::Grown(_) => {}
            }
        }
        Ok(())
    }

    /// What a commit meets; `tx` numbers the transaction.
    pub(super) fn at_commit(&self, node: Node, tx: u64) -> Result<(), StoreError> {
        for (fault, how) in self.ailing() {
            if let DatabaseFault::Conflicts(share) = how
                && Random::new(self.0.host.seed(), &fault, &format!("{tx}")).unit() < share
            {
                self.failed(&fault, node, "40001");
                return Err(StoreError::Serialization);
            }
        }
        Ok(())
    }

    /// What whoever claims rows of a table sees of those that it would get.
    pub(super) fn seen(&self, node: Node, table: &'static Table, mut rows: Vec<(Row, i64)>) -> Vec<(Row, i64)> {
        for (fault, how) in self.ailing() {
            let DatabaseFault::Overlooked(share) = how else { continue };
            rows.retain(|(row, _)| {
                let key = row[0].to_string();
                let seen = Random::new(self.0.host.seed(), &fault, &format!("{} {key}", table.name)).unit() >= share;
                if !seen {
                    lock(&self.0.data).overlook(table, &row[0]);
                    let order = table
                        .columns
                        .iter()
                        .position(|column| column.name == ORDER_ID)
                        .map_or_else(|| key.clone(), |at| row[at].to_string());
                    self.hit(&fault, node, What::RowOverlooked { table: table.name.to_owned(), key, order });
                }
                seen
            });
        }
        rows
    }

    pub(super) fn ailing(&self) -> Vec<(Arc<str>, DatabaseFault)> {
        lock(&self.0.ailments.active).clone()
    }

    fn fails(&self, fault: &Arc<str>, node: Node, why: &str) -> StoreError {
        self.failed(fault, node, why.split(':').next().unwrap_or(why));
        StoreError::Unavailable(why.to_owned())
    }

    fn failed(&self, fault: &Arc<str>, node: Node, sqlstate: &str) {
        let (database, node_name) = (self.name().to_owned(), node.to_string());
        self.hit(fault, node, What::StatementFailed { database, node: node_name, sqlstate: sqlstate.to_owned() });
    }

    pub(super) fn hit(&self, fault: &str, node: Node, what: What) {
        self.0.ailments.effects.add(fault, self.0.host.wall_ns(node), what, None);
    }
}

impl Data {
    /// Nobody who claims rows sees this one any more.
    fn overlook(&mut self, table: &'static Table, key: &Value) {
        if let Ok(at) = self.table(table)
            && let Some(slot) = self.tables[at].by_key(key)
        {
            self.tables[at].overlooked.insert(slot);
        }
    }
}
