//! What a run has to itself in parts that others may use too: a virtual host in RabbitMQ, a database in each Postgres, a bucket
//! in the S3 store. All of them carry the run's name.

use std::{collections::BTreeSet, pin::pin, time::Duration};

use adapters::files::S3;
use futures_util::future::{Either, select, try_join, try_join_all};
use testcontainers::bollard::Docker;
use tokio_postgres::NoTls;
use world::files::FilesError;

use crate::{
    Error, docker,
    management::Management,
    parts::{Started, postgres, rabbitmq, s3},
};

/// Where runs have their quarters.
pub(crate) struct Quarters<'a> {
    pub(crate) docker: &'a Docker,
    /// The broker, where it can be asked.
    pub(crate) broker: Option<&'a Started>,
    pub(crate) databases: Vec<&'a Started>,
    /// The S3 store, where it can be asked.
    pub(crate) files: Option<&'a Started>,
    /// How long a part may take to answer.
    pub(crate) limit: Duration,
}

impl Quarters<'_> {
    /// Makes a run's.
    ///
    /// The database's server notes statements of this run from a time on, `slow`; what they were given it notes nowhere.
    pub(crate) async fn make(&self, name: &str, consumer_timeout: Option<Duration>, slow: Duration) -> Result<(), Error> {
        let virtual_host = async {
            let Some(broker) = self.broker else { return Ok(()) };
            rabbitmq::answers(self.docker, &broker.id, self.limit).await?;
            let management = Management::new(self.docker.clone(), &*broker.id);
            management.make_virtual_host(name).await?;
            match consumer_timeout {
                Some(timeout) => management.limit_consumers(name, timeout).await,
                None => Ok(()),
            }
        };
        let databases = async {
            self.of_each_server(&format!("create database \"{name}\" owner {}", postgres::SERVICES)).await?;
            let set = |what: &str| format!("alter database \"{name}\" set {what}; ");
            let noted = set(&format!("log_min_duration_statement = {}", slow.as_millis())) + &set("log_parameter_max_length = 0");
            self.of_each_server(&noted).await
        };
        try_join(virtual_host, databases).await?;
        // Last, and removed first: whoever looks for the dead finds them by the names of their databases.
        self.bucket(name, async |bucket| bucket.create().await).await
    }

    /// Removes a run's, whoever is in it. What is not there needs no removal.
    pub(crate) async fn clear(&self, name: &str) -> Result<(), Error> {
        let virtual_host = async {
            let Some(broker) = self.broker else { return Ok(()) };
            Management::new(self.docker.clone(), &*broker.id).remove_virtual_host(name).await
        };
        self.bucket(name, async |bucket| bucket.remove().await).await?;
        let remove = format!("drop database if exists \"{name}\" with (force)");
        try_join(virtual_host, self.of_each_server(&remove)).await.map(drop)
    }

    /// The names of all that begin so, in whatever part.
    pub(crate) async fn names(&self, prefix: &str) -> Result<BTreeSet<String>, Error> {
        let virtual_hosts = async {
            let Some(broker) = self.broker else { return Ok(Vec::new()) };
            Management::new(self.docker.clone(), &*broker.id).virtual_hosts().await
        };
        let databases = self.of_each_server("select datname from pg_database");
        let (virtual_hosts, databases) = try_join(virtual_hosts, databases).await?;
        let all = virtual_hosts.into_iter().chain(databases.into_iter().flatten());
        Ok(all.filter(|name| name.starts_with(prefix)).collect())
    }

    async fn bucket(&self, name: &str, act: impl AsyncFn(S3) -> Result<(), FilesError>) -> Result<(), Error> {
        let Some(store) = self.files else { return Ok(()) };
        act(bucket(self.docker, store, name).await?).await.map_err(|error| Error::Bucket(error.to_string()))
    }

    async fn of_each_server(&self, statement: &str) -> Result<Vec<Vec<String>>, Error> {
        try_join_all(self.databases.iter().map(|server| ask(self.docker, server, self.limit, statement))).await
    }
}

/// A run's bucket, as it is reached from here.
pub(crate) async fn bucket(docker: &Docker, store: &Started, name: &str) -> Result<S3, Error> {
    let port = docker::port(docker, &store.id, s3::PORT).await?;
    S3::new(&s3::url("127.0.0.1", port, name)).map_err(|error| Error::Bucket(error.to_string()))
}

/// Runs a statement outside of any run's database; gives the first column.
pub(crate) async fn ask(docker: &Docker, server: &Started, limit: Duration, statement: &str) -> Result<Vec<String>, Error> {
    let port = docker::port(docker, &server.id, postgres::PORT).await?;
    let url = postgres::from_here(port, postgres::MAINTENANCE);
    let failed = |reason: String| Error::Database { part: server.part.clone(), reason };
    let asking = async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        let rows = async {
            let rows = client.simple_query(statement).await?;
            let text = |row: tokio_postgres::SimpleQueryMessage| match row {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            };
            Ok(rows.into_iter().filter_map(text).collect())
        };
        // The connection does the work, and ends with its client.
        match select(pin!(rows), pin!(connection)).await {
            Either::Left((rows, _)) => rows,
            Either::Right((ended, rows)) => match ended {
                Ok(()) => rows.await,
                Err(error) => Err(error),
            },
        }
    };
    match docker::limited(limit, asking).await {
        Some(answer) => answer.map_err(|error: tokio_postgres::Error| failed(root_cause(&error))),
        None => Err(failed(format!("no answer within {} s", limit.as_secs()))),
    }
}

fn root_cause(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    cause.unwrap_or_else(|| error.to_string())
}
