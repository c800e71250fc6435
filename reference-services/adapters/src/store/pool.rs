//! A handful of connections, each with the statements it has prepared.

use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement, types::ToSql};
use world::{Runtime, store::StoreError};

/// How long a connection may take to come about, and a caller waits for one to come free.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// The connections to one database.
pub(super) struct Pool {
    rt: Runtime,
    config: Config,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// A connection that nobody uses.
struct Connection {
    client: Client,
    prepared: BTreeMap<String, Statement>,
}

/// A connection in use. Dropping it closes it.
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Connection,
    permit: OwnedSemaphorePermit,
}

fn unavailable(error: &Error) -> StoreError {
    let code = error.code().map(|code| format!("{}: ", code.code())).unwrap_or_default();
    StoreError::Unavailable(format!("{code}{error}"))
}

impl Pool {
    pub(super) fn new(rt: Runtime, url: &str, statement: Duration, connections: usize) -> Result<Self, Error> {
        let mut config = Config::from_str(url)?;
        // The server ends what takes too long, and what a client left open.
        let limit_ms = statement.as_millis();
        config
            .application_name(rt.node().to_string())
            .options(format!("-c statement_timeout={limit_ms} -c idle_in_transaction_session_timeout=120000"))
            .connect_timeout(CONNECT)
            .tcp_user_timeout(CONNECT);
        Ok(Self { rt, config, permits: Arc::new(Semaphore::new(connections)), idle: Mutex::default() })
    }

    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, StoreError> {
        let none_left = || StoreError::Unavailable("no connection left".into());
        let permit = self.rt.timeout(CONNECT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| none_left())?.map_err(|_| none_left())?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) if !connection.client.is_closed() => connection,
            _ => self.connect().await?,
        };
        Ok(Lease { pool: Arc::clone(self), connection, permit })
    }

    async fn connect(&self) -> Result<Connection, StoreError> {
        let connecting = self.rt.timeout(CONNECT, self.config.connect(NoTls)).await;
        let connected = connecting.map_err(|_| StoreError::Unavailable("no connection in time".into()))?;
        let (client, driver) = connected.map_err(|error| unavailable(&error))?;
        drop(self.rt.spawn("postgres", driver));
        Ok(Connection { client, prepared: BTreeMap::new() })
    }
}

impl Lease {
    /// Runs statements without parameters.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.client.batch_execute(sql).await.map_err(|error| unavailable(&error))
    }

    /// Runs a statement, prepared once for each connection.
    pub(super) async fn query(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let Connection { client, prepared } = &mut self.connection;
        let statement = match prepared.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = client.prepare(sql).await?;
                prepared.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        client.query(&statement, parameters).await
    }

    /// Leaves the connection to the next caller.
    pub(super) fn give_back(self) {
        let Self { pool, connection, permit } = self;
        if !connection.client.is_closed() {
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        drop(permit);
    }

    /// Ends the transaction that is open on it, then leaves it to the next caller.
    pub(super) fn roll_back(mut self) {
        let rt = self.pool.rt.clone();
        drop(rt.spawn("rollback", async move {
            if self.batch("rollback").await.is_ok() {
                self.give_back();
            }
        }));
    }
}
