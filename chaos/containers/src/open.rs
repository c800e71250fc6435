//! The stack that stays open between runs: RabbitMQ, the databases' servers, the S3 store, Jaeger and Elasticsearch, which runs then
//! share.
//!
//! It is known by the label of its containers, and whether it fits by what they are made of.

mod status;
mod up;

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

pub use status::{PartStatus, Status, status};
use testcontainers::bollard::{
    Docker,
    errors::Error as EngineError,
    models::{ContainerInspectResponse, PortMap},
    query_parameters::ListContainersOptionsBuilder,
};
pub use up::{Up, down, up};

use crate::{
    Blueprint, Error, docker,
    foundation::Plan,
    lock::{self, Hold},
    parts::{MADE_OF, PART, Started},
};

/// The label that holds the name of an open stack.
const STACK: &str = "loupe.stack";
/// The label that holds the version of Loupe that started it.
const VERSION: &str = "loupe.version";
/// The label that holds the folder of its users' locks.
const LOCKS: &str = "loupe.locks";

/// How often a channel of its broker looks for deliveries that are out for too long. A run that wants a coarser tick gets a
/// finer one: a timeout then fires sooner after its time, which is within what the coarser one allows.
pub(crate) const CHANNEL_TICK: Duration = Duration::from_millis(100);
/// How many traces its Jaeger keeps, of all runs together.
pub(crate) const MAX_TRACES: usize = 100_000;

/// An open stack as it was found, whole or not.
pub(crate) struct Open {
    name: String,
    /// By the part's name.
    containers: BTreeMap<String, Container>,
}

/// One of its containers.
struct Container {
    started: Started,
    running: bool,
    /// Since when it runs, RFC 3339.
    since: String,
    /// What led to it in the same moment.
    ports: PortMap,
    /// The image's name when it was started.
    image: String,
    /// And what that meant.
    image_id: String,
    labels: BTreeMap<String, String>,
}

/// What an open stack's parts are made of.
fn plan(blueprint: &Blueprint) -> Plan<'_> {
    let Blueprint { images, databases, .. } = blueprint;
    // Almost every run writes logs. The one start that takes longest is then paid once, beside the other ones.
    Plan { images, databases, channel_tick: Some(CHANNEL_TICK), max_traces: MAX_TRACES, logs: true }
}

/// Docker answers, and an open stack, if there is one, can be used. Asked before runs begin, so that it is said once. Gives whether there
/// is one.
///
/// # Errors
/// When not.
pub async fn check(blueprint: Option<&Blueprint>) -> Result<bool, Error> {
    let docker = docker::connect().await?;
    let Some(blueprint) = blueprint else { return Ok(false) };
    match Open::find(&docker, &blueprint.standing.name).await? {
        Some(open) => open.fits(&docker, blueprint).await.map(|()| true),
        None => Ok(false),
    }
}

