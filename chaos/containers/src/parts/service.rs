//! A service of the reference system.

use std::{collections::BTreeMap, time::Duration};

use testcontainers::{ImageExt as _, bollard::Docker, core::Mount};

use super::{Ground, Started, jaeger, postgres, rabbitmq};
use crate::{
    Error, Role,
    docker::{self, Part},
};

/// Where a service is reached.
pub(crate) const HTTP: u16 = 8080;
/// Where the harness asks.
pub(crate) const CONTROL: u16 = 8081;
/// Where the model files are.
const FILES: &str = "/var/lib/loupe/models";
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Counts the starts of a process: a file of its container, which outlives it.
const STARTS: &str = "/tmp/loupe-starts";

/// Starts it and waits until it says that it is ready.
pub(crate) async fn start(ground: Ground<'_>, image: &str, role: &Role) -> Result<Started, Error> {
    let begin = adapters::runtime::wall_clock_ns();
    let mut request = ground
        .request(&role.name, image, &[HTTP, CONTROL])
        .with_cmd([role.name.clone()])
        .with_mount(Mount::volume_mount(ground.run.name("models"), FILES));
    for (name, value) in environment(&ground, role) {
        request = request.with_env_var(name, value);
    }
    let container = ground.start(&role.name, request).await?;
    ready(ground.docker, &ground.part(&role.name, &container)).await?;
    let took = Duration::from_nanos(adapters::runtime::wall_clock_ns() - begin);
    Ok(Started { name: role.name.clone(), container, took })
}

/// Waits until a service can do its work: it has its database, its consumers are subscribed.
pub(crate) async fn ready(docker: &Docker, part: &Part<'_>) -> Result<(), Error> {
    says_yes(docker, part, "/readyz").await
}

/// Waits until a service lives, whatever it may be missing.
pub(crate) async fn alive(docker: &Docker, part: &Part<'_>) -> Result<(), Error> {
    says_yes(docker, part, "/healthz").await
}

async fn says_yes(docker: &Docker, part: &Part<'_>, path: &str) -> Result<(), Error> {
    let client = reqwest::Client::new();
    let asked = || async {
        let Ok(base) = address(docker, part.container).await else { return false };
        let answer = client.get(format!("{base}{path}")).timeout(ANSWER).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    docker::answered(docker, part, &format!("200 at {path}"), asked).await
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

fn environment(ground: &Ground<'_>, role: &Role) -> BTreeMap<String, String> {
    let host = |part: &str| ground.run.name(part);
    let services: BTreeMap<&str, String> =
        ground.config.roles.iter().map(|role| (role.name.as_str(), format!("http://{}:{HTTP}", host(&role.name)))).collect();
    let user = rabbitmq::USER;
    let mut environment = role.environment.clone();
    let mut set = |name: &str, value: String| environment.insert(name.to_owned(), value);
    set("LOUPE_SEED", ground.config.seed.to_string());
    set("LOUPE_AMQP_URL", format!("amqp://{user}:{user}@{}:{}/%2f?heartbeat=5", host(rabbitmq::NAME), rabbitmq::AMQP));
    set("LOUPE_SERVICES", serde_json::to_string(&services).unwrap_or_default());
    set("LOUPE_FILES", FILES.to_owned());
    set("LOUPE_STARTS", STARTS.to_owned());
    set("LOUPE_PROPAGATE", role.propagates.to_string());
    if let Some(database) = &role.database {
        set("LOUPE_DATABASE_URL", postgres::url(&host(&postgres::name(database)), postgres::PORT, database));
    }
    if role.traces {
        set("LOUPE_OTLP_URL", format!("http://{}:{}/v1/traces", host(jaeger::NAME), jaeger::OTLP));
    }
    environment
}
