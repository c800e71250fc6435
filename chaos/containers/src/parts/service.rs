//! A service of the reference system.

use std::{collections::BTreeMap, time::Duration};

use testcontainers::bollard::Docker;

use super::{Ready, Recipe, jaeger, postgres, rabbitmq, s3};
use crate::{Config, Error, Role, docker, foundation::Foundation};

/// Where a service is reached.
pub(crate) const HTTP: u16 = 8080;
/// Where the harness asks.
pub(crate) const CONTROL: u16 = 8081;
/// It can do its work: it has its database, its consumers are subscribed.
pub(crate) const READY: Ready = Ready::Answers(HTTP, "/readyz");
/// It lives, whatever it may be missing.
pub(crate) const LIVES: Ready = Ready::Answers(HTTP, "/healthz");
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Counts the starts of a process: a file of its container, which outlives it.
const STARTS: &str = "/tmp/loupe-starts";

/// Where a service of a run is put.
pub(crate) struct Place<'a> {
    /// The image of all services.
    pub(crate) image: &'a str,
    /// The run's id, which tells its traces from others'.
    pub(crate) run: &'a str,
    /// How the run's names begin; its virtual host, its databases and its bucket are called so.
    pub(crate) name: &'a str,
    /// The parts it talks to.
    pub(crate) foundation: &'a Foundation,
}

/// A service as the run wants it.
pub(crate) fn recipe(place: &Place<'_>, config: &Config, role: &Role) -> Recipe {
    let plain = Recipe::new(&role.name, place.image, &[HTTP, CONTROL], READY);
    let environment = environment(place, config, role);
    Recipe { command: vec![role.name.clone()], environment, ..plain }
}

/// Tells a service when the run begins, nanoseconds since the Unix epoch.
pub(crate) async fn begin(docker: &Docker, started: (&str, &str), epoch_ns: u64) -> Result<(), Error> {
    let (name, container) = started;
    let url = format!("http://127.0.0.1:{}/epoch", docker::port(docker, container, CONTROL).await?);
    let told = reqwest::Client::new().put(url).body(epoch_ns.to_string()).timeout(ANSWER).send().await;
    let told = told.and_then(reqwest::Response::error_for_status);
    told.map_err(|error| Error::Control { part: name.to_owned(), reason: error.without_url().to_string() })?;
    Ok(())
}

/// Where a service is reached from here. Each start of its container gives it another port.
pub(crate) async fn address(docker: &Docker, container: &str) -> Result<String, Error> {
    Ok(format!("http://127.0.0.1:{}", docker::port(docker, container, HTTP).await?))
}

fn environment(place: &Place<'_>, config: &Config, role: &Role) -> BTreeMap<String, String> {
    let Place { foundation, name, .. } = place;
    let service = |role: &Role| (role.name.clone(), format!("http://{name}-{}:{HTTP}", role.name));
    let services: BTreeMap<String, String> = config.roles.iter().map(service).collect();
    let mut environment = role.environment.clone();
    let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
    set("LOUPE_SEED", config.seed.to_string());
    set("LOUPE_RUN", place.run.to_owned());
    set("LOUPE_AMQP_URL", rabbitmq::url(&foundation.broker.host, rabbitmq::AMQP, name));
    set("LOUPE_SERVICES", serde_json::to_string(&services).unwrap_or_default());
    set("LOUPE_S3_URL", s3::url(&foundation.files.host, s3::PORT, name));
    set("LOUPE_STARTS", STARTS.to_owned());
    set("LOUPE_PROPAGATE", role.propagates.to_string());
    set("LOUPE_LOGS", role.logs.to_string());
    if let Some(server) = role.database.as_ref().and_then(|database| foundation.databases.get(database)) {
        set("LOUPE_DATABASE_URL", postgres::url(&server.host, postgres::PORT, name));
    }
    if role.traces {
        set("LOUPE_OTLP_URL", format!("http://{}:{}/v1/traces", foundation.jaeger.host, jaeger::OTLP));
    }
    environment
}
