//! A store that has one transaction at a time: the simplest that is right about what is written, and not what a Postgres is.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Mutex, OwnedMutexGuard};
use world::{
    Boxed, World,
    store::{Expect, Isolation, Row, Scan, Store, StoreError, Table, Tx, Value},
};

/// A store whose transactions hold one lock, from the first statement to the end.
struct OneLock {
    store: Arc<dyn Store>,
    lock: Arc<Mutex<()>>,
}

/// The world with such a store.
pub(crate) fn under_one_lock(world: World) -> World {
    let store = Arc::new(OneLock { store: Arc::clone(&world.store), lock: Arc::default() });
    World { store, ..world }
}

/// A transaction: it ends before it lets the lock go.
struct Alone {
    tx: Box<dyn Tx>,
    lock: Arc<Mutex<()>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Alone {
    async fn tx(&mut self) -> &mut dyn Tx {
        if self.held.is_none() {
            self.held = Some(Arc::clone(&self.lock).lock_owned().await);
        }
        &mut *self.tx
    }
}

impl Store for OneLock {
    fn migrate<'a>(&'a self, tables: &'a [&'static Table]) -> Boxed<'a, Result<(), StoreError>> {
        self.store.migrate(tables)
    }

    fn begin(&self, isolation: Isolation) -> Boxed<'_, Result<Box<dyn Tx>, StoreError>> {
        Box::pin(async move {
            let tx = self.store.begin(isolation).await?;
            Ok(Box::new(Alone { tx, lock: Arc::clone(&self.lock), held: None }) as Box<dyn Tx>)
        })
    }

    fn poll<'a>(&'a self, table: &'static Table, wanted: &'a [(usize, Value)], every: Duration) -> Boxed<'a, ()> {
        self.store.poll(table, wanted, every)
    }
}

impl Tx for Alone {
    fn get<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>> {
        Box::pin(async move { self.tx().await.get(table, key).await })
    }

    fn lock<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>> {
        Box::pin(async move { self.tx().await.lock(table, key).await })
    }

    fn insert(&mut self, table: &'static Table, row: Row) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move { self.tx().await.insert(table, row).await })
    }

    fn update(&mut self, table: &'static Table, row: Row, expect: Expect) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move { self.tx().await.update(table, row, expect).await })
    }

    fn scan(&mut self, table: &'static Table, scan: Scan) -> Boxed<'_, Result<Vec<(Row, i64)>, StoreError>> {
        Box::pin(async move { self.tx().await.scan(table, scan).await })
    }

    fn commit(self: Box<Self>) -> Boxed<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let Self { tx, held, .. } = *self;
            let committed = tx.commit().await;
            drop(held);
            committed
        })
    }
}
