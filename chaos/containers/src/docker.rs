//! The engine's API, as far as it is needed: logs, ports, states.

use std::time::{Duration, UNIX_EPOCH};

use futures_util::StreamExt as _;
use testcontainers::{
    bollard::{
        Docker,
        container::LogOutput,
        errors::Error as EngineError,
        exec::{CreateExecOptions, StartExecResults},
        models::PortMap,
        query_parameters::LogsOptionsBuilder,
    },
    core::client::docker_client_instance,
};

use crate::Error;

/// How many lines of a log an error shows.
const TAIL: &str = "15";
/// How long to leave a part alone between two questions whether it is ready.
const PAUSE: Duration = Duration::from_millis(50);

/// The engine, which answers.
pub(crate) async fn connect() -> Result<Docker, Error> {
    let docker = docker_client_instance().await.map_err(|error| Error::NoDocker { reason: error.to_string() })?;
    docker.ping().await.map_err(|error| Error::NoDocker { reason: root_cause(&error) })?;
    Ok(docker)
}

/// The innermost cause, which is the one that tells people something.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Waits between two questions.
#[expect(clippy::disallowed_methods, reason = "starting and removing containers belongs to no node of the world")]
pub(crate) async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Gives a future a limited time.
#[expect(clippy::disallowed_methods, reason = "starting and removing containers belongs to no node of the world")]
pub(crate) async fn limited<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}

/// The end of a container's log, both streams.
pub(crate) async fn log_tail(docker: &Docker, container: &str) -> String {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(TAIL).build();
    let chunks: Vec<_> = docker.logs(container, Some(options)).collect().await;
    chunks.into_iter().flatten().map(|chunk| chunk.to_string()).collect()
}

/// Everything a container wrote to one of its outputs, over all of its starts.
pub(crate) async fn written(docker: &Docker, container: &str, output: Output) -> Result<Vec<u8>, EngineError> {
    written_since(docker, container, output, 0).await
}

/// The same from a time on, in seconds since the Unix epoch.
pub(crate) async fn written_since(
    docker: &Docker,
    container: &str,
    output: Output,
    since_s: i32,
) -> Result<Vec<u8>, EngineError> {
    let (stdout, stderr) = (matches!(output, Output::Stdout), matches!(output, Output::Stderr));
    let options = LogsOptionsBuilder::new().stdout(stdout).stderr(stderr).since(since_s).build();
    let mut chunks = Box::pin(docker.logs(container, Some(options)));
    let mut text = Vec::new();
    while let Some(chunk) = chunks.next().await {
        match chunk? {
            LogOutput::StdIn { .. } => {}
            LogOutput::StdOut { message } | LogOutput::StdErr { message } | LogOutput::Console { message } => {
                text.extend_from_slice(&message);
            }
        }
    }
    Ok(text)
}

/// Runs a command in a container, as a user of it or as its own one, and gives what that printed on both outputs.
pub(crate) async fn run(docker: &Docker, container: &str, user: Option<&str>, command: &[&str]) -> Result<String, EngineError> {
    let options = CreateExecOptions {
        cmd: Some(command.iter().map(|argument| (*argument).to_owned()).collect()),
        user: user.map(str::to_owned),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..CreateExecOptions::default()
    };
    let exec = docker.create_exec(container, options).await?;
    let mut printed = String::new();
    if let StartExecResults::Attached { mut output, .. } = docker.start_exec(&exec.id, None).await? {
        while let Some(chunk) = output.next().await {
            printed.push_str(&chunk?.to_string());
        }
    }
    Ok(printed)
}

/// One of a container's outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

/// Waits until an output holds a text, written at `since_s` (seconds since the Unix epoch) or later.
pub(crate) async fn said(docker: &Docker, part: &Part<'_>, output: Output, text: &str, since_s: i32) -> Result<(), Error> {
    let (stdout, stderr) = (matches!(output, Output::Stdout), matches!(output, Output::Stderr));
    let options = LogsOptionsBuilder::new().follow(true).stdout(stdout).stderr(stderr).since(since_s).build();
    let listening = async {
        let mut chunks = Box::pin(docker.logs(part.container, Some(options)));
        let mut heard = String::new();
        while let Some(chunk) = chunks.next().await {
            heard.push_str(&chunk?.to_string());
            if heard.contains(text) {
                return Ok(true);
            }
        }
        Ok::<bool, Error>(false)
    };
    match limited(part.limit, listening).await {
        Some(Ok(true)) => Ok(()),
        Some(Ok(false)) => Err(ended(docker, part).await),
        Some(Err(error)) => Err(error),
        None => Err(not_ready(docker, part, &format!("\"{text}\" in its log")).await),
    }
}

