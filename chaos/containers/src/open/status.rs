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
        parts.push(part(&docker, container).await);
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

async fn part(docker: &Docker, container: &Container) -> PartStatus {
    let addresses = addresses(container);
    let said = if addresses.is_some() { versions::said(docker, &container.started).await } else { None };
    PartStatus {
        part: container.started.part.clone(),
        since: addresses.is_some().then(|| container.since.clone()),
        version: versions::told(said, &container.image),
        addresses: addresses.unwrap_or_default(),
    }
}

/// Where a part was reached in the moment it was looked at; `None` when it was not. A run may kill a part while one looks and start it
/// again, at other ports: asked for one by one, they would be those of two lives.
fn addresses(container: &Container) -> Option<Vec<(&'static str, String)>> {
    let port = |inner| docker::mapped(&container.ports, inner).filter(|_| container.running);
    let at = |inner| port(inner).map(|port| format!("127.0.0.1:{port}"));
    let user = rabbitmq::USER;
    Some(match container.started.part.as_str() {
        rabbitmq::NAME => vec![
            ("management", format!("http://{}", at(rabbitmq::MANAGEMENT)?)),
            ("AMQP", format!("amqp://{user}:{user}@{}/%2f", at(rabbitmq::AMQP)?)),
        ],
        s3::NAME => vec![("S3", s3::url("127.0.0.1", port(s3::PORT)?, ""))],
        elasticsearch::NAME => vec![("logs", format!("http://{}", at(elasticsearch::PORT)?))],
        jaeger::NAME => vec![("traces", format!("http://{}", at(jaeger::QUERY)?))],
        part if part.starts_with(postgres::PREFIX) => {
            vec![("SQL", postgres::from_here(port(postgres::PORT)?, postgres::MAINTENANCE))]
        }
        _ if container.running => Vec::new(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use testcontainers::bollard::models::PortBinding;

    use super::*;
    use crate::parts::Started;

    fn broker(running: bool, ports: &[(u16, &str)]) -> Container {
        let bound = |port: &str| Some(vec![PortBinding { host_ip: None, host_port: Some(port.to_owned()) }]);
        Container {
            started: Started { part: rabbitmq::NAME.to_owned(), host: String::new(), id: String::new(), took: None },
            running,
            since: String::new(),
            ports: ports.iter().map(|(inner, port)| (format!("{inner}/tcp"), bound(port))).collect(),
            image: String::new(),
            image_id: String::new(),
            labels: BTreeMap::new(),
        }
    }

    #[test]
    fn a_broker_is_reached_where_its_ports_led_when_it_was_looked_at() {
        let ports = [(rabbitmq::MANAGEMENT, "1"), (rabbitmq::AMQP, "2")];
        let expected =
            vec![("management", "http://127.0.0.1:1".to_owned()), ("AMQP", "amqp://loupe:loupe@127.0.0.1:2/%2f".to_owned())];
        assert_eq!(addresses(&broker(true, &ports)), Some(expected));
    }

    #[test]
    fn one_that_is_dead_or_just_starting_is_reached_nowhere() {
        let ports = [(rabbitmq::MANAGEMENT, "1"), (rabbitmq::AMQP, "2")];
        assert_eq!(addresses(&broker(false, &ports)), None);
        assert_eq!(addresses(&broker(true, &ports[..1])), None);
        assert_eq!(addresses(&broker(true, &[])), None);
    }
}
