//! Jaeger v2, which keeps the traces in memory.

use std::time::Duration;

use testcontainers::{CopyDataSource, ImageExt as _};

use super::{Ground, Started};
use crate::{Error, docker};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "jaeger";
/// OTLP over HTTP.
pub(crate) const OTLP: u16 = 4318;
/// The query interface.
pub(crate) const QUERY: u16 = 16686;
/// Its state of health.
const HEALTH: u16 = 13133;
const CONFIG: &str = include_str!("../../config/jaeger.yaml");

/// Starts it and waits until it is ready.
pub(crate) async fn start(ground: Ground<'_>) -> Result<Started, Error> {
    let begin = adapters::runtime::wall_clock_ns();
    let config = CONFIG.replace("MAX_TRACES", &ground.config.max_traces.to_string());
    let request = ground
        .request(NAME, &ground.config.images.jaeger, &[OTLP, QUERY, HEALTH])
        .with_cmd(["--config", "/etc/jaeger/loupe.yaml"])
        .with_copy_to("/etc/jaeger/loupe.yaml", CopyDataSource::Data(config.into_bytes()));
    let container = ground.start(NAME, request).await?;
    let (client, docker, id) = (reqwest::Client::new(), ground.docker, container.id());
    let healthy = || async {
        let Ok(port) = docker::port(docker, id, HEALTH).await else { return false };
        let answer = client.get(format!("http://127.0.0.1:{port}/status")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    docker::answered(docker, &ground.part(NAME, &container), "its health to be good", healthy).await?;
    let took = Duration::from_nanos(adapters::runtime::wall_clock_ns() - begin);
    Ok(Started { name: NAME.into(), container, took })
}
