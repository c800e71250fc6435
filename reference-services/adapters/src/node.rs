//! The ports of one process, put together from its configuration.

use std::{collections::BTreeMap, fs::File, io::Write, net::SocketAddr, path::PathBuf, sync::Arc};

use opentelemetry::KeyValue;
use signals::ecs;
use tokio::runtime::Handle;
use world::{Engine, Node, Runtime, Telemetry, World};

use crate::{
    broker::RabbitMq,
    control,
    failpoints::{Crash, Death, Failpoints},
    files::{AddressError, S3},
    http::{Calls, Server, Sockets},
    journal::Journal,
    logbook::{Logbook, Page},
    runtime::{Epoch, TokioEngine},
    store::Postgres,
    telemetry::{Exporter, Interest},
};

/// How many connections to its database a process has at most.
const CONNECTIONS: usize = 16;

/// What the log calls the place where customers are.
const PRODUCTION: &str = "production";

/// Nothing is there: a service that asks its database all the same is told that it does not answer.
const NO_DATABASE: &str = "postgres://no-database.invalid";

/// Where the parts of a process' world are.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The process.
    pub node: Node,
    /// The seed of the run.
    pub seed: u64,
    /// The run's id: one tracing backend may serve several runs.
    pub run: String,
    /// `amqp://user:password@host:port/%2f`.
    pub amqp_url: String,
    /// `postgres://user:password@host:port/name`; a service without it has no database.
    pub database_url: Option<String>,
    /// What faults call that database.
    pub database: String,
    /// `http://host:port/v1/traces`; without it the process is not instrumented.
    pub otlp_url: Option<String>,
    /// Whether trace contexts are passed on.
    pub propagate: bool,
    /// Whether it writes a log.
    pub logs: bool,
    /// The file that a shipper reads the log from, too.
    pub log_file: Option<PathBuf>,
    /// What its log calls the place it runs at: `production`, `test`.
    pub environment: Option<String>,
    /// `http://access-key:secret@host:port/bucket`, where the 3D models are.
    pub s3_url: String,
    /// `http://host:port` of each service, by name.
    pub services: BTreeMap<String, String>,
    /// Where the service is reached.
    pub listen: SocketAddr,
    /// Where the harness asks.
    pub control: SocketAddr,
    /// How other services are called.
    pub calls: Calls,
    /// The header that names an event over all attempts to publish it.
    pub event_id_header: &'static str,
}

