//! Scans: by the declared index that fits best, else row by row.

use std::cmp::Ordering;

use world::store::{Direction, Isolation, Row, Scan, StoreError, Value};

use super::{Data, table::Rows};

/// How to walk a table.
pub(super) enum Way<'a> {
    /// By the primary key.
    Key(&'a Value),
    /// By an index: its number, and how many of its columns must be equal. Whether that gives the order asked for.
    Index { number: usize, prefix: usize, ordered: bool },
    /// All rows: in the order of their keys where the table numbers its rows itself, else in none.
    All,
}

fn equal(scan: &Scan, column: usize) -> Option<&Value> {
    scan.equals.iter().find(|(at, _)| *at == column).map(|(_, value)| value)
}

/// The values that the first columns of an index must have.
pub(super) fn first<'a>(scan: &'a Scan, columns: &[usize], prefix: usize) -> Vec<&'a Value> {
    columns[..prefix].iter().filter_map(|column| equal(scan, *column)).collect()
}

fn matches(scan: &Scan, row: &Row) -> bool {
    let after = || scan.after.as_ref().is_none_or(|after| row[0] > *after);
    let within = || scan.at_most.is_none_or(|(column, limit)| row[column] <= Value::Int(limit));
    scan.equals.iter().all(|(column, value)| row[*column] == *value) && after() && within()
}

pub(super) fn way<'a>(rows: &Rows, scan: &'a Scan) -> Way<'a> {
    if let Some(key) = equal(scan, 0) {
        return Way::Key(key);
    }
    let mut best = Way::All;
    let mut rank = (0, false);
    for (number, columns) in rows.table.indexes.iter().enumerate() {
        let prefix = columns.iter().take_while(|column| equal(scan, **column).is_some()).count();
        let rest = &columns[prefix..];
        let ordered = match scan.order_by {
            None => rest.is_empty(),
            Some((by, _)) => *rest == [by] || (rest.is_empty() && by == 0),
        };
        if prefix > 0 && (prefix, ordered) > rank {
            rank = (prefix, ordered);
            best = Way::Index { number, prefix, ordered };
        }
    }
    best
}

impl Rows {
    /// Shows the places that may match, until the visitor has enough. Returns whether they came in the order asked for.
    fn walk(&self, scan: &Scan, way: &Way<'_>, visit: &mut dyn FnMut(u32, bool) -> bool) -> bool {
        match way {
            Way::Key(key) => {
                if let Some(slot) = self.by_key(key) {
                    visit(slot, true);
                }
                true
            }
            Way::All => {
                let ordered = self.numbers() && matches!(scan.order_by, None | Some((0, Direction::Ascending)));
                let first = scan.after.as_ref().and_then(|after| self.numbered(after)).map_or(0, |last| last + 1);
                let first = if self.numbers() { first } else { 0 };
                let end = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                let _ = (first..end).all(|slot| visit(slot, ordered));
                ordered
            }
            Way::Index { number, prefix, ordered } => {
                let columns = self.table.indexes[*number];
                let mut group = self.group(*number, &first(scan, columns, *prefix));
                if matches!(scan.order_by, Some((_, Direction::Descending))) {
                    // Equal values come with the larger key first: sorted once more.
                    let _ = group.rev().all(|place| visit(place.slot, *ordered));
                    return false;
                }
                let _ = group.all(|place| visit(place.slot, *ordered));
                *ordered
            }
        }
    }
}

