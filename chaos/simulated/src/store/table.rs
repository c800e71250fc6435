//! A table: its rows with their versions, and indexes over what is committed.

use std::{cmp::Ordering, collections::BTreeMap, collections::VecDeque, task::Waker};

use world::store::{Kind, Row, Table, Value};

use super::hashed::{Hashed, hash};
use crate::waiters::Waiters;

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
    /// Commits that changed it.
    pub(super) changes: u64,
    /// Poll loops that wait for a change.
    pub(super) pollers: Waiters,
}

/// Places by the value of the first column; the places of one value in the order of the other columns, then the key.
#[derive(Default)]
struct Index {
    groups: Hashed,
    places: Vec<(Value, Vec<Place>)>,
}

/// A row in a group: what its next column says of its order, so that most comparisons need not look at the row.
#[derive(Clone, Copy)]
pub(super) struct Place {
    hint: u64,
    pub(super) slot: u32,
}

/// Smaller or equal for a smaller value.
fn hint(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::Int(number) => (1 << 62) | ((number.cast_unsigned() ^ (1 << 63)) >> 2),
        Value::Text(text) => {
            let mut first = [0; 8];
            let length = text.len().min(8);
            first[..length].copy_from_slice(&text.as_bytes()[..length]);
            (2 << 62) | (u64::from_be_bytes(first) >> 2)
        }
    }
}

/// The column that orders a group first.
fn next_column(columns: &[usize]) -> usize {
    columns.get(1).copied().unwrap_or(0)
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

/// The order within a group.
fn compare(columns: &[usize], a: &Row, b: &Row) -> Ordering {
    let by = |column: &usize| a[*column].cmp(&b[*column]);
    columns[1..].iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| a[0].cmp(&b[0]))
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

    /// The newest committed row at a place that is in an index.
    fn row(&self, slot: u32) -> Option<&Row> {
        self.slots[slot as usize].newest.as_ref().map(|newest| &newest.row)
    }

    /// The committed row with this primary key.
    pub(super) fn by_key(&self, key: &Value) -> Option<u32> {
        self.primary.find(hash([key].into_iter()), |slot| self.row(slot).is_some_and(|row| row[0] == *key))
    }

    /// The unique keys that a row has and `before` has not: the primary key first.
    pub(super) fn new_keys(&self, row: &Row, before: Option<&Row>) -> Vec<(usize, Box<[Value]>)> {
        let mut keys = Vec::new();
        if before.is_none() {
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

    /// The places of an index whose first column has a value, in the index' order.
    pub(super) fn group(&self, index: usize, first: &Value) -> &[Place] {
        let Index { groups, places } = &self.indexes[index];
        let found = groups.find(hash([first].into_iter()), |group| places[group as usize].0 == *first);
        found.map_or(&[], |group| &places[group as usize].1)
    }

    /// The part of a group whose next columns have these values.
    pub(super) fn within<'a>(&self, index: usize, group: &'a [Place], next: &[&Value]) -> &'a [Place] {
        let Some(second) = next.first().map(|value| hint(value)) else { return group };
        let columns = &self.table.indexes[index][1..];
        let compare = |place: &Place| {
            let row = self.row(place.slot);
            let by = |(column, value): (&usize, &&Value)| row.map_or(Ordering::Less, |row| row[*column].cmp(value));
            let full = || columns.iter().zip(next).map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
            place.hint.cmp(&second).then_with(full)
        };
        let begin = group.partition_point(|place| compare(place).is_lt());
        let end = group.partition_point(|place| compare(place).is_le());
        &group[begin..end]
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
        for (columns, Index { groups, places }) in table.indexes.iter().zip(indexes) {
            if same(columns, before, after) {
                continue;
            }
            let first = &before[columns[0]];
            let Some(group) = groups.find(hash([first].into_iter()), |group| places[group as usize].0 == *first) else {
                continue;
            };
            let group = &mut places[group as usize].1;
            let at = hint(&before[next_column(columns)]);
            if let Ok(place) = group.binary_search_by(|place| order(slots, columns, place, (at, before))) {
                group.remove(place);
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
        for (columns, Index { groups, places }) in table.indexes.iter().zip(indexes) {
            if !moved(columns) {
                continue;
            }
            let first = &after[columns[0]];
            let hash = hash([first].into_iter());
            let group = groups.find(hash, |group| places[group as usize].0 == *first).unwrap_or_else(|| {
                let group = u32::try_from(places.len()).unwrap_or(u32::MAX);
                groups.insert(hash, group);
                places.push((first.clone(), Vec::new()));
                group
            });
            let group = &mut places[group as usize].1;
            let hint = hint(&after[next_column(columns)]);
            let before = |place: &Place| order(slots, columns, place, (hint, after)).is_lt();
            // Most rows come in at the end.
            let place = if group.last().is_none_or(before) { group.len() } else { group.partition_point(before) };
            group.insert(place, Place { hint, slot: at });
        }
    }

    /// A commit changed the table: poll loops have something to look at.
    pub(super) fn changed(&mut self, woken: &mut Vec<Waker>) {
        self.changes += 1;
        woken.extend(self.pollers.take());
    }
}

/// How the row at a place stands to another one in an index.
fn order(slots: &[Slot], columns: &[usize], place: &Place, (hint, row): (u64, &Row)) -> Ordering {
    let newest = || slots[place.slot as usize].newest.as_ref();
    place.hint.cmp(&hint).then_with(|| newest().map_or(Ordering::Less, |newest| compare(columns, &newest.row, row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_never_contradicts_the_order_of_values() {
        let text = |text: &str| Value::text(text);
        let values = [
            Value::Null,
            Value::Int(i64::MIN),
            Value::Int(-5),
            Value::Int(0),
            Value::Int(3),
            Value::Int(4),
            Value::Int(i64::MAX),
            text(""),
            text("a"),
            text("a longer text"),
            text("a longer text, and more"),
            text("b"),
            text("\u{10ffff}"),
        ];
        for pair in values.windows(2) {
            assert!(pair[0] < pair[1] && hint(&pair[0]) <= hint(&pair[1]), "{pair:?}");
        }
        assert!(hint(&values[3]) < hint(&values[5]));
    }
}
