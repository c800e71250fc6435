//! A transaction, statement by statement.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
};

use tokio::sync::OwnedSemaphorePermit;
use world::{
    Boxed, Node,
    store::{Expect, Isolation, Row, Scan, StoreError, Table, Tx, Value},
};

use super::{Data, Database, Open, Step, Write};
use crate::runtime::lock;

/// A handle of an open transaction; dropping it rolls back.
pub(super) struct Handle {
    database: Database,
    node: Node,
    tx: u64,
    /// Free for the next one when this is gone.
    _connection: OwnedSemaphorePermit,
}

/// Begins a transaction.
pub(super) fn begin(database: &Database, node: Node, isolation: Isolation, connection: OwnedSemaphorePermit) -> Handle {
    let mut data = lock(&database.0.data);
    data.begun += 1;
    let tx = data.begun;
    let open =
        Open { isolation, snapshot: None, writes: Vec::new(), locks: Vec::new(), reserved: Vec::new(), waits: None, waker: None };
    data.open.insert(tx, open);
    Handle { database: database.clone(), node, tx, _connection: connection }
}

/// What Postgres says to every statement after one that failed.
fn aborted() -> StoreError {
    StoreError::Unavailable("25P02: current transaction is aborted".into())
}

impl Handle {
    /// One statement: a round trip, then steps until it is done.
    async fn statement<T>(&self, mut step: impl FnMut(&mut Data, u64) -> Step<T>) -> Result<T, StoreError> {
        self.database.spend(self.node, self.database.0.settings.round_trip).await;
        if self.database.is_ill(self.node) {
            self.database.before_statement(self.node).await.inspect_err(|_| self.abort())?;
        }
        let waiting = Waiting { handle: self };
        let mut woken = Vec::new();
        let result = poll_fn(|cx| {
            let mut data = lock(&waiting.handle.database.0.data);
            let Some(open) = data.open.get_mut(&self.tx) else { return Poll::Ready(Err(aborted())) };
            if open.waits.is_some() {
                open.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            data.snapshot(self.tx);
            let result = match step(&mut data, self.tx) {
                Step::Done(result) => result,
                Step::Wait => {
                    if let Some(open) = data.open.get_mut(&self.tx) {
                        open.waker = Some(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
            };
            // An update that found no row is no error to the database; every other one ends the transaction at once.
            if !matches!(result, Ok(_) | Err(StoreError::Conflict)) {
                data.release(self.tx, &mut woken);
            }
            Poll::Ready(result)
        })
        .await;
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// The transaction is over, without its writes.
    fn abort(&self) {
        let mut woken = Vec::new();
        lock(&self.database.0.data).release(self.tx, &mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    fn finish(&self) -> Result<(), StoreError> {
        let mut woken = Vec::new();
        let result = {
            let mut data = lock(&self.database.0.data);
            let ended = !data.open.contains_key(&self.tx);
            data.commit(self.tx, &mut woken);
            data.release(self.tx, &mut woken);
            if ended { Err(aborted()) } else { Ok(()) }
        };
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

/// A statement that may wait; given up, it leaves its queue.
struct Waiting<'a> {
    handle: &'a Handle,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.handle.database.0.data).stop_waiting(self.handle.tx);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.abort();
    }
}

impl Tx for Handle {
    fn get<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>> {
        Box::pin(self.statement(move |data, tx| Step::Done(data.get(tx, table, key))))
    }

    fn lock<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>> {
        Box::pin(self.statement(move |data, tx| data.read_to_write(tx, table, key)))
    }

    fn insert(&mut self, table: &'static Table, row: Row) -> Boxed<'_, Result<(), StoreError>> {
        let mut row = row;
        Box::pin(self.statement(move |data, tx| {
            let at = match data.table(table) {
                Ok(at) => at,
                Err(error) => return Step::Done(Err(error)),
            };
            data.insert(tx, at, &mut row)
        }))
    }

    fn update(&mut self, table: &'static Table, row: Row, expect: Expect) -> Boxed<'_, Result<(), StoreError>> {
        let mut row = row;
        Box::pin(self.statement(move |data, tx| match data.table(table) {
            Ok(at) => data.update(tx, at, &mut row, expect),
            Err(error) => Step::Done(Err(error)),
        }))
    }

    fn scan(&mut self, table: &'static Table, scan: Scan) -> Boxed<'_, Result<Vec<(Row, i64)>, StoreError>> {
        Box::pin(async move {
            let claim = scan.claim;
            self.database.look(self.node, table, &scan).await;
            let rows =
                self.statement(move |data, tx| Step::Done(data.table(table).and_then(|at| data.scan(tx, at, &scan)))).await?;
            Ok(if claim && self.database.is_ill(self.node) { self.database.seen(self.node, table, rows) } else { rows })
        })
    }

    fn commit(self: Box<Self>) -> Boxed<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let settings = self.database.0.settings;
            self.database.spend(self.node, settings.round_trip + settings.fsync).await;
            if self.database.is_ill(self.node) {
                // What fails is rolled back when this handle goes.
                self.database.before_statement(self.node).await?;
                self.database.at_commit(self.node, self.tx)?;
            }
            self.finish()
        })
    }
}

impl Data {
    /// Repeatable read: the first statement decides what the transaction sees.
    fn snapshot(&mut self, tx: u64) {
        let commits = self.commits;
        if let Some(open) = self.open.get_mut(&tx)
            && open.isolation == Isolation::RepeatableRead
            && open.snapshot.is_none()
        {
            open.snapshot = Some(commits);
            *self.snapshots.entry(commits).or_default() += 1;
        }
    }

    pub(super) fn own(&mut self, tx: u64, table: usize, slot: u32) -> Option<&mut Write> {
        let open = self.open.get_mut(&tx)?;
        open.writes.iter_mut().find(|write| write.table == table && write.slot == slot)
    }

    /// The place of a row: committed, or put in by this transaction.
    pub(super) fn slot(&self, tx: u64, table: usize, key: &Value) -> Option<u32> {
        if let Some(slot) = self.tables[table].by_key(key) {
            return Some(slot);
        }
        let open = self.open.get(&tx)?;
        open.writes.iter().find(|write| write.table == table && write.row[0] == *key).map(|write| write.slot)
    }

    pub(super) fn get(&mut self, tx: u64, table: &'static Table, key: &Value) -> Result<Option<(Row, i64)>, StoreError> {
        let at = self.table(table)?;
        let Some(slot) = self.slot(tx, at, key) else { return Ok(None) };
        if let Some(write) = self.own(tx, at, slot) {
            return Ok(Some((write.row.clone(), write.version)));
        }
        let snapshot = self.open.get(&tx).and_then(|open| open.snapshot);
        let seen = self.tables[at].slots[slot as usize].seen(snapshot);
        Ok(seen.map(|seen| (seen.row.clone(), seen.version)))
    }
}
