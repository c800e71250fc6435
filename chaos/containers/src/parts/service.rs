//! A service of the reference system.

use std::{collections::BTreeMap, time::Duration};

use testcontainers::bollard::Docker;

use super::{Ready, Recipe, Started, jaeger, postgres, proxy, rabbitmq, s3, shipper};
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
    /// What stands between it and all of them.
    pub(crate) proxy: Option<&'a Started>,
}

impl Place<'_> {
    /// Where something is reached: at its own host and port, or at a port of the proxy.
    fn at(&self, (host, port): (&str, u16), proxied: u16) -> (String, u16) {
        self.proxy.map_or_else(|| (host.to_owned(), port), |proxy| (proxy.host.clone(), proxied))
    }
}

/// A service as the run wants it.
pub(crate) fn recipe(place: &Place<'_>, config: &Config, role: &Role) -> Recipe {
    let plain = Recipe::new(&role.name, place.image, &[HTTP, CONTROL], READY);
    let environment = environment(place, config, role);
    let volume = ships(place, role).then(|| shipper::volume(place.name));
    Recipe { command: vec![role.name.clone()], environment, volume, ..plain }
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
    at(docker, (container, HTTP)).await
}

/// The same at any container's port.
pub(crate) async fn at(docker: &Docker, (container, port): (&str, u16)) -> Result<String, Error> {
    Ok(format!("http://127.0.0.1:{}", docker::port(docker, container, port).await?))
}

/// Whether a service's log is shipped.
fn ships(place: &Place<'_>, role: &Role) -> bool {
    role.logs && place.foundation.logs.is_some()
}

fn environment(place: &Place<'_>, config: &Config, role: &Role) -> BTreeMap<String, String> {
    let Place { foundation, name, .. } = place;
    let service = |role: &Role| {
        let (host, port) = place.at((&format!("{name}-{}", role.name), HTTP), proxy::service_port(config, &role.name));
        (role.name.clone(), format!("http://{host}:{port}"))
    };
    let services: BTreeMap<String, String> = config.roles.iter().map(service).collect();
    let mut environment = role.environment.clone();
    let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
    set("LOUPE_SEED", config.seed.to_string());
    set("LOUPE_RUN", place.run.to_owned());
    let (broker, amqp) = place.at((&foundation.broker.host, rabbitmq::AMQP), rabbitmq::AMQP);
    set("LOUPE_AMQP_URL", rabbitmq::url(&broker, amqp, name));
    set("LOUPE_SERVICES", serde_json::to_string(&services).unwrap_or_default());
    let (files, s3) = place.at((&foundation.files.host, s3::PORT), s3::PORT);
    set("LOUPE_S3_URL", s3::url(&files, s3, name));
    set("LOUPE_STARTS", STARTS.to_owned());
    set("LOUPE_PROPAGATE", role.propagates.to_string());
    set("LOUPE_LOGS", role.logs.to_string());
    if ships(place, role) {
        set("LOUPE_LOG_FILE", shipper::file(&role.name));
        set("LOUPE_ENVIRONMENT", config.environment.clone());
    }
    set("LOUPE_KEEP_ALIVE", place.proxy.is_none().to_string());
    if let Some((of, server)) = role.database.as_ref().and_then(|of| Some((of, foundation.databases.get(of)?))) {
        let (host, port) = place.at((&server.host, postgres::PORT), proxy::database_port(config, of));
        set("LOUPE_DATABASE_URL", postgres::url(postgres::SERVICES, (&host, port), name));
        set("LOUPE_DATABASE", of.clone());
    }
    if role.traces {
        let (host, port) = place.at((&foundation.jaeger.host, jaeger::OTLP), jaeger::OTLP);
        set("LOUPE_OTLP_URL", format!("http://{host}:{port}/v1/traces"));
    }
    environment
}