impl Open {
    /// Looks for an open stack.
    pub(crate) async fn find(docker: &Docker, name: &str) -> Result<Option<Self>, Error> {
        let label = format!("{STACK}={name}");
        let filters = [("label", vec![label.as_str()])].into_iter().collect();
        let all = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let mut containers = BTreeMap::new();
        for id in docker.list_containers(Some(all)).await?.into_iter().filter_map(|container| container.id) {
            match docker.inspect_container(&id, None).await {
                Ok(found) => drop(Container::of(found).map(|it| containers.insert(it.started.part.clone(), it))),
                // It goes while one looks.
                Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok((!containers.is_empty()).then(|| Self { name: name.to_owned(), containers }))
    }

    /// A part, whether it runs or not.
    pub(crate) fn part(&self, part: &str) -> Result<Started, Error> {
        let container = self.containers.get(part).map(|container| container.started.clone());
        container.ok_or_else(|| self.not_whole(part, "is missing"))
    }

    /// A part that runs.
    pub(crate) fn running(&self, part: &str) -> Result<Started, Error> {
        match self.containers.get(part) {
            Some(container) if !container.running => Err(self.not_whole(part, "has stopped")),
            _ => self.part(part),
        }
    }

    fn not_whole(&self, part: &str, how: &str) -> Error {
        Error::NotWhole { name: self.name.clone(), part: part.to_owned(), how: how.to_owned() }
    }

    /// Where its users keep their locks.
    pub(crate) fn folder(&self) -> PathBuf {
        let folder = self.containers.values().find_map(|container| container.labels.get(LOCKS));
        folder.map_or_else(lock::folder, PathBuf::from)
    }

    /// Its network.
    pub(crate) fn network(&self) -> String {
        network(&self.name)
    }

    /// Held alone by whoever may kill the broker, together by all who use it.
    pub(crate) fn broker_lock(&self) -> PathBuf {
        self.folder().join(format!("stack-{}-broker.lock", self.name))
    }

    /// Says that it is used, until the file is dropped; waits while it is being started or removed.
    pub(crate) async fn used(&self, limit: Duration, say: &(dyn Fn(&str) + Sync)) -> Result<File, Error> {
        let lock = use_lock(&self.folder(), &self.name);
        let taking = lock::take(&lock, Hold::Shared, || say("waiting for the stack, which is being started or removed"));
        docker::limited(limit, taking).await.unwrap_or_else(|| Err(Error::Changing { name: self.name.clone() }))
    }

    /// Whether all of it is there, of the right version and made of the same.
    pub(crate) async fn fits(&self, docker: &Docker, blueprint: &Blueprint) -> Result<(), Error> {
        let differences = self.differences(docker, blueprint).await?;
        if differences.is_empty() {
            return Ok(());
        }
        let (name, version) = (self.name.clone(), blueprint.standing.version.clone());
        Err(Error::OtherStack { name, version, differences })
    }

    /// What of it is not as it should be, in words.
    pub(crate) async fn differences(&self, docker: &Docker, blueprint: &Blueprint) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        let version = &blueprint.standing.version;
        let versions = self.containers.values().filter_map(|container| container.labels.get(VERSION));
        if let Some(other) = versions.into_iter().find(|other| *other != version) {
            found.push(format!("Loupe {other} started it"));
        }
        for recipe in plan(blueprint).recipes() {
            let Some(container) = self.containers.get(&recipe.part) else {
                found.push(format!("{} is missing", recipe.part));
                continue;
            };
            // An image that is not here says nothing.
            let now = docker.inspect_image(&recipe.image).await.ok().and_then(|image| image.id);
            if container.image != recipe.image {
                found.push(format!("{} runs image {}, not {}", recipe.part, container.image, recipe.image));
            } else if now.is_some_and(|now| now != container.image_id) {
                found.push(format!("{} runs an older image {}", recipe.part, recipe.image));
            } else if container.labels.get(MADE_OF) != Some(&recipe.hash()) {
                found.push(format!("{} has other settings", recipe.part));
            }
        }
        Ok(found)
    }
}

/// Held together by all who use a stack, alone by whoever starts or removes it.
fn use_lock(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("stack-{name}.lock"))
}

fn network(name: &str) -> String {
    format!("loupe-{name}-net")
}

impl Container {
    fn of(found: ContainerInspectResponse) -> Option<Self> {
        let (config, state) = (found.config?, found.state.unwrap_or_default());
        let labels: BTreeMap<String, String> = config.labels.unwrap_or_default().into_iter().collect();
        let host = found.name.unwrap_or_default().trim_start_matches('/').to_owned();
        Some(Self {
            started: Started { part: labels.get(PART)?.clone(), host, id: found.id?, took: None },
            running: state.running.unwrap_or(false),
            since: state.started_at.unwrap_or_default(),
            ports: found.network_settings.and_then(|settings| settings.ports).unwrap_or_default(),
            image: config.image.unwrap_or_default(),
            image_id: found.image.unwrap_or_default(),
            labels,
        })
    }
}
