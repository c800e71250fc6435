//! What of an open stack is there, since when, and where people find it.

use testcontainers::bollard::Docker;

use super::{Container, Open, up};
use crate::{
    Blueprint, Error, docker,
    parts::{elasticsearch, jaeger, postgres, rabbitmq, s3},
    quarters::Quarters,
    run, versions,
};

/// An open stack, as it is.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Its parts; none when it is not up.
    pub parts: Vec<PartStatus>,
    /// Why it cannot be used, in words; nothing when it fits.
    pub differences: Vec<String>,
    /// The runs that have containers in its network.
    pub runs: Vec<String>,
    /// The runs that have a virtual host or a database there; one that is dead leaves them to the next.
    pub quarters: Vec<String>,
    /// Why nobody knows which runs these are: a part that is just starting does not say it.
    pub silent: Option<String>,
}

/// One part of it.
#[derive(Clone, Debug)]
pub struct PartStatus {
    /// Its name.
    pub part: String,
    /// Since when it runs, RFC 3339; `None` when it does not.
    pub since: Option<String>,
    /// What it says of itself, where it does, or its image.
    pub version: String,
    /// Where it is reached from here, and what that is.
    pub addresses: Vec<(&'static str, String)>,
}

impl Status {
    /// Whether runs can use it.
    #[must_use]
    pub fn usable(&self) -> bool {
        !self.parts.is_empty() && self.differences.is_empty() && self.parts.iter().all(|part| part.since.is_some())
    }
}

/// How an open stack is.
///
/// # Errors
/// When Docker does not answer.
pub async fn status(blueprint: &Blueprint) -> Result<Status, Error> {
    let docker = docker::connect().await?;
    let name = &blueprint.standing.name;
    let Some(open) = Open::find(&docker, name).await? else {
        return Ok(Status::default());
    };
    let mut parts = Vec::new();
    for container in open.containers.values() {
        parts.push(part(&docker, container).await?);
    }
    let differences = open.differences(&docker, blueprint).await?;
    let (quarters, silent) = match quarters(&docker, &open, blueprint).await {
        Ok(quarters) => (quarters, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Ok(Status { parts, differences, runs: up::users(&docker, name).await?, quarters, silent })
}

/// The runs that have something in the parts that run.
async fn quarters(docker: &Docker, open: &Open, blueprint: &Blueprint) -> Result<Vec<String>, Error> {
    let running = || open.containers.values().filter(|container| container.running).map(|container| &container.started);
    let quarters = Quarters {
        docker,
        broker: running().find(|part| part.part == rabbitmq::NAME),
        databases: running().filter(|part| part.part.starts_with(postgres::PREFIX)).collect(),
        // What has a bucket has a database, too.
        files: None,
        limit: blueprint.limits.ready,
    };
    let names = quarters.names(run::PREFIX).await?;
    Ok(names.into_iter().map(|name| name.trim_start_matches(run::PREFIX).to_owned()).collect())
}

async fn part(docker: &Docker, container: &Container) -> Result<PartStatus, Error> {
    let id = container.started.id.as_str();
    match reached(docker, container).await {
        Ok(status) => Ok(status),
        // A run may kill a part while one looks: its ports are gone then.
        Err(_) if !docker::running(docker, id).await? => Ok(stopped(container)),
        Err(error) => Err(error),
    }
}

/// A part that does not run.
fn stopped(container: &Container) -> PartStatus {
    let version = versions::told(None, &container.image);
    PartStatus { part: container.started.part.clone(), since: None, version, addresses: Vec::new() }
}

/// A part with where it is reached.
async fn reached(docker: &Docker, container: &Container) -> Result<PartStatus, Error> {
    if !container.running {
        return Ok(stopped(container));
    }
    let part = container.started.part.clone();
    let id = &container.started.id;
    let at = async |inner: u16| Ok::<_, Error>(format!("127.0.0.1:{}", docker::port(docker, id, inner).await?));
    let addresses = match part.as_str() {
        rabbitmq::NAME => {
            let (people, clients) = (at(rabbitmq::MANAGEMENT).await?, at(rabbitmq::AMQP).await?);
            let user = rabbitmq::USER;
            let clients = format!("amqp://{user}:{user}@{clients}/%2f");
            vec![("management", format!("http://{people}")), ("AMQP", clients)]
        }
        s3::NAME => {
            let bucket = s3::url("127.0.0.1", docker::port(docker, id, s3::PORT).await?, "");
            vec![("S3", bucket)]
        }
        elasticsearch::NAME => vec![("logs", format!("http://{}", at(elasticsearch::PORT).await?))],
        jaeger::NAME => vec![("traces", format!("http://{}", at(jaeger::QUERY).await?))],
        _ if part.starts_with(postgres::PREFIX) => {
            let port = docker::port(docker, id, postgres::PORT).await?;
            vec![("SQL", postgres::from_here(port, postgres::MAINTENANCE))]
        }
        _ => Vec::new(),
    };
    let version = versions::told(versions::said(docker, &container.started).await, &container.image);
    Ok(PartStatus { part, since: Some(container.since.clone()), version, addresses })
}
