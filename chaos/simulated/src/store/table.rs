//! A table: its rows with their versions, and indexes over what is committed.

use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
};

use world::store::{Kind, Row, Table, Value};

use crate::waiters::Waiters;

/// The number of the primary key among the unique indexes.
pub(super) const PRIMARY: usize = usize::MAX;

/// The key columns after the first one, then the primary key.
type Rest = BTreeMap<Box<[Value]>, u32>;

/// A table's rows.
pub(super) struct Rows {
    pub(super) table: &'static Table,
    pub(super) slots: Vec<Slot>,
    free: Vec<u32>,
    pub(super) primary: BTreeMap<Value, u32>,
    unique: Vec<BTreeMap<Box<[Value]>, u32>>,
    /// Keys that open transactions have put in.
    pub(super) reserved: BTreeMap<(usize, Box<[Value]>), u64>,
    /// By the first column, then by the rest.
    pub(super) indexes: Vec<BTreeMap<Value, Rest>>,
    serial: i64,
    /// Commits that changed it.
    pub(super) changes: u64,
    /// Poll loops that wait for a change.
    pub(super) pollers: Waiters,
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

impl Rows {
    pub(super) fn new(table: &'static Table) -> Self {
        Self {
            table,
            slots: Vec::new(),
            free: Vec::new(),
            primary: BTreeMap::new(),
            unique: table.unique.iter().map(|_| BTreeMap::new()).collect(),
            reserved: BTreeMap::new(),
            indexes: table.indexes.iter().map(|_| BTreeMap::new()).collect(),
            serial: 0,
            changes: 0,
            pollers: Waiters::default(),
        }
    }

    /// The next number, where the table numbers its rows itself.
    pub(super) fn number(&mut self, row: &mut Row) {
        if self.table.columns.first().is_some_and(|column| column.kind == Kind::Serial) {
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

    /// The unique keys of a row: primary key first. `NULL` is equal to nothing.
    pub(super) fn keys(&self, row: &Row) -> Vec<(usize, Box<[Value]>)> {
        let mut keys = vec![(PRIMARY, Box::from([row[0].clone()]))];
        for (number, columns) in self.table.unique.iter().enumerate() {
            let key: Box<[Value]> = columns.iter().map(|column| row[*column].clone()).collect();
            if !key.contains(&Value::Null) {
                keys.push((number, key));
            }
        }
        keys
    }

    /// The committed row that has a unique key.
    pub(super) fn owner(&self, index: usize, key: &[Value]) -> Option<u32> {
        if index == PRIMARY { self.primary.get(&key[0]) } else { self.unique[index].get(key) }.copied()
    }

    /// Makes a version the newest one. Older ones are kept only while a snapshot is in use.
    pub(super) fn commit(&mut self, at: u32, row: Row, version: i64, commit: u64, snapshots: bool) {
        let before = self.slots[at as usize].newest.take();
        self.index(at, before.as_ref().map(|before| &before.row), &row);
        let slot = &mut self.slots[at as usize];
        if snapshots {
            slot.older.extend(before);
        } else {
            slot.older.clear();
        }
        slot.newest = Some(Version { row, version, commit });
    }

    fn index(&mut self, at: u32, before: Option<&Row>, after: &Row) {
        if before.is_none() {
            self.primary.insert(after[0].clone(), at);
        }
        for (columns, index) in self.table.unique.iter().zip(&mut self.unique) {
            let key = |row: &Row| columns.iter().map(|column| row[*column].clone()).collect::<Box<[Value]>>();
            if let Some(before) = before {
                if columns.iter().all(|column| before[*column] == after[*column]) {
                    continue;
                }
                index.remove(&key(before));
            }
            let key = key(after);
            if !key.contains(&Value::Null) {
                index.insert(key, at);
            }
        }
        for (columns, index) in self.table.indexes.iter().zip(&mut self.indexes) {
            let rest = |row: &Row| {
                let rest = columns[1..].iter().map(|column| row[*column].clone());
                rest.chain([row[0].clone()]).collect::<Box<[Value]>>()
            };
            if let Some(before) = before {
                if columns.iter().all(|column| before[*column] == after[*column]) {
                    continue;
                }
                if let Some(entries) = index.get_mut(&before[columns[0]]) {
                    entries.remove(&rest(before));
                }
            }
            index.entry(after[columns[0]].clone()).or_default().insert(rest(after), at);
        }
    }

    /// A commit changed the table: poll loops have something to look at.
    pub(super) fn changed(&mut self, woken: &mut Vec<Waker>) {
        self.changes += 1;
        woken.extend(self.pollers.take());
    }
}
