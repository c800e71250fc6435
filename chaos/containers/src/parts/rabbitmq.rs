//! RabbitMQ with its management interface.

use std::time::Duration;

use testcontainers::{CopyDataSource, ImageExt as _};

use super::{Ground, Started};
use crate::{
    Error, Rabbit,
    docker::{self, Output},
};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "rabbitmq";
/// User and password, for AMQP and the management interface.
pub(crate) const USER: &str = "loupe";
/// AMQP.
pub(crate) const AMQP: u16 = 5672;
/// The management interface.
pub(crate) const MANAGEMENT: u16 = 15672;
/// What it says on stdout when it is ready.
pub(crate) const READY: &str = "Server startup complete";

/// Starts it and waits until it is ready.
pub(crate) async fn start(ground: Ground<'_>) -> Result<Started, Error> {
    let begin = adapters::runtime::wall_clock_ns();
    let request = ground
        .request(NAME, &ground.config.images.rabbitmq, &[AMQP, MANAGEMENT])
        // The node's name, and with it the folder of its queues, must be the same after a restart.
        .with_hostname(NAME)
        .with_env_var("RABBITMQ_DEFAULT_USER", USER)
        .with_env_var("RABBITMQ_DEFAULT_PASS", USER)
        // No busy waiting: the parts of a run share a few cores.
        .with_env_var("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+sbwt none +sbwtdcpu none +sbwtdio none")
        .with_copy_to("/etc/rabbitmq/advanced.config", CopyDataSource::Data(advanced(ground.config.rabbit).into_bytes()));
    let container = ground.start(NAME, request).await?;
    docker::said(ground.docker, &ground.part(NAME, &container), Output::Stdout, READY, 0).await?;
    let took = Duration::from_nanos(adapters::runtime::wall_clock_ns() - begin);
    Ok(Started { name: NAME.into(), container, took })
}

/// Settings that only this file takes.
fn advanced(rabbit: Rabbit) -> String {
    let setting = |name: &str, value: Option<Duration>| value.map(|value| format!("{{{name}, {}}}", value.as_millis()));
    let settings = [setting("consumer_timeout", rabbit.consumer_timeout), setting("channel_tick_interval", rabbit.channel_tick)];
    let settings: Vec<String> = settings.into_iter().flatten().collect();
    format!("[{{rabbit, [{}]}}].\n", settings.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_said() {
        let millis = Duration::from_millis;
        assert_eq!(advanced(Rabbit::default()), "[{rabbit, []}].\n");
        let scaled = Rabbit { consumer_timeout: Some(millis(30_000)), channel_tick: Some(millis(1000)) };
        assert_eq!(advanced(scaled), "[{rabbit, [{consumer_timeout, 30000}, {channel_tick_interval, 1000}]}].\n");
    }
}
