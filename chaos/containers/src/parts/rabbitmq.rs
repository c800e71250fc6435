//! RabbitMQ with its management interface.

use std::time::Duration;

use adapters::runtime::wall_clock_ns;
use faults::Resource;
use testcontainers::bollard::{Docker, query_parameters::StartContainerOptions};

use super::{Ready, Recipe};
use crate::{
    Error,
    docker::{self, Output, Part},
    management::Management,
};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "rabbitmq";
/// User and password, for AMQP and the management interface.
pub(crate) const USER: &str = "loupe";
/// AMQP.
pub(crate) const AMQP: u16 = 5672;
/// The management interface.
pub(crate) const MANAGEMENT: u16 = 15672;
/// The counters, in Prometheus' text format.
pub(crate) const PROMETHEUS: u16 = 15692;
/// Where it keeps its files.
pub(crate) const FILES: &str = "/var/lib/rabbitmq";
/// The queue that somebody listens to the firehose by. It is none of the run's.
pub(crate) const FIREHOSE: &str = "loupe.firehose";
/// How often its processes tell their counts, in milliseconds; RabbitMQ's own default is five seconds.
const TELLS_EVERY_MS: u64 = 1_000;
/// What it says on stdout when it is ready.
const READY: Ready = Ready::Says(Output::Stdout, "Server startup complete");

/// A RabbitMQ whose channels look so often for deliveries that are out for too long.
///
/// That is the one setting of a scaled run that no virtual host can have to itself.
pub(crate) fn recipe(image: &str, channel_tick: Option<Duration>) -> Recipe {
    let plain = Recipe::new(NAME, image, &[AMQP, MANAGEMENT, PROMETHEUS], READY);
    // The node's name, and with it the folder of its queues, must be the same after a restart.
    Recipe { hostname: Some(NAME), files: vec![("/etc/rabbitmq/advanced.config", advanced(channel_tick))], ..plain }
        .set("RABBITMQ_DEFAULT_USER", USER)
        .set("RABBITMQ_DEFAULT_PASS", USER)
        // No busy waiting: the parts of a run share a few cores.
        .set("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none")
}

/// The address of a virtual host.
pub(crate) fn url(host: &str, port: u16, virtual_host: &str) -> String {
    format!("amqp://{USER}:{USER}@{host}:{port}/{virtual_host}?heartbeat=5")
}

/// Starts a broker that has stopped, and waits until it says that it is ready, this time, and its management interface answers.
pub(crate) async fn start_again(docker: &Docker, container: &str, limit: Duration) -> Result<(), Error> {
    let since_s = i32::try_from(wall_clock_ns() / 1_000_000_000).unwrap_or(i32::MAX);
    docker.start_container(container, None::<StartContainerOptions>).await?;
    super::ready(docker, &Part { name: NAME, container, limit }, READY, since_s).await?;
    answers(docker, container, limit).await
}

/// Waits until its management interface answers.
pub(crate) async fn answers(docker: &Docker, container: &str, limit: Duration) -> Result<(), Error> {
    let management = Management::new(docker.clone(), container);
    let part = Part { name: NAME, container, limit };
    docker::answered(docker, &part, "an answer of its management interface", || management.answers()).await
}

/// Runs `rabbitmqctl` in a broker and gives what that printed.
pub(crate) async fn ctl(docker: &Docker, container: &str, arguments: &[&str]) -> Result<String, Error> {
    let command: Vec<&str> = ["rabbitmqctl", "--quiet"].iter().chain(arguments).copied().collect();
    Ok(docker::run(docker, container, Some("rabbitmq"), &command).await?)
}

/// Makes a broker short of something, or gives it back what is its default.
pub(crate) async fn alarm(docker: &Docker, container: &str, resource: Resource, on: bool) -> Result<(), Error> {
    let arguments = match (resource, on) {
        (Resource::Memory, true) => ["set_vm_memory_high_watermark", "0"],
        (Resource::Memory, false) => ["set_vm_memory_high_watermark", "0.6"],
        (Resource::Disk, true) => ["set_disk_free_limit", "9999GB"],
        (Resource::Disk, false) => ["set_disk_free_limit", "50MB"],
    };
    match ctl(docker, container, &arguments).await?.trim() {
        "" => Ok(()),
        complaint => Err(Error::Management(complaint.to_owned())),
    }
}

/// Settings that only this file takes.
fn advanced(channel_tick: Option<Duration>) -> String {
    let tick = channel_tick.map_or_else(String::new, |tick| format!(", {{channel_tick_interval, {}}}", tick.as_millis()));
    format!("[{{rabbit, [{{collect_statistics_interval, {TELLS_EVERY_MS}}}{tick}]}}].\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_said() {
        assert_eq!(advanced(None), "[{rabbit, [{collect_statistics_interval, 1000}]}].\n");
        let scaled = "[{rabbit, [{collect_statistics_interval, 1000}, {channel_tick_interval, 500}]}].\n";
        assert_eq!(advanced(Some(Duration::from_millis(500))), scaled);
    }
}
