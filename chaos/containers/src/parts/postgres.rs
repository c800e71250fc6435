//! A PostgreSQL for each database.

use std::time::Duration;

use testcontainers::ImageExt as _;

use super::{Ground, Started};
use crate::{
    Error,
    docker::{self, Output},
};

/// Where it listens.
pub(crate) const PORT: u16 = 5432;
/// User and password.
pub(crate) const USER: &str = "loupe";
/// What it says on stderr when it is ready; on stdout the set-up's own server says it too.
const READY: &str = "database system is ready to accept connections";

/// The part's name for a database, also in its host name.
pub(crate) fn name(database: &str) -> String {
    format!("postgres-{database}")
}

/// The address of a database.
pub(crate) fn url(host: &str, port: u16, database: &str) -> String {
    format!("postgres://{USER}:{USER}@{host}:{port}/{database}")
}

/// Starts it and waits until it is ready.
pub(crate) async fn start(ground: Ground<'_>, database: &str) -> Result<Started, Error> {
    let begin = adapters::runtime::wall_clock_ns();
    let name = name(database);
    let request = ground
        .request(&name, &ground.config.images.postgres, &[PORT])
        .with_env_var("POSTGRES_USER", USER)
        .with_env_var("POSTGRES_PASSWORD", USER)
        .with_env_var("POSTGRES_DB", database);
    let container = ground.start(&name, request).await?;
    docker::said(ground.docker, &ground.part(&name, &container), Output::Stderr, READY, 0).await?;
    let took = Duration::from_nanos(adapters::runtime::wall_clock_ns() - begin);
    Ok(Started { name, container, took })
}
