//! Postgres behind the declared tables: SQL and migrations are rendered from the same declarations that the simulation runs.

mod pool;
mod sql;
mod values;

use std::{sync::Arc, time::Duration};

use tokio_postgres::{Error, error::SqlState, types::ToSql};
use world::{
    Boxed, Runtime,
    store::{Expect, Isolation, Row, Scan, Store, StoreError, Table, Tx, Value},
};

use self::{
    pool::{Lease, Pool},
    values::{Bind, read},
};
use crate::failpoints::Failpoints;

/// How long a statement may take, waiting for another transaction's lock included.
const STATEMENT: Duration = Duration::from_secs(30);
/// The column that says which order a row is about, in tables whose key does not.
const ORDER_ID: &str = "order_id";
/// Serialises migrations of services that share a database: `create if not exists` alone is no protection.
const MIGRATION_LOCK: i64 = 0x6c6f_7570_6500;

/// One Postgres database.
pub struct Postgres {
    rt: Runtime,
    pool: Arc<Pool>,
    failing: Failing,
}

/// What lets a process fail at its database, and how that is called.
#[derive(Clone)]
struct Failing {
    points: Failpoints,
    database: Arc<str>,
}

impl Postgres {
    /// The database at `url` (`postgres://user:password@host:port/name`), with at most `connections` at a time.
    ///
    /// # Errors
    /// When the URL does not parse.
    pub fn new(rt: Runtime, url: &str, connections: usize) -> Result<Self, Error> {
        let pool = Arc::new(Pool::new(rt.clone(), url, STATEMENT, connections)?);
        let failing = Failing { points: Failpoints::none(rt.clone()), database: "".into() };
        Ok(Self { rt, pool, failing })
    }

    /// The same in a process that is let fail; faults call the database by a name.
    #[must_use]
    pub fn failing(self, points: Failpoints, database: &str) -> Self {
        Self { failing: Failing { points, database: database.into() }, ..self }
    }

    async fn transaction(&self, begin: &str) -> Result<Transaction, StoreError> {
        let Failing { points, database } = &self.failing;
        if points.no_connection(database) {
            self.rt.sleep(pool::CONNECT).await;
            return Err(StoreError::Unavailable("53300: no connection became free in time".into()));
        }
        let mut lease = self.pool.lease().await?;
        lease.batch(begin).await?;
        Ok(Transaction { lease: Some(lease), aborted: false, failing: self.failing.clone() })
    }

    async fn create(&self, tables: &[&'static Table]) -> Result<(), StoreError> {
        let mut transaction = self.transaction("begin").await?;
        let lease = transaction.lease()?;
        lease.batch(&format!("select pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
        for table in tables {
            lease.batch(&sql::create(table)).await?;
        }
        Box::new(transaction).commit().await
    }
}

impl Store for Postgres {
    fn migrate<'a>(&'a self, tables: &'a [&'static Table]) -> Boxed<'a, Result<(), StoreError>> {
        Box::pin(self.create(tables))
    }

    fn begin(&self, isolation: Isolation) -> Boxed<'_, Result<Box<dyn Tx>, StoreError>> {
        Box::pin(async move {
            let begin = match isolation {
                Isolation::ReadCommitted => "begin isolation level read committed",
                Isolation::RepeatableRead => "begin isolation level repeatable read",
            };
            let transaction: Box<dyn Tx> = Box::new(self.transaction(begin).await?);
            Ok(transaction)
        })
    }

    fn poll<'a>(&'a self, _: &'static Table, _: &'a [(usize, Value)], every: Duration) -> Boxed<'a, ()> {
        Box::pin(async move {
            let every = every.max(Duration::from_millis(1));
            let turns = self.rt.now().as_nanos() / every.as_nanos() + 1;
            self.rt.sleep_until(every.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))).await;
        })
    }
}

/// A transaction: `begin` has been said.
struct Transaction {
    /// `None` once it is over.
    lease: Option<Lease>,
    /// A statement failed: Postgres takes no more of them, and its `commit` would roll back without an error.
    aborted: bool,
    failing: Failing,
}

impl Transaction {
    fn lease(&mut self) -> Result<&mut Lease, StoreError> {
        if self.aborted {
            return Err(StoreError::Unavailable("25P02: the transaction is aborted".into()));
        }
        self.lease.as_mut().ok_or_else(|| StoreError::Unavailable("the transaction is over".into()))
    }

