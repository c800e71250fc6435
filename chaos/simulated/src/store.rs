//! Databases in memory, with the isolation that Postgres has: read committed and repeatable read, row locks that writers
//! wait for, unique indexes that see what is not committed yet, deadlocks, rows claimed with `SKIP LOCKED`.
//!
//! A statement costs one round trip, and a scan the rows that it looks at besides. It takes effect at its end. Readers never wait.

mod ailment;
mod hashed;
mod index;
mod locks;
mod poll;
mod pool;
mod reading;
mod scan;
mod table;
mod tx;
mod write;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    task::Waker,
    time::Duration,
};

use world::{
    Boxed, Engine, Node, Runtime,
    store::{Isolation, Row, Store, StoreError, Table, Tx, Value},
};

use crate::{
    effects::Effects,
    runtime::{Host, lock, spend},
};
use ailment::Ailments;
use pool::Pool;
use table::Rows;

/// What statements cost. Durations are whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Each statement and each commit.
    pub round_trip: Duration,
    /// Each commit besides.
    pub fsync: Duration,
    /// How many rows a scan looks at within a millisecond. Postgres 17 looked at 10,000 orders in its buffers in 2.0 to 2.8 ms, and
    /// at 100,000 in 26 to 31 ms.
    pub rows_per_ms: u64,
    /// How many transactions each node may have open at a time.
    pub connections: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        let ms = Duration::from_millis(1);
        Self { round_trip: ms, fsync: ms, rows_per_ms: 3_500, connections: 16 }
    }
}

/// One database. Clones are handles of the same one.
#[derive(Clone)]
pub(crate) struct Database(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    settings: StoreSettings,
    data: Mutex<Data>,
    ailments: Ailments,
}

/// Everything in it.
#[derive(Default)]
struct Data {
    tables: Vec<Rows>,
    /// Commits so far: what a snapshot is taken of.
    commits: u64,
    open: BTreeMap<u64, Open>,
    begun: u64,
    /// Snapshots in use, and by how many.
    snapshots: BTreeMap<u64, usize>,
}

/// An open transaction.
struct Open {
    isolation: Isolation,
    snapshot: Option<u64>,
    writes: Vec<Write>,
    locks: Vec<(usize, u32)>,
    reserved: Vec<(usize, usize, Box<[Value]>)>,
    waits: Option<Wait>,
    waker: Option<Waker>,
}

/// What a transaction waits for: another one's end, and in which row's queue.
#[derive(Clone, Copy)]
struct Wait {
    holder: u64,
    row: Option<(usize, u32)>,
}

/// A row that is not committed yet.
struct Write {
    table: usize,
    slot: u32,
    row: Row,
    version: i64,
}

/// What a step of a statement comes to.
enum Step<T> {
    Done(Result<T, StoreError>),
    Wait,
}

impl Database {
    /// An empty database.
    pub(crate) fn new(host: &Arc<dyn Host>, settings: StoreSettings, name: &'static str, effects: Effects) -> Self {
        let ailments = Ailments::none(name, effects);
        Self(Arc::new(Inner { host: Arc::clone(host), settings, data: Mutex::default(), ailments }))
    }

    /// The database as a node sees it.
    pub(crate) fn port(&self, node: Node) -> Arc<dyn Store> {
        let engine: Arc<dyn Engine> = Arc::clone(&self.0.host) as _;
        let pool = Pool::new(Runtime::new(engine, node), self.0.settings.connections);
        Arc::new(Port { database: self.clone(), node, pool })
    }

    async fn spend(&self, node: Node, time: Duration) {
        spend(&self.0.host, node, time).await;
    }
}

impl Data {
    fn table(&self, table: &'static Table) -> Result<usize, StoreError> {
        let found = self.tables.iter().position(|rows| std::ptr::eq(rows.table, table) || rows.table.name == table.name);
        found.ok_or_else(|| StoreError::Unavailable(format!("42P01: relation \"{}\" does not exist", table.name)))
    }
}

/// The database as one node sees it.
struct Port {
    database: Database,
    node: Node,
    pool: Pool,
}

impl Store for Port {
    fn migrate<'a>(&'a self, tables: &'a [&'static Table]) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.database.spend(self.node, self.database.0.settings.round_trip).await;
            let mut data = lock(&self.database.0.data);
            for table in tables {
                if data.table(table).is_err() {
                    data.tables.push(Rows::new(table));
                }
            }
            Ok(())
        })
    }

    fn begin(&self, isolation: Isolation) -> Boxed<'_, Result<Box<dyn Tx>, StoreError>> {
        Box::pin(async move {
            if self.database.is_ill(self.node) {
                self.database.before_begin(self.node).await?;
            }
            let connection = self.pool.lease().await?;
            Ok(Box::new(tx::begin(&self.database, self.node, isolation, connection)) as Box<dyn Tx>)
        })
    }

    fn poll<'a>(&'a self, table: &'static Table, wanted: &'a [(usize, Value)], every: Duration) -> Boxed<'a, ()> {
        Box::pin(poll::turn(&self.database, self.node, table, wanted, every))
    }
}
