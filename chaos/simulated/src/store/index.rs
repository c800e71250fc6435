//! An index that is not unique: places in groups by the first column, each group in order.

use std::{
    cmp::Ordering,
    collections::{VecDeque, vec_deque},
};

use world::store::{Row, Value};

use super::{
    hashed::{Hashed, hash},
    table::Slot,
};
use crate::pile::Pile;

/// Places by the value of the first column; the places of one value in the order of the other columns, then the key.
///
/// Rows come in at the end of a group and mostly leave it at its front, as orders pass through a state: a queue with two ends moves
/// few of the others then.
#[derive(Default)]
pub(super) struct Index {
    groups: Hashed,
    places: Vec<(Value, VecDeque<Place>)>,
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

impl Index {
    fn find(&self, first: &Value) -> Option<usize> {
        let found = self.groups.find(hash([first].into_iter()), |group| self.places[group as usize].0 == *first);
        found.map(|group| group as usize)
    }

    /// The places of the rows whose first columns have these values, at least one.
    pub(super) fn group(&self, slots: &Pile<Slot>, columns: &[usize], values: &[&Value]) -> vec_deque::Iter<'_, Place> {
        let Some(group) = values.first().and_then(|first| self.find(first)) else { return vec_deque::Iter::default() };
        let group = &self.places[group].1;
        let Some(second) = values.get(1).map(|value| hint(value)) else { return group.iter() };
        let compare = |place: &Place| {
            let row = slots[place.slot as usize].newest.as_ref().map(|newest| &newest.row);
            let by = |(column, value): (&usize, &&Value)| row.map_or(Ordering::Less, |row| row[*column].cmp(value));
            let full = || columns.iter().zip(values).map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
            place.hint.cmp(&second).then_with(full)
        };
        let begin = group.partition_point(|place| compare(place).is_lt());
        let end = group.partition_point(|place| compare(place).is_le());
        group.range(begin..end)
    }

    /// Takes a row out that is still in its slot.
    pub(super) fn remove(&mut self, slots: &Pile<Slot>, columns: &[usize], row: &Row) {
        let Some(group) = self.find(&row[columns[0]]) else { return };
        let group = &mut self.places[group].1;
        let hint = hint(&row[next_column(columns)]);
        if let Ok(place) = group.binary_search_by(|place| order(slots, columns, place, (hint, row))) {
            group.remove(place);
        }
    }

    /// Puts a row in that is not in any slot of this index yet.
    pub(super) fn insert(&mut self, slots: &Pile<Slot>, columns: &[usize], row: &Row, slot: u32) {
        let first = &row[columns[0]];
        let group = self.find(first).unwrap_or_else(|| {
            let group = self.places.len();
            self.groups.insert(hash([first].into_iter()), u32::try_from(group).unwrap_or(u32::MAX));
            self.places.push((first.clone(), VecDeque::new()));
            group
        });
        let group = &mut self.places[group].1;
        let hint = hint(&row[next_column(columns)]);
        let before = |place: &Place| order(slots, columns, place, (hint, row)).is_lt();
        // Most rows come in at the end.
        let place = if group.back().is_none_or(before) { group.len() } else { group.partition_point(before) };
        group.insert(place, Place { hint, slot });
    }
}

/// The order within a group.
fn compare(columns: &[usize], a: &Row, b: &Row) -> Ordering {
    let by = |column: &usize| a[*column].cmp(&b[*column]);
    columns[1..].iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| a[0].cmp(&b[0]))
}

/// How the row at a place stands to another one in an index.
fn order(slots: &Pile<Slot>, columns: &[usize], place: &Place, (hint, row): (u64, &Row)) -> Ordering {
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
