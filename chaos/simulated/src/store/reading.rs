//! What a scan costs besides its round trip, from a count: how many rows it looks at, by an index or one after the other.

use std::{sync::Arc, time::Duration};

use faults::{DatabaseFault, What};
use world::{
    Node,
    store::{Scan, Table},
};

use super::{
    Data, Database,
    scan::{Way, first, way},
};
use crate::{models::DRIVER, runtime::lock};

/// The table that grows with the years.
const ORDERS: &str = "orders";

/// What a scan looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    /// At so many rows, which an index or a key gives.
    At(u64),
    /// At all rows of the table, which are so many.
    AtAll(u64),
}

impl Database {
    /// Lets the time pass that a scan takes to look at its rows. Whoever keeps the ledger looks at them for nothing.
    pub(super) async fn look(&self, node: Node, table: &'static Table, scan: &Scan) {
        if node == DRIVER {
            return;
        }
        let looks = lock(&self.0.data).looks(table, scan);
        let takes = |rows: u64| Duration::from_millis(rows / self.0.settings.rows_per_ms);
        let (rows, grown) = match looks {
            Looks::At(rows) => (rows, Vec::new()),
            Looks::AtAll(rows) => (rows, self.grown(node, table)),
        };
        let more: u64 = grown.iter().map(|(_, rows)| rows).sum();
        if takes(rows + more) > Duration::ZERO {
            self.spend(node, takes(rows + more)).await;
        }
        if takes(rows + more) > takes(rows) {
            let slowed = || What::StatementSlowed { database: self.name().into(), node: node.to_string() };
            grown.iter().for_each(|(fault, _)| self.hit(fault, node, slowed()));
        }
    }

    /// The faults that have let a table grow, and by how many rows.
    fn grown(&self, node: Node, table: &Table) -> Vec<(Arc<str>, u64)> {
        if table.name != ORDERS || !self.is_ill(node) {
            return Vec::new();
        }
        let rows = |(fault, how)| if let DatabaseFault::Grown(rows) = how { Some((fault, rows)) } else { None };
        self.ailing().into_iter().filter_map(rows).collect()
    }

    /// Tells that the table has grown.
    pub(super) fn tell_growth(&self, fault: &str, how: DatabaseFault) {
        if let DatabaseFault::Grown(rows) = how {
            let what = What::TableGrown { database: self.name().into(), table: ORDERS.into(), rows };
            self.hit(fault, DRIVER, what);
        }
    }
}

impl Data {
    fn looks(&self, table: &'static Table, scan: &Scan) -> Looks {
        let Ok(at) = self.table(table) else { return Looks::At(0) };
        let rows = &self.tables[at];
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        match way(rows, scan) {
            Way::Key(_) => Looks::At(1),
            // The model keeps the index all the same, to be quick: it is not there for whoever pays.
            Way::Index { number, prefix, ordered } if rows.table.indexed => {
                let group = rows.group(number, &first(scan, rows.table.indexes[number], prefix)).len();
                let enough = scan.limit.filter(|_| ordered).map_or(group, |limit| limit.saturating_add(scan.offset));
                Looks::At(count(group.min(enough)))
            }
            Way::Index { .. } | Way::All => Looks::AtAll(count(rows.slots.len())),
        }
    }
}
