//! What a transaction writes, and what becomes of it.

use std::task::Waker;

use world::store::{Expect, Row, StoreError, Table, Value};

use super::{Data, Step, Wait, Write};

impl Data {
    /// Puts a row in, and takes it for that.
    pub(super) fn insert(&mut self, tx: u64, table: usize, row: &mut Row) -> Step<()> {
        let keys = self.tables[table].new_keys(row, None);
        match self.reserve(tx, table, keys, None) {
            Ok(true) => {}
            Ok(false) => return Step::Wait,
            Err(error) => return Step::Done(Err(error)),
        }
        let slot = self.tables[table].place(row);
        // Nobody else knows of the place: the lock is free.
        if let Err(error) = self.lock_row(tx, table, slot) {
            return Step::Done(Err(error));
        }
        if let Some(open) = self.open.get_mut(&tx) {
            open.writes.push(Write { table, slot, row: std::mem::take(row), version: 1 });
        }
        Step::Done(Ok(()))
    }

    /// Takes unique keys; `false`: another transaction has put one in, and is not over.
    fn reserve(&mut self, tx: u64, table: usize, keys: Vec<(usize, Box<[Value]>)>, own: Option<u32>) -> Result<bool, StoreError> {
        let rows = &self.tables[table];
        for (index, key) in &keys {
            if rows.owner(*index, key).is_some_and(|owner| Some(owner) != own) {
                return Err(StoreError::Duplicate(rows.table.name));
            }
        }
        let taken = |key: &(usize, Box<[Value]>)| rows.reserved.get(key).copied();
        let holders: Vec<u64> = keys.iter().filter_map(taken).collect();
        if holders.contains(&tx) && own.is_none() {
            return Err(StoreError::Duplicate(rows.table.name));
        }
        if let Some(holder) = holders.into_iter().find(|holder| *holder != tx) {
            self.wait_for(tx, Wait { holder, row: None })?;
            return Ok(false);
        }
        for (index, key) in keys {
            if self.tables[table].owner(index, &key).is_none() {
                self.tables[table].reserved.insert((index, key.clone()), tx);
                if let Some(open) = self.open.get_mut(&tx) {
                    open.reserved.push((table, index, key));
                }
            }
        }
        Ok(true)
    }

    /// Takes a row's lock, then reads it as it is.
    pub(super) fn read_to_write(&mut self, tx: u64, table: &'static Table, key: &Value) -> Step<Option<(Row, i64)>> {
        let at = match self.table(table) {
            Ok(at) => at,
            Err(error) => return Step::Done(Err(error)),
        };
        let Some(slot) = self.slot(tx, at, key) else { return Step::Done(Ok(None)) };
        match self.lock_row(tx, at, slot) {
            Ok(true) => {}
            Ok(false) => return Step::Wait,
            Err(error) => return Step::Done(Err(error)),
        }
        if self.changed_since(tx, at, slot) {
            return Step::Done(Err(StoreError::Serialization));
        }
        Step::Done(self.get(tx, table, key))
    }

    /// Whether somebody has committed a row after what a transaction sees: repeatable read writes no such row.
    fn changed_since(&self, tx: u64, table: usize, slot: u32) -> bool {
        let newest = self.tables[table].slots[slot as usize].newest.as_ref().map(|newest| newest.commit);
        let snapshot = self.open.get(&tx).and_then(|open| open.snapshot);
        newest.zip(snapshot).is_some_and(|(commit, at)| commit > at)
    }

    /// Replaces a row, and takes the new one for that.
    pub(super) fn update(&mut self, tx: u64, table: usize, row: &mut Row, expect: Expect) -> Step<()> {
        let Some(slot) = self.slot(tx, table, &row[0]) else { return Step::Done(Err(StoreError::Conflict)) };
        let mine = self.tables[table].slots[slot as usize].lock() == Some(tx);
        match self.lock_row(tx, table, slot) {
            Ok(true) => {}
            Ok(false) => return Step::Wait,
            Err(error) => return Step::Done(Err(error)),
        }
        let newest = self.tables[table].slots[slot as usize].newest.as_ref().map(|newest| newest.version);
        let version = self.own(tx, table, slot).map(|write| write.version).or(newest);
        let Some(version) = version else { return Step::Done(Err(StoreError::Conflict)) };
        if self.changed_since(tx, table, slot) {
            return Step::Done(Err(StoreError::Serialization));
        }
        if matches!(expect, Expect::Version(expected) if expected != version) {
            if !mine {
                self.give_back(tx, table, slot);
            }
            return Step::Done(Err(StoreError::Conflict));
        }
        let before = self.tables[table].slots[slot as usize].newest.as_ref().map(|newest| &newest.row);
        let keys = self.tables[table].new_keys(row, before);
        match self.reserve(tx, table, keys, Some(slot)) {
            Ok(true) => {}
            Ok(false) => return Step::Wait,
            Err(error) => return Step::Done(Err(error)),
        }
        match self.own(tx, table, slot) {
            Some(write) => {
                write.row = std::mem::take(row);
                write.version += 1;
            }
            None => {
                if let Some(open) = self.open.get_mut(&tx) {
                    open.writes.push(Write { table, slot, row: std::mem::take(row), version: version + 1 });
                }
            }
        }
        Step::Done(Ok(()))
    }

    /// An update that matched nothing holds no lock.
    fn give_back(&mut self, tx: u64, table: usize, slot: u32) {
        if let Some(open) = self.open.get_mut(&tx) {
            open.locks.retain(|held| *held != (table, slot));
        }
        let mut woken = Vec::new();
        self.unlock_row(table, slot, &mut woken);
        // Waking only queues a task, which locks nothing of this database.
        woken.into_iter().for_each(Waker::wake);
    }

    /// Makes what was written the newest versions.
    pub(super) fn commit(&mut self, tx: u64, woken: &mut Vec<Waker>) {
        let Some(open) = self.open.get_mut(&tx) else { return };
        let writes = std::mem::take(&mut open.writes);
        if writes.is_empty() {
            return;
        }
        self.commits += 1;
        let snapshots = !self.snapshots.is_empty();
        for write in writes {
            let table = &mut self.tables[write.table];
            table.loops.committed(&write.row, woken);
            table.commit(write.slot, write.row, write.version, self.commits, snapshots);
        }
    }
}
