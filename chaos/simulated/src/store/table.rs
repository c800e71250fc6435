//! A table: its rows with their versions, and indexes over what is committed.

use std::collections::{BTreeMap, VecDeque};

use world::store::{Kind, Row, Table, Value};

use super::{
    hashed::{Hashed, hash},
    index::{Index, Place},
    poll::Loops,
};

/// The number of the primary key among the unique indexes.
pub(super) const PRIMARY: usize = usize::MAX;

/// A table's rows.
pub(super) struct Rows {
    pub(super) table: &'static Table,
    pub(super) slots: Vec<Slot>,
    free: Vec<u32>,
    primary: Hashed,
    unique: Vec<Hashed>,
    /// Keys that open transactions have put in.
    pub(super) reserved: BTreeMap<(usize, Box<[Value]>), u64>,
    indexes: Vec<Index>,
    serial: i64,
    /// Poll loops that look for rows of it.
    pub(super) loops: Loops,
}

/// A row's place.
#[derive(Default)]
pub(super) struct Slot {
    /// The newest committed version.
    pub(super) newest: Option<Version>,
    /// Versions that a snapshot may still ask for, the oldest first.
    older: Vec<Version>,
    /// Who has written or claimed it.
    pub(super) lock: Option<u64>,
    /// Who waits to write it.
    pub(super) queue: VecDeque<u64>,
}

/// A committed version of a row.
pub(super) struct Version {
    pub(super) row: Row,
    pub(super) version: i64,
    pub(super) commit: u64,
}

impl Slot {
    /// The version that a snapshot sees; the newest one without.
    pub(super) fn seen(&self, snapshot: Option<u64>) -> Option<&Version> {
        match snapshot {
            None => self.newest.as_ref(),
            Some(at) => self.newest.iter().chain(self.older.iter().rev()).find(|version| version.commit <= at),
        }
    }
}

fn same(columns: &[usize], a: &Row, b: &Row) -> bool {
    columns.iter().all(|column| a[*column] == b[*column])
}

fn key_hash(columns: &[usize], row: &Row) -> u32 {
    hash(columns.iter().map(|column| &row[*column]))
}

/// `NULL` is equal to nothing.
fn has_null(columns: &[usize], row: &Row) -> bool {
    columns.iter().any(|column| row[*column] == Value::Null)
}

impl Rows {
    pub(super) fn new(table: &'static Table) -> Self {
        Self {
            table,
            slots: Vec::new(),
            free: Vec::new(),
            primary: Hashed::default(),
            unique: table.unique.iter().map(|_| Hashed::default()).collect(),
            reserved: BTreeMap::new(),
            indexes: table.indexes.iter().map(|_| Index::default()).collect(),
            serial: 0,
            loops: Loops::default(),
        }
    }

    /// Whether the table numbers its rows itself.
    fn numbers(&self) -> bool {
        self.table.columns.first().is_some_and(|column| column.kind == Kind::Serial)
    }

    /// The next number, where the table numbers its rows itself.
    pub(super) fn number(&mut self, row: &mut Row) {
        if self.numbers() {
            self.serial += 1;
            row[0] = Value::Int(self.serial);
        }
    }

    /// A place for a new row.
    pub(super) fn place(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        })
    }

    /// Gives the place of a row back that was never committed.
    pub(super) fn abandon(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The newest committed row at a place that is in an index.
    fn row(&self, slot: u32) -> Option<&Row> {
        self.slots[slot as usize].newest.as_ref().map(|newest| &newest.row)
    }

    /// The committed row with this primary key.
    pub(super) fn by_key(&self, key: &Value) -> Option<u32> {
        self.primary.find(hash([key].into_iter()), |slot| self.row(slot).is_some_and(|row| row[0] == *key))
    }

    /// The unique keys that a row has and `before` has not: the primary key first. A number that nobody else can have is
    /// none of them.
    pub(super) fn new_keys(&self, row: &Row, before: Option<&Row>) -> Vec<(usize, Box<[Value]>)> {
        let mut keys = Vec::new();
        if before.is_none() && !self.numbers() {
            keys.push((PRIMARY, Box::from([row[0].clone()])));
        }
        for (number, columns) in self.table.unique.iter().enumerate() {
            if !has_null(columns, row) && before.is_none_or(|before| !same(columns, before, row)) {
                keys.push((number, columns.iter().map(|column| row[*column].clone()).collect()));
            }
        }
        keys
    }

    /// The committed row that has a unique key.
    pub(super) fn owner(&self, index: usize, key: &[Value]) -> Option<u32> {
        if index == PRIMARY {
            return self.by_key(&key[0]);
        }
        let columns = self.table.unique[index];
        let is = |slot| self.row(slot).is_some_and(|row| columns.iter().zip(key).all(|(column, value)| row[*column] == *value));
        self.unique[index].find(hash(key.iter()), is)
    }

    /// The places of an index whose first columns have these values, in the index' order.
    pub(super) fn group(&self, index: usize, values: &[&Value]) -> &[Place] {
        self.indexes[index].group(&self.slots, self.table.indexes[index], values)
    }

    /// Makes a version the newest one. Older ones are kept only while a snapshot is in use.
    pub(super) fn commit(&mut self, at: u32, row: Row, version: i64, commit: u64, snapshots: bool) {
        self.take_out(at, &row);
        let slot = &mut self.slots[at as usize];
        let before = slot.newest.replace(Version { row, version, commit });
        self.put_in(at, before.as_ref().map(|before| &before.row));
        let slot = &mut self.slots[at as usize];
        if snapshots {
            slot.older.extend(before);
        } else {
            slot.older.clear();
        }
    }

    /// Takes a row out of the indexes in which its next version has another place.
    fn take_out(&mut self, at: u32, after: &Row) {
        let Self { table, slots, unique, indexes, .. } = self;
        let Some(before) = slots[at as usize].newest.as_ref().map(|newest| &newest.row) else { return };
        for (columns, index) in table.unique.iter().zip(unique) {
            if !same(columns, before, after) {
                index.remove(key_hash(columns, before), at);
            }
        }
        for (columns, index) in table.indexes.iter().zip(indexes) {
            if !same(columns, before, after) {
                index.remove(slots, columns, before);
            }
        }
    }

    /// Puts the newest version into the indexes in which `before` has another place, or none.
    fn put_in(&mut self, at: u32, before: Option<&Row>) {
        let Self { table, slots, primary, unique, indexes, .. } = self;
        let Some(after) = slots[at as usize].newest.as_ref().map(|newest| &newest.row) else { return };
        if before.is_none() {
            primary.insert(hash([&after[0]].into_iter()), at);
        }
        let moved = |columns: &[usize]| before.is_none_or(|before| !same(columns, before, after));
        for (columns, index) in table.unique.iter().zip(unique) {
            if moved(columns) && !has_null(columns, after) {
                index.insert(key_hash(columns, after), at);
            }
        }
        for (columns, index) in table.indexes.iter().zip(indexes) {
            if moved(columns) {
                index.insert(slots, columns, after, at);
            }
        }
    }
}