    async fn query(
        &mut self,
        table: &'static Table,
        sql: &str,
        values: &[&Value],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let binds: Vec<Bind<'_>> = values.iter().map(|value| Bind(value)).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = binds.iter().map(|bind| bind as &(dyn ToSql + Sync)).collect();
        let answer = self.lease()?.query(sql, &parameters).await;
        self.aborted |= answer.is_err();
        answer.map_err(|error| meaning(&error, table.name))
    }
}

impl Failing {
    /// Whether whoever claims rows sees one.
    fn sees(&self, table: &'static Table, row: &Row) -> bool {
        let about = table.columns.iter().position(|column| column.name == ORDER_ID).unwrap_or(0);
        self.points.sees(&self.database, (table.name, &row[0].to_string()), &row[about].to_string())
    }
}

/// What Postgres' error means to a service.
fn meaning(error: &Error, table: &'static str) -> StoreError {
    let Some(code) = error.code() else { return StoreError::Unavailable(error.to_string()) };
    match *code {
        SqlState::UNIQUE_VIOLATION => StoreError::Duplicate(table),
        SqlState::T_R_SERIALIZATION_FAILURE => StoreError::Serialization,
        SqlState::T_R_DEADLOCK_DETECTED => StoreError::Deadlock,
        _ => StoreError::Unavailable(format!("{}: {error}", code.code())),
    }
}

impl Tx for Transaction {
    fn get<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>> {
        Box::pin(async move {
            let rows = self.query(table, &sql::get(table), &[key]).await?;
            rows.first().map(|row| read(table, row)).transpose()
        })
    }

    fn lock<'a>(&'a mut self, table: &'static Table, key: &'a Value) -> Boxed<'a, Result<Option<(Row, i64)>, StoreError>> {
        Box::pin(async move {
            let rows = self.query(table, &sql::lock(table), &[key]).await?;
            rows.first().map(|row| read(table, row)).transpose()
        })
    }

    fn insert(&mut self, table: &'static Table, row: Row) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let values: Vec<&Value> = row.iter().skip(sql::first_given(table)).collect();
            self.query(table, &sql::insert(table), &values).await?;
            Ok(())
        })
    }

    fn update(&mut self, table: &'static Table, row: Row, expect: Expect) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let version = match expect {
                Expect::Any => None,
                Expect::Version(version) => Some(Value::Int(version)),
            };
            let values: Vec<&Value> = row.iter().chain(&version).collect();
            let written = self.query(table, &sql::update(table, version.is_some()), &values).await?;
            if written.is_empty() { Err(StoreError::Conflict) } else { Ok(()) }
        })
    }

    fn scan(&mut self, table: &'static Table, scan: Scan) -> Boxed<'_, Result<Vec<(Row, i64)>, StoreError>> {
        Box::pin(async move {
            let equal = scan.equals.iter().map(|(_, value)| value).filter(|value| **value != Value::Null);
            let limit = scan.at_most.map(|(_, limit)| Value::Int(limit));
            let values: Vec<&Value> = equal.chain(&scan.after).chain(&limit).collect();
            if !scan.claim {
                let rows = self.query(table, &sql::scan(table, &scan), &values).await?;
                return rows.iter().map(|row| read(table, row)).collect();
            }
            // Rows that nobody sees any more must not crowd out the others.
            let wanted = scan.limit.map(|limit| limit + self.failing.points.overlooked());
            let rows = self.query(table, &sql::scan(table, &Scan { limit: wanted, ..scan.clone() }), &values).await?;
            let rows: Vec<(Row, i64)> = rows.iter().map(|row| read(table, row)).collect::<Result<_, _>>()?;
            let seen = rows.into_iter().filter(|(row, _)| self.failing.sees(table, row));
            Ok(seen.take(scan.limit.unwrap_or(usize::MAX)).collect())
        })
    }

    fn commit(mut self: Box<Self>) -> Boxed<'static, Result<(), StoreError>> {
        Box::pin(async move {
            if self.failing.points.conflicts(&self.failing.database) {
                // Dropped, it is rolled back.
                return Err(StoreError::Serialization);
            }
            self.lease()?.batch("commit").await?;
            // Said without an error: the connection is free for the next one.
            if let Some(lease) = self.lease.take() {
                lease.give_back();
            }
            Ok(())
        })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.roll_back();
        }
    }
}
