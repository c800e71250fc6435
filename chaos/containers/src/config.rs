//! What is wanted of a stack.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// A stack for one run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which images.
    pub images: Images,
    /// The binary of all services: a Linux executable for the base image.
    pub app: PathBuf,
    /// The binary of the fault proxy, when a fault of the run needs one; services then talk to everything through it.
    pub proxy: Option<PathBuf>,
    /// The header that names an event over all attempts to publish it.
    pub event_header: String,
    /// The seed of the run.
    pub seed: u64,
    /// The services, in the order they are listed.
    pub roles: Vec<Role>,
    /// Names of the databases, each a Postgres of its own.
    pub databases: Vec<String>,
    /// The broker's settings.
    pub rabbit: Rabbit,
    /// The queue that each routing key leads to: what is lost was in one.
    pub queue_of: BTreeMap<String, String>,
    /// The queues of dead letters, which nobody consumes; each is declared by the services.
    pub parking: Vec<String>,
    /// How many traces Jaeger keeps; more push out the oldest.
    pub max_traces: usize,
    /// How long things may take.
    pub limits: Limits,
    /// The open stack that the run uses when it is up; without it all parts are the run's own.
    pub open: Option<Standing>,
    /// Whether a fault of the run hits the broker.
    pub breaks_broker: bool,
    /// What the run's logs call the place it runs at: small letters. `production` keeps INFO and above.
    pub environment: String,
    /// A statement of the run that takes its database's server this long, or longer, goes into the run's logs: whole milliseconds.
    pub slow_statement: Duration,
}

impl Config {
    /// Whether any service writes a log: without one, nobody needs Elasticsearch.
    pub(crate) fn logs(&self) -> bool {
        self.roles.iter().any(|role| role.logs)
    }

    /// The open stack as it must be to be used.
    pub(crate) fn blueprint(&self) -> Option<Blueprint> {
        self.open.clone().map(|standing| Blueprint {
            standing,
            images: self.images.clone(),
            databases: self.databases.clone(),
            limits: self.limits,
        })
    }
}

/// An open stack, by name, and the version of Loupe that it must be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name; there may be several.
    pub name: String,
    /// The version.
    pub version: String,
}

/// What an open stack is made of.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// Which one.
    pub standing: Standing,
    /// Which images.
    pub images: Images,
    /// Names of the databases, each a Postgres of its own.
    pub databases: Vec<String>,
    /// How long things may take.
    pub limits: Limits,
}

/// A service: process 1 of its own container.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name: the binary's argument and, for the others, its host name.
    pub name: String,
    /// The database it uses, by name.
    pub database: Option<String>,
    /// Whether it exports spans.
    pub traces: bool,
    /// Whether it writes a log.
    pub logs: bool,
    /// Whether it passes trace contexts on.
    pub propagates: bool,
    /// More of its environment.
    pub environment: BTreeMap<String, String>,
}

/// Image names, as `docker run` takes them. The defaults are the official images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// RabbitMQ 4 with the management plugin.
    pub rabbitmq: String,
    /// PostgreSQL.
    pub postgres: String,
    /// Jaeger v2.
    pub jaeger: String,
    /// An S3 store: VersityGW.
    pub s3: String,
    /// Elasticsearch 8 or later.
    pub elasticsearch: String,
    /// The light shipper: rsyslog 8 with its output to Elasticsearch.
    pub shipper: String,
    /// What the services' image is built on; its C library must be as new as the one the binary was linked with.
    pub base: String,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            rabbitmq: "rabbitmq:4-management".into(),
            postgres: "postgres:17".into(),
            jaeger: "cr.jaegertracing.io/jaegertracing/jaeger:2.13.0".into(),
            s3: "versity/versitygw:v1.8.0".into(),
            elasticsearch: "docker.elastic.co/elasticsearch/elasticsearch:8.19.21".into(),
            shipper: "rsyslog/rsyslog-collector:2025-06".into(),
            base: "debian:trixie-slim".into(),
        }
    }
}

impl Images {
    /// The defaults, or what `LOUPE_IMAGE_RABBITMQ`, `_POSTGRES`, `_JAEGER`, `_S3`, `_ELASTICSEARCH`, `_SHIPPER` and
    /// `_BASE` say; `variable` looks one up.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let default = Self::default();
        let name =
            |part: &str, default| variable(&format!("LOUPE_IMAGE_{part}")).filter(|name| !name.is_empty()).unwrap_or(default);
        Self {
            rabbitmq: name("RABBITMQ", default.rabbitmq),
            postgres: name("POSTGRES", default.postgres),
            jaeger: name("JAEGER", default.jaeger),
            s3: name("S3", default.s3),
            elasticsearch: name("ELASTICSEARCH", default.elasticsearch),
            shipper: name("SHIPPER", default.shipper),
            base: name("BASE", default.base),
        }
    }
}

/// Settings of RabbitMQ that a scaled run scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rabbit {
    /// How long a delivery may stay unacknowledged; RabbitMQ's own default is 30 minutes.
    pub consumer_timeout: Option<Duration>,
    /// How often a channel looks for such deliveries; RabbitMQ's own default is a minute.
    pub channel_tick: Option<Duration>,
}

/// How long things may take before the run is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One part, from its start until it says that it is ready.
    pub ready: Duration,
    /// An image from a registry.
    pub pull: Duration,
    /// From the end of the run until Jaeger has given back every span that was exported, and Elasticsearch every log record.
    pub testimony: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { ready: seconds(60), pull: seconds(600), testimony: seconds(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_replaces_single_images() {
        let images = Images::from_environment(|name| (name == "LOUPE_IMAGE_JAEGER").then(|| "mirror/jaeger:2".into()));
        assert_eq!(images, Images { jaeger: "mirror/jaeger:2".into(), ..Images::default() });
    }
}