/// Asks until the answer is yes; gives up when the container has ended or its time is over.
pub(crate) async fn answered<F: Future<Output = bool>>(
    docker: &Docker,
    part: &Part<'_>,
    waited_for: &str,
    ask: impl Fn() -> F,
) -> Result<(), Error> {
    let asking = async {
        for turn in 1u32.. {
            if ask().await {
                return Ok(());
            }
            if turn.is_multiple_of(10) && !running(docker, part.container).await? {
                return Err(ended(docker, part).await);
            }
            pause().await;
        }
        Ok(())
    };
    match limited(part.limit, asking).await {
        Some(result) => result,
        None => Err(not_ready(docker, part, waited_for).await),
    }
}

/// A container that is waited for.
pub(crate) struct Part<'a> {
    /// What people call it.
    pub(crate) name: &'a str,
    /// The container's id.
    pub(crate) container: &'a str,
    /// How long it may take.
    pub(crate) limit: Duration,
}

async fn not_ready(docker: &Docker, part: &Part<'_>, waited_for: &str) -> Error {
    Error::NotReady {
        part: part.name.to_owned(),
        waited_for: format!("waited for {waited_for}"),
        limit: part.limit,
        log: log_tail(docker, part.container).await,
    }
}

pub(crate) async fn ended(docker: &Docker, part: &Part<'_>) -> Error {
    let state = docker.inspect_container(part.container, None).await.ok().and_then(|container| container.state);
    let code = state.and_then(|state| state.exit_code).unwrap_or(-1);
    Error::Ended { part: part.name.to_owned(), code, log: log_tail(docker, part.container).await }
}

/// Whether a container runs.
pub(crate) async fn running(docker: &Docker, container: &str) -> Result<bool, Error> {
    let state = docker.inspect_container(container, None).await?.state;
    Ok(state.and_then(|state| state.running).unwrap_or(false))
}

/// When a container that runs was started, as the engine writes it; `None` when it does not run or is gone.
pub(crate) async fn started_at(docker: &Docker, container: &str) -> Result<Option<String>, Error> {
    match docker.inspect_container(container, None).await {
        Ok(found) => Ok(found.state.filter(|state| state.running == Some(true)).and_then(|state| state.started_at)),
        Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// When a container that does not run ended, nanoseconds since the Unix epoch; `None` when it runs or never did.
pub(crate) async fn dead_since(docker: &Docker, container: &str) -> Option<u64> {
    let state = docker.inspect_container(container, None).await.ok()?.state.filter(|state| state.running == Some(false))?;
    // What never ended did so in the year 1.
    let ended = humantime::parse_rfc3339(&state.finished_at?).ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(ended.as_nanos()).ok()
}

/// A container's own addresses in its networks: others after each start.
pub(crate) async fn addresses(docker: &Docker, container: &str) -> Result<Vec<String>, Error> {
    let settings = docker.inspect_container(container, None).await?.network_settings;
    let networks = settings.and_then(|settings| settings.networks).unwrap_or_default();
    Ok(networks.into_values().filter_map(|network| network.ip_address).filter(|address| !address.is_empty()).collect())
}

/// The host's port that leads to a container's port now: another one after each start.
pub(crate) async fn port(docker: &Docker, container: &str, inner: u16) -> Result<u16, Error> {
    let ports = docker.inspect_container(container, None).await?.network_settings.and_then(|settings| settings.ports);
    mapped(&ports.unwrap_or_default(), inner).ok_or_else(|| {
        Error::Docker(EngineError::DockerResponseServerError {
            status_code: 404,
            message: format!("port {inner} of {container} is not mapped"),
        })
    })
}

/// The same, of a container that was looked at before; `None` when nothing led there then.
pub(crate) fn mapped(ports: &PortMap, inner: u16) -> Option<u16> {
    let bindings = ports.get(&format!("{inner}/tcp"))?.as_ref()?;
    bindings.iter().find_map(|binding| binding.host_port.as_ref()?.parse().ok())
}