impl Data {
    /// Rows that match, as the transaction sees them.
    pub(super) fn scan(&mut self, tx: u64, table: usize, scan: &Scan) -> Result<Vec<(Row, i64)>, StoreError> {
        let mut found = self.find(tx, table, scan);
        let end = scan.limit.map_or(found.len(), |limit| found.len().min(scan.offset.saturating_add(limit)));
        found.truncate(end);
        found.drain(..scan.offset.min(found.len()));
        if scan.claim {
            self.claim(tx, table, &found)?;
        }
        let open = self.open.get(&tx);
        let snapshot = open.and_then(|open| open.snapshot);
        let rows = found.into_iter().filter_map(|slot| {
            let own = open.and_then(|open| open.writes.iter().find(|write| write.table == table && write.slot == slot));
            match own {
                Some(write) => Some((write.row.clone(), write.version)),
                None => self.tables[table].slots[slot as usize].seen(snapshot).map(|seen| (seen.row.clone(), seen.version)),
            }
        });
        Ok(rows.collect())
    }

    /// The places of the rows that match, in order; more than asked for where that saves a decision.
    fn find(&self, tx: u64, table: usize, scan: &Scan) -> Vec<u32> {
        let rows = &self.tables[table];
        let open = self.open.get(&tx);
        let snapshot = open.and_then(|open| open.snapshot);
        let own: Vec<_> = open.iter().flat_map(|open| &open.writes).filter(|write| write.table == table).collect();
        // An index knows the newest versions only.
        let way = if snapshot.is_some() && !matches!(way(rows, scan), Way::Key(_)) { Way::All } else { way(rows, scan) };
        let enough = scan.limit.map(|limit| limit.saturating_add(scan.offset));
        let free = |slot: u32| {
            let unlocked = || rows.slots[slot as usize].lock().is_none_or(|holder| holder == tx);
            !scan.claim || unlocked() && !rows.overlooked.contains(&slot)
        };
        let mut found: Vec<(u32, &Row)> = Vec::new();
        // No two keys are equal: there is but one order.
        let sort = |a: &(u32, &Row), b: &(u32, &Row)| compare(scan, a.1, b.1);
        let ordered = rows.walk(scan, &way, &mut |slot, ordered| {
            if enough.is_some_and(|enough| found.len() >= enough) && ordered {
                let tie = match (scan.order_by, &found[..]) {
                    (Some((by, Direction::Descending)), [.., (_, last)]) => {
                        rows.slots[slot as usize].newest.as_ref().is_some_and(|row| row.row[by] == last[by])
                    }
                    _ => false,
                };
                if !tie {
                    return false;
                }
            }
            if let Some(seen) = rows.slots[slot as usize].seen(snapshot)
                && matches(scan, &seen.row)
                && free(slot)
                && !own.iter().any(|write| write.slot == slot)
            {
                found.push((slot, &seen.row));
            }
            true
        });
        let fresh = own.iter().filter(|write| matches(scan, &write.row)).map(|write| (write.slot, &write.row));
        let before = found.len();
        found.extend(fresh);
        if !ordered || found.len() > before {
            // Of many rows a page is asked for: the others need not be sorted.
            if let Some(enough) = enough.filter(|enough| *enough < found.len()) {
                found.select_nth_unstable_by(enough, sort);
                found.truncate(enough);
            }
            found.sort_unstable_by(sort);
        }
        found.into_iter().map(|(slot, _)| slot).collect()
    }

    fn claim(&mut self, tx: u64, table: usize, found: &[u32]) -> Result<(), StoreError> {
        for slot in found {
            let newest = self.tables[table].slots[*slot as usize].newest.as_ref();
            if let Some(Isolation::RepeatableRead) = self.open.get(&tx).map(|open| open.isolation)
                && newest.is_some_and(|newest| self.open[&tx].snapshot.is_some_and(|at| newest.commit > at))
            {
                return Err(StoreError::Serialization);
            }
            // It was free when it was found, at this same instant.
            self.lock_row(tx, table, *slot)?;
        }
        Ok(())
    }
}

fn compare(scan: &Scan, a: &Row, b: &Row) -> Ordering {
    let by = scan.order_by.map_or(Ordering::Equal, |(by, direction)| direction.compare(&a[by], &b[by]));
    by.then_with(|| a[0].cmp(&b[0]))
}