/// Why the ports could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database's URL does not parse.
    #[error("database URL")]
    Database(#[from] tokio_postgres::Error),
    /// The object store's URL names no bucket.
    #[error("S3 URL")]
    Files(#[from] AddressError),
    /// What the incarnation before left is none.
    #[error("legacy")]
    Legacy(#[from] serde_json::Error),
    /// No HTTP client.
    #[error("HTTP client")]
    Http(#[from] reqwest::Error),
    /// The OTLP endpoint is none.
    #[error("OTLP endpoint")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The log's file cannot be written.
    #[error("log file {0}")]
    Log(PathBuf, #[source] std::io::Error),
    /// The control address cannot be had.
    #[error("control address {0}")]
    Control(SocketAddr, #[source] std::io::Error),
}

/// How a process dies of a fault: what ends it, and what the incarnation before it left.
pub struct Mortality {
    /// Ends this process; it is told when the run began, nanoseconds since the Unix epoch.
    pub crash: Box<dyn Fn(Death, u64) + Send + Sync>,
    /// What the incarnation before knew of the faults in force, and when the run began, nanoseconds since the Unix epoch.
    pub legacy: Option<(String, u64)>,
}

/// The next incarnation has to know when the run began: nobody tells it once more.
fn dying(crash: Box<dyn Fn(Death, u64) + Send + Sync>, epoch: Epoch) -> Crash {
    Box::new(move |death| crash(death, epoch.get()))
}

/// A process' world, and what stays outside of it.
pub struct Process {
    /// The ports.
    pub world: World,
    /// Its control address, as long as this is kept.
    pub control: Server,
    /// Its exporter, when it is instrumented.
    pub exporter: Option<Exporter>,
}

impl Process {
    /// Puts the ports together on the current tokio runtime; the journal goes to `journal`, the log to `log`.
    ///
    /// # Errors
    /// When part of the configuration is no good. Nothing is connected yet: an outage shows in the service.
    pub async fn start(
        config: Config,
        interest: Interest,
        (journal, log): (impl Write + Send + 'static, impl Write + Send + 'static),
        Mortality { crash, legacy }: Mortality,
    ) -> Result<Self, StartError> {
        let epoch = legacy.as_ref().map_or_else(Epoch::unknown, |(_, epoch_ns)| Epoch::at(*epoch_ns));
        let engine: Arc<dyn Engine> = TokioEngine::new(Handle::current(), config.seed, epoch.clone());
        let rt = Runtime::new(engine, config.node);
        let journal = Journal::new(rt.clone(), journal);
        let failpoints = Failpoints::new(rt.clone(), config.seed, journal.clone(), dying(crash, epoch.clone()));
        if let Some((left, _)) = &legacy {
            failpoints.inherit(left)?;
        }
        let rt = rt.failing(Arc::new(failpoints.clone()));
        let log = config.logs.then(|| logbook(&config, Box::new(log))).transpose()?;
        let (exporter, tracer) = match &config.otlp_url {
            Some(url) => {
                let (exporter, tracer) = Exporter::start(rt.clone(), (url, &config.run), interest, journal.clone())?;
                (Some(exporter), Some(tracer))
            }
            None => (None, None),
        };
        let database_url = config.database_url.as_deref().unwrap_or(NO_DATABASE);
        let world = World {
            broker: Arc::new(
                RabbitMq::new(rt.clone(), config.amqp_url, config.event_id_header, journal).failing(failpoints.clone()),
            ),
            store: Arc::new(Postgres::new(rt.clone(), database_url, CONNECTIONS)?.failing(failpoints.clone(), &config.database)),
            files: Arc::new(S3::new(&config.s3_url)?),
            http: Arc::new(Sockets::new(rt.clone(), Some(config.listen), config.services, config.calls)?),
            telemetry: Telemetry::new(rt.clone(), tracer, config.propagate)
                .logging(log.clone().map(|log| Arc::new(log) as _))
                .debugging(debugs(config.environment.as_deref())),
            rt: rt.clone(),
        };
        let control = control::serve(&rt, config.control, (epoch, failpoints), (exporter.clone(), log)).await;
        let control = control.map_err(|error| StartError::Control(config.control, error))?;
        Ok(Self { world, control, exporter })
    }
}

/// Whether the log of a process says more than what happened: wherever the place has a name, but in production. A shipper that kept it
/// from there would leave holes between the records' numbers.
fn debugs(environment: Option<&str>) -> bool {
    environment.is_some_and(|name| name != PRODUCTION)
}

/// A process' log, and what each of its records says of it.
fn logbook(config: &Config, people: Page) -> Result<Logbook, StartError> {
    let unwritable = |path: &PathBuf, error| StartError::Log(path.clone(), error);
    let append = |path: &PathBuf| File::options().create(true).append(true).open(path).map_err(|error| unwritable(path, error));
    let file = config.log_file.as_ref().map(append).transpose()?;
    let pages = [Some(people), file.map(|file| Box::new(file) as Page)];
    let environment = config.environment.clone().map(|name| KeyValue::new(ecs::ENVIRONMENT, name));
    // Without an environment the log is for people alone, and as in the simulated world.
    let about = environment.into_iter().flat_map(|name| [name, KeyValue::new(ecs::RUN, config.run.clone())]);
    Ok(Logbook::new(config.node, about.collect(), pages.into_iter().flatten().collect()))
}

#[cfg(test)]
mod tests {
    use super::debugs;

    #[test]
    fn production_has_no_debug_records_nor_has_a_place_without_a_name() {
        assert_eq!([Some("production"), None, Some("test"), Some("staging")].map(debugs), [false, false, true, true]);
    }
}
