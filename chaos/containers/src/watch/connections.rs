//! How many connections of a database's server are taken, asked over one that is kept: when all are taken, nobody gets another.

use testcontainers::bollard::Docker;
use tokio_postgres::{Client, Error, NoTls, error::SqlState};
use world::Runtime;

use crate::{
    docker,
    parts::{Started, postgres},
};

/// Those of clients, and how many the server has for whoever is no superuser, as the services.
const TAKEN: &str = "select count(*), current_setting('max_connections')::bigint \
    - current_setting('superuser_reserved_connections')::bigint - current_setting('reserved_connections')::bigint \
    from pg_stat_activity where backend_type = 'client backend'";

/// One server.
pub(super) struct Server {
    docker: Docker,
    server: Started,
    client: Option<Client>,
    /// How many connections it has, as it last said.
    all: Option<u64>,
}

/// How many connections are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// There are more.
    NotAll,
    /// There are no more; how many there are, where that is known.
    All(Option<u64>),
}

impl Server {
    pub(super) fn new(docker: Docker, server: Started) -> Self {
        Self { docker, server, client: None, all: None }
    }

    /// What the part is called.
    pub(super) fn part(&self) -> &str {
        &self.server.part
    }

    /// `None` when it does not say.
    pub(super) async fn look(&mut self, rt: &Runtime) -> Option<Taken> {
        match self.ask(rt).await? {
            Ok((taken, all)) => {
                self.all = Some(all);
                Some(if taken < all { Taken::NotAll } else { Taken::All(self.all) })
            }
            Err(error) => {
                // A connection that was broken: the next look comes with another one.
                self.client = None;
                (error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS)).then_some(Taken::All(self.all))
            }
        }
    }

    async fn ask(&mut self, rt: &Runtime) -> Option<Result<(u64, u64), Error>> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let port = docker::port(&self.docker, &self.server.id, postgres::PORT).await.ok()?;
            let url = postgres::from_here(port, postgres::MAINTENANCE);
            match tokio_postgres::connect(&url, NoTls).await {
                Ok((client, connection)) => {
                    drop(rt.spawn("connections", connection));
                    self.client = Some(client);
                }
                Err(error) => return Some(Err(error)),
            }
        }
        let row = self.client.as_ref()?.query_one(TAKEN, &[]).await;
        let count = |row: &tokio_postgres::Row, at| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
        Some(row.map(|row| (count(&row, 0), count(&row, 1))))
    }
}
