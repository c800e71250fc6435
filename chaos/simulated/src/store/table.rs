//! A table: its rows with their versions, and indexes over what is committed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, vec_deque},
    num::NonZeroU64,
};

use world::store::{Kind, Row, Table, Value};

use super::{
    hashed::{Hashed, hash},
    index::{Index, Place},
    poll::Loops,
};
use crate::pile::Pile;

/// The number of the primary key among the unique indexes.
pub(super) const PRIMARY: usize = usize::MAX;

/// A table's rows.
pub(super) struct Rows {
    pub(super) table: &'static Table,
    pub(super) slots: Pile<Slot>,
    free: Vec<u32>,
    primary: Hashed,
    unique: Vec<Hashed>,
    /// Keys that open transactions have put in.
    pub(super) reserved: BTreeMap<(usize, Box<[Value]>), u64>,
    indexes: Vec<Index>,
    /// What whoever claims rows does not see: a fault has let them look past it.
    pub(super) overlooked: BTreeSet<u32>,
    /// Poll loops that look for rows of it.
    pub(super) loops: Loops,
}

/// A row's place. There are millions: what few of them have is kept elsewhere.
#[derive(Default)]
pub(super) struct Slot {
    /// The newest committed version.
    pub(super) newest: Option<Version>,
    /// Who has written or claimed it.
    lock: Option<NonZeroU64>,
    rare: Option<Box<Rare>>,
}

/// What few rows have.
#[derive(Default)]
struct Rare {
    /// Versions that a snapshot may still ask for, the oldest first.
    older: Vec<Version>,
    /// Who waits to write it.
    queue: VecDeque<u64>,
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
            Some(at) => {
                let older = self.rare.iter().flat_map(|rare| rare.older.iter().rev());
                self.newest.iter().chain(older).find(|version| version.commit <= at)
            }
        }
    }

    /// The transaction that has written or claimed it.
    pub(super) fn lock(&self) -> Option<u64> {
        self.lock.map(NonZeroU64::get)
    }

    /// Gives it to a transaction, or to none. Transactions count from 1.
    pub(super) fn hand_to(&mut self, tx: Option<u64>) {
        self.lock = tx.and_then(NonZeroU64::new);
    }

    /// Queues up for it.
    pub(super) fn queue_up(&mut self, tx: u64) {
        let queue = &mut self.rare.get_or_insert_default().queue;
        if !queue.contains(&tx) {
            queue.push_back(tx);
        }
    }

    /// Leaves its queue.
    pub(super) fn leave_queue(&mut self, tx: u64) {
        if let Some(rare) = &mut self.rare {
            rare.queue.retain(|waiting| *waiting != tx);
        }
    }

    /// The next in its queue.
    pub(super) fn next_in_queue(&mut self) -> Option<u64> {
        self.rare.as_mut()?.queue.pop_front()
    }

    /// Those in its queue.
    pub(super) fn queue(&self) -> impl Iterator<Item = u64> {
        self.rare.iter().flat_map(|rare| rare.queue.iter().copied())
    }

    /// Keeps the version that was the newest, if a snapshot may ask for it: else for none before it either.
    fn keep(&mut self, before: Option<Version>) {
        match (before, &mut self.rare) {
            (Some(before), rare) => rare.get_or_insert_default().older.push(before),
            (None, Some(rare)) => rare.older.clear(),
            (None, None) => {}
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
            slots: Pile::default(),
            free: Vec::new(),
            primary: Hashed::default(),
            unique: table.unique.iter().map(|_| Hashed::default()).collect(),
            reserved: BTreeMap::new(),
            indexes: table.indexes.iter().map(|_| Index::default()).collect(),
            overlooked: BTreeSet::new(),
            loops: Loops::default(),
        }
    }

    /// Whether the table numbers its rows itself. A row's number is then its place, counted from 1: it needs no index, and
    /// a place is never used again, as no number is.
    pub(super) fn numbers(&self) -> bool {
        self.table.columns.first().is_some_and(|column| column.kind == Kind::Serial)
    }

    /// A place for a new row; its number too, where the table numbers its rows itself.
    pub(super) fn place(&mut self, row: &mut Row) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        if self.numbers() {
            row[0] = Value::Int(i64::from(place) + 1);
        }
        place
    }

    /// Gives the place of a row back that was never committed.
    pub(super) fn abandon(&mut self, slot: u32) {
        if !self.numbers() {
            self.free.push(slot);
        }
    }

    /// The place of the row with a number, where the table numbers its rows itself.
    pub(super) fn numbered(&self, key: &Value) -> Option<u32> {
        let Value::Int(number) = key else { return None };
        u32::try_from(*number).ok()?.checked_sub(1)
    }

    /// The newest committed row at a place that is in an index.
    fn row(&self, slot: u32) -> Option<&Row> {
        self.slots[slot as usize].newest.as_ref().map(|newest| &newest.row)
    }

    /// The committed row with this primary key.
    pub(super) fn by_key(&self, key: &Value) -> Option<u32> {
        if self.numbers() {
            let there = |slot: &u32| self.slots.get(*slot as usize).is_some_and(|slot| slot.newest.is_some());
            return self.numbered(key).filter(there);
        }
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
    pub(super) fn group(&self, index: usize, values: &[&Value]) -> vec_deque::Iter<'_, Place> {
        self.indexes[index].group(&self.slots, self.table.indexes[index], values)
    }

    /// Makes a version the newest one. Older ones are kept only while a snapshot is in use.
    pub(super) fn commit(&mut self, at: u32, row: Row, version: i64, commit: u64, snapshots: bool) {
        self.take_out(at, &row);
        let before = self.slots[at as usize].newest.replace(Version { row, version, commit });
        self.put_in(at, before.as_ref().map(|before| &before.row));
        self.slots[at as usize].keep(before.filter(|_| snapshots));
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
        let numbers = table.columns.first().is_some_and(|column| column.kind == Kind::Serial);
        if before.is_none() && !numbers {
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
