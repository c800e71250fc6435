//! The fault proxy: between the services and everything they talk to, in runs whose faults need it.

use std::collections::BTreeMap;

use proxy::api::{Config as Settings, Kind, Listener};

use super::{Ready, Recipe, jaeger, postgres, rabbitmq, s3, service};
use crate::{Config, foundation::Foundation};

/// The part's name.
pub(crate) const NAME: &str = "proxy";
/// Where it is told what to do.
pub(crate) const CONTROL: u16 = 8474;
/// The listener before the broker.
pub(crate) const BROKER: &str = "broker";
/// The listener before the S3 store.
pub(crate) const FILES: &str = "files";
/// The listener before the tracing backend.
pub(crate) const TRACES: &str = "traces";
/// Where services are reached through it, the first one here and the others behind.
const SERVICES: u16 = 9000;
/// Its ports that are reached from outside: its control address, and as many services as there may be.
const PORTS: [u16; 9] = [CONTROL, 9000, 9001, 9002, 9003, 9004, 9005, 9006, 9007];
const READY: Ready = Ready::Answers(CONTROL, "/ready");

/// The listener before a database.
pub(crate) fn database(name: &str) -> String {
    format!("database-{name}")
}

/// The port of a database: each Postgres has the same, and one proxy stands before all of them.
pub(crate) fn database_port(config: &Config, name: &str) -> u16 {
    postgres::PORT + position(config.databases.iter(), name)
}

/// The port of a service.
pub(crate) fn service_port(config: &Config, name: &str) -> u16 {
    SERVICES + position(config.roles.iter().map(|role| &role.name), name)
}

/// There are few of anything.
fn position<'a>(mut names: impl Iterator<Item = &'a String>, name: &str) -> u16 {
    names.position(|other| other == name).and_then(|at| u16::try_from(at).ok()).unwrap_or_default()
}

/// A proxy before all that the services of a run talk to; `name` is how the run's names begin.
pub(crate) fn recipe(image: &str, (config, foundation, name): (&Config, &Foundation, &str)) -> Recipe {
    let settings = Settings {
        seed: config.seed,
        event_header: config.event_header.clone(),
        listeners: listeners(config, foundation, name),
        host: std::net::Ipv4Addr::UNSPECIFIED.into(),
        control: CONTROL,
        keeps: 1 << 20,
    };
    let environment = BTreeMap::from([("LOUPE_PROXY".to_owned(), serde_json::to_string(&settings).unwrap_or_default())]);
    Recipe { environment, ..Recipe::new(NAME, image, &PORTS, READY) }
}

fn listeners(config: &Config, foundation: &Foundation, name: &str) -> Vec<Listener> {
    let tcp = |name: String, listen: u16, upstream: String| Listener { name, kind: Kind::Tcp, listen, upstream };
    let broker = Listener {
        name: BROKER.to_owned(),
        kind: Kind::Amqp,
        listen: rabbitmq::AMQP,
        upstream: format!("{}:{}", foundation.broker.host, rabbitmq::AMQP),
    };
    let files = tcp(FILES.to_owned(), s3::PORT, format!("{}:{}", foundation.files.host, s3::PORT));
    let traces = tcp(TRACES.to_owned(), jaeger::OTLP, format!("{}:{}", foundation.jaeger.host, jaeger::OTLP));
    let databases = foundation
        .databases
        .iter()
        .map(|(of, server)| tcp(database(of), database_port(config, of), format!("{}:{}", server.host, postgres::PORT)));
    let services = config
        .roles
        .iter()
        .map(|role| tcp(role.name.clone(), service_port(config, &role.name), format!("{name}-{}:{}", role.name, service::HTTP)));
    [broker, files, traces].into_iter().chain(databases).chain(services).collect()
}
