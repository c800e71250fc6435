//! Why there is no stack: one clear sentence, with the end of the container's log where there is one.

use std::time::Duration;

use testcontainers::{TestcontainersError, bollard};

/// Why the containers world could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers as the Docker engine.
    #[error("Docker is not running or cannot be reached ({reason}); start it, or point DOCKER_HOST to it")]
    NoDocker {
        /// What the attempt met.
        reason: String,
    },
    /// An image is neither here nor to be had.
    #[error("image {image} is not here and cannot be pulled ({reason}); pull or build it, or name another one with {variable}")]
    NoImage {
        /// The image.
        image: String,
        /// The environment variable that names another one.
        variable: &'static str,
        /// What the registry said.
        reason: String,
    },
    /// The services' binary cannot be read.
    #[error("the services' binary {path} cannot be read: {source}")]
    NoApp {
        /// Where it was looked for.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The services' image could not be built.
    #[error("the services' image cannot be built: {reason}")]
    Build {
        /// What the engine said.
        reason: String,
    },
    /// A fault names a service that is none of the stack's.
    #[error("no service is called {0}")]
    NoService(String),
    /// A service does not listen to the harness.
    #[error("{part} cannot be told when the run begins: {reason}")]
    Control {
        /// The service.
        part: String,
        /// What the attempt met.
        reason: String,
    },
    /// A part did not become ready in time.
    #[error("{part} did not become ready within {} s: {waited_for}{}", limit.as_secs(), tail(log))]
    NotReady {
        /// The part.
        part: String,
        /// What was waited for.
        waited_for: String,
        /// How long.
        limit: Duration,
        /// The end of its log.
        log: String,
    },
    /// A part ended by itself.
    #[error("{part} ended with code {code}{}", tail(log))]
    Ended {
        /// The part.
        part: String,
        /// Its exit code.
        code: i64,
        /// The end of its log.
        log: String,
    },
    /// A container could not be made or started.
    #[error("{part} could not be started: {source}")]
    Start {
        /// The part.
        part: String,
        /// Why.
        source: TestcontainersError,
    },
    /// The engine does not remove a network that nothing is in any more: a stale endpoint of its own, gone when it is started again.
    #[error(
        "Docker keeps the empty network {network} ({source}); the next run asks again, and an engine started anew lets go of it"
    )]
    NetworkKept {
        /// Its name.
        network: String,
        /// What the engine said.
        source: bollard::errors::Error,
    },
    /// The engine refused something else.
    #[error("Docker: {0}")]
    Docker(#[from] bollard::errors::Error),
    /// RabbitMQ's management interface does not answer.
    #[error("RabbitMQ's management interface: {0}")]
    Management(String),
    /// The fault proxy does not do as it is told.
    #[error("the fault proxy: {0}")]
    Proxy(String),
    /// Nobody can listen to the broker's firehose.
    #[error("RabbitMQ's firehose cannot be listened to: {0}")]
    Firehose(String),
    /// The object store does not give the run its bucket.
    #[error("the bucket of the 3D models: {0}")]
    Bucket(String),
    /// Elasticsearch does not do as it is asked.
    #[error("Elasticsearch: {0}")]
    Logs(String),
    /// What the shipper is to read cannot be put there.
    #[error("the shipper's folder: {0}")]
    Shipper(std::io::Error),
    /// A process' journal cannot be read.
    #[error("the journal of {part} cannot be read: {reason}")]
    Journal {
        /// The service.
        part: String,
        /// Why.
        reason: String,
    },
    /// A database's server does not do what it is asked.
    #[error("{part}: {reason}")]
    Database {
        /// The server.
        part: String,
        /// What it said.
        reason: String,
    },
    /// The open stack is of another version, or made of something else.
    #[error(
        "the open stack `{name}` does not fit Loupe {version}: {}; `cargo xtask stack up` replaces it, `cargo xtask stack down` removes it",
        differences.join(", ")
    )]
    OtherStack {
        /// Its name.
        name: String,
        /// The version that was wanted.
        version: String,
        /// What is different, in words.
        differences: Vec<String>,
    },
    /// A part of the open stack cannot be used.
    #[error("the open stack `{name}` is not whole: {part} {how}; `cargo xtask stack up` makes it whole")]
    NotWhole {
        /// Its name.
        name: String,
        /// The part.
        part: String,
        /// What became of it.
        how: String,
    },
    /// Somebody starts or removes the open stack, and does not come to an end.
    #[error("the open stack `{name}` is still being started or removed; try again")]
    Changing {
        /// Its name.
        name: String,
    },
    /// Runs use the open stack.
    #[error("the open stack `{name}` is in use by {}; end that first", users(runs))]
    InUse {
        /// Its name.
        name: String,
        /// Their ids.
        runs: Vec<String>,
    },
    /// The lock file of a run or of the open stack cannot be had.
    #[error("lock file {path}: {source}")]
    Lock {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

fn users(runs: &[String]) -> String {
    let all: Vec<String> = runs.iter().map(|run| format!("run {run}")).collect();
    all.join(" and ")
}

/// A log's end as the lower part of a message.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.trim_end().lines().collect();
    if lines.is_empty() {
        return "\n  its log is empty".into();
    }
    lines.iter().fold("\n  the end of its log:".to_owned(), |text, line| text + "\n  | " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_ends_with_the_end_of_the_log() {
        let error = Error::Ended { part: "mes-api".into(), code: 101, log: "starting\npanicked\n".into() };
        assert_eq!(error.to_string(), "mes-api ended with code 101\n  the end of its log:\n  | starting\n  | panicked");
    }
}
