//! A relational database as a service sees it: transactions over declared tables.
//!
//! Tables are declared once, as data. The simulated world keeps their rows in memory, the containers world renders SQL and
//! migrations from the same declaration. Column 0 is the primary key. The store gives each row a version that counts its
//! committed updates from 1.

use std::{cmp::Ordering, fmt, sync::Arc, time::Duration};

use crate::Boxed;

/// One database.
pub trait Store: Send + Sync {
    /// Makes tables and indexes that are not there yet.
    ///
    /// # Errors
    /// When the database cannot be reached.
    fn migrate<'a>(&'a self, tables: &'a [&'static Table]) -> Boxed<'a, Result<(), StoreError>>;

    /// Begins a transaction. Dropping it rolls back.
    ///
    /// # Errors
    /// When the database cannot be reached or has no connection left.
    fn begin(&self, isolation: Isolation) -> Boxed<'_, Result<Box<dyn Tx>, StoreError>>;

    /// One turn of a poll loop: waits until the next whole multiple of `every` at which a row may be found that has all
    /// `wanted` values and was written since the last turn. The simulated store skips the turns that would have found
    /// nothing; a real one just waits.
    fn poll<'a>(&'a self, table: &'static Table, wanted: &'a [(usize, Value)], every: Duration) -> Boxed<'a, ()>;
}

/// A transaction.
pub trait Tx: Send {
    /// The row with this key and its version.
    ///
    /// # Errors
    /// When the database fails.
    fn get<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>>;

    /// The same as it is now, and nobody else writes or locks it until this transaction is over (`FOR UPDATE`); waits for another
    /// transaction that has done so.
    ///
    /// # Errors
    /// When the database fails; [`StoreError::Serialization`] where repeatable read would have to see another row.
    fn lock<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>>;

    /// Adds a row. For a table with a serial key the given key is ignored and the next number used.
    ///
    /// # Errors
    /// [`StoreError::Duplicate`] when the key or a unique index has it already.
    fn insert(&mut self, table: &'static Table, row: Row) -> Boxed<'_, Result<(), StoreError>>;

    /// Replaces the row that has the same key; waits for another transaction that has written it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the row has another version than expected, or is not there.
    fn update(&mut self, table: &'static Table, row: Row, expect: Expect) -> Boxed<'_, Result<(), StoreError>>;

    /// The rows that match, in order.
    ///
    /// # Errors
    /// When the database fails.
    fn scan(&mut self, table: &'static Table, scan: Scan) -> Boxed<'_, Result<Vec<(Row, i64)>, StoreError>>;

    /// Makes it durable and visible.
    ///
    /// # Errors
    /// When the database fails; whether the transaction took effect is then not known.
    fn commit(self: Box<Self>) -> Boxed<'static, Result<(), StoreError>>;
}

/// A value of a column. Text is shared, so rows are cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// 64-bit integer.
    Int(i64),
    /// Text.
    Text(Arc<str>),
}

impl Value {
    /// A text value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The values of a row, in the order of its table's columns.
pub type Row = Vec<Value>;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `bigint generated always as identity`: only for the key column.
    Serial,
    /// `bigint`.
    Int,
    /// `text`.
    Text,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in SQL.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// May be `NULL`.
    pub nullable: bool,
}

/// A declared table.
#[derive(Debug)]
pub struct Table {
    /// Its name in SQL.
    pub name: &'static str,
    /// Its columns; the first one is the primary key.
    pub columns: &'static [Column],
    /// Indexes, as column numbers.
    pub indexes: &'static [&'static [usize]],
    /// The database has these indexes; else a scan looks at every row, as unique indexes and keys are there in any case.
    pub indexed: bool,
    /// Unique indexes, as column numbers. `NULL` is never equal to `NULL`.
    pub unique: &'static [&'static [usize]],
}

/// What `update` expects of the row it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Any version: the last writer wins.
    Any,
    /// This version: optimistic locking.
    Version(i64),
}

/// How much a transaction sees of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it (Postgres' default).
    #[default]
    ReadCommitted,
    /// The transaction sees what was committed before its first statement; writing a row changed since then fails.
    RepeatableRead,
}

/// Which rows, in which order.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Columns that must be equal to a value; all of them. [`Value::Null`] finds the rows where the column is `NULL`.
    pub equals: Vec<(usize, Value)>,
    /// A column of whole numbers, never `NULL`, that must not be above a limit.
    pub at_most: Option<(usize, i64)>,
    /// Column to sort by, then the key. Without it: by key.
    pub order_by: Option<(usize, Direction)>,
    /// At most this many rows; all when `None`.
    pub limit: Option<usize>,
    /// Rows to leave out first.
    pub offset: usize,
    /// Only rows whose key comes after this one: the next page, where a table is read from its begin to its end.
    pub after: Option<Value>,
    /// Lock the rows for this transaction and leave out those that another one holds (`FOR UPDATE SKIP LOCKED`).
    pub claim: bool,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

impl Direction {
    /// Compares in this direction.
    #[must_use]
    pub fn compare(self, a: &Value, b: &Value) -> Ordering {
        match self {
            Self::Ascending => a.cmp(b),
            Self::Descending => b.cmp(a),
        }
    }
}

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The row has another version than expected, or is not there.
    #[error("row changed since it was read")]
    Conflict,
    /// A key or unique index has it already: SQLSTATE 23505.
    #[error("duplicate key in {0}")]
    Duplicate(&'static str),
    /// Repeatable read: the row was changed by another transaction: SQLSTATE 40001.
    #[error("could not serialize access")]
    Serialization,
    /// Two transactions wait for each other: SQLSTATE 40P01.
    #[error("deadlock detected")]
    Deadlock,
    /// The database does not answer, or answered with this SQLSTATE.
    #[error("database unavailable: {0}")]
    Unavailable(String),
}

impl StoreError {
    /// The value of `error.type` and `db.response.status_code`: a SQLSTATE where there is one.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Conflict => "version_conflict",
            Self::Duplicate(_) => "23505",
            Self::Serialization => "40001",
            Self::Deadlock => "40P01",
            Self::Unavailable(_) => "08006",
        }
    }
}
