//! The parts of a stack: what each is made of, what it says when it is ready, and how any of them is started.

pub(crate) mod elasticsearch;
pub(crate) mod jaeger;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod rabbitmq;
pub(crate) mod s3;
pub(crate) mod service;
pub(crate) mod shipper;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use adapters::runtime::wall_clock_ns;
use testcontainers::{
    ContainerRequest, CopyDataSource, GenericImage, ImageExt as _,
    bollard::{
        Docker,
        models::{HostConfig, HostConfigLogConfig, PortBinding},
    },
    core::{IntoContainerPort as _, Mount},
    runners::AsyncRunner as _,
};

use crate::{
    Error,
    docker::{self, Output, Part},
};

/// The label that says which part a container is.
pub(crate) const PART: &str = "loupe.part";
/// The label that holds the hash of what a container is made of.
pub(crate) const MADE_OF: &str = "loupe.made-of";

/// What a container is made of.
#[derive(Debug)]
pub(crate) struct Recipe {
    /// What people call it; the end of its host name.
    pub(crate) part: String,
    pub(crate) image: String,
    /// Its ports, each mapped to one of the host's loopback address.
    pub(crate) ports: &'static [u16],
    /// What its entry point is given; the image's own when it is empty.
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// The name it has for itself, where that must be the same after a restart.
    pub(crate) hostname: Option<&'static str>,
    /// Path and text.
    pub(crate) files: Vec<(&'static str, String)>,
    /// A folder that is kept in memory: quick, and empty after each start.
    pub(crate) in_memory: Option<&'static str>,
    /// A folder that it shares with other containers.
    pub(crate) volume: Option<Volume>,
    pub(crate) ready: Ready,
    /// So many times longer than others it may take until it is ready.
    pub(crate) patience: u32,
}

/// A folder that containers share: a volume, and where it is mounted.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) folder: &'static str,
}

impl Recipe {
    pub(crate) fn new(part: impl Into<String>, image: impl Into<String>, ports: &'static [u16], ready: Ready) -> Self {
        Self {
            part: part.into(),
            image: image.into(),
            ports,
            command: Vec::new(),
            environment: BTreeMap::new(),
            hostname: None,
            files: Vec::new(),
            in_memory: None,
            volume: None,
            ready,
            patience: 1,
        }
    }

    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Equal for containers that are made of the same; what the image's name means apart, which may change.
    pub(crate) fn hash(&self) -> String {
        format!("{:016x}", world::random::mix(world::random::name(&format!("{self:?}"))))
    }
}

/// How a container says that it is ready.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ready {
    /// By a line of its log.
    Says(Output, &'static str),
    /// By 200 at a port and a path.
    Answers(u16, &'static str),
    /// By running: it has nobody to tell.
    Runs,
}

/// Whose containers they are, and what that means for them.
pub(crate) struct Owner {
    /// How their names begin.
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) network: String,
    /// The ports of the host that it holds, when they shall stay the same over restarts and be those that people know, where
    /// they are free.
    pub(crate) lasting_ports: Option<Mutex<BTreeSet<u16>>>,
}

impl Owner {
    /// The port of the host for a container's one; `None` leaves it to the engine, at each start anew.
    fn host_port(&self, inner: u16) -> Option<u16> {
        let mut held = self.lasting_ports.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let free = |port| Some(TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok()?.port());
        let wanted = [inner].into_iter().filter(|port| !held.contains(port));
        let port = wanted.chain([0; 8]).filter_map(free).find(|port| !held.contains(port))?;
        held.insert(port);
        Some(port)
    }
}

/// What a part needs to be started.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) docker: &'a Docker,
    pub(crate) owner: &'a Owner,
    /// How long a part may take until it is ready.
    pub(crate) limit: Duration,
}

/// A container that runs.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// What people call it.
    pub(crate) part: String,
    /// What other containers call it.
    pub(crate) host: String,
    pub(crate) id: String,
    /// From its start until it was ready; nothing when it ran before.
    pub(crate) took: Option<Duration>,
}

impl Started {
    /// As something that is waited for.
    pub(crate) fn waited(&self, limit: Duration) -> Part<'_> {
        Part { name: &self.part, container: &self.id, limit }
    }
}

impl Ground<'_> {
    /// Starts a container and waits until it says that it is ready. It is removed by its labels, never by being dropped.
    pub(crate) async fn start(&self, recipe: &Recipe) -> Result<Started, Error> {
        let begin = wall_clock_ns();
        let started = self.request(recipe).start().await;
        let container = started.map_err(|source| Error::Start { part: recipe.part.clone(), source })?;
        let (part, host, id) = (recipe.part.clone(), self.host(&recipe.part), container.id().to_owned());
        // Its destructor would remove the container; whoever owns it does that, or does not.
        std::mem::forget(container);
        let mut started = Started { part, host, id, took: None };
        ready(self.docker, &started.waited(self.limit * recipe.patience), recipe.ready, 0).await?;
        started.took = Some(Duration::from_nanos(wall_clock_ns() - begin));
        Ok(started)
    }

    fn host(&self, part: &str) -> String {
        format!("{}-{part}", self.owner.name)
    }

    fn request(&self, recipe: &Recipe) -> ContainerRequest<GenericImage> {
        let (name, tag) = split(&recipe.image);
        let image = recipe.ports.iter().fold(GenericImage::new(name, tag), |image, port| image.with_exposed_port(port.tcp()));
        let ports: Vec<(u16, Option<u16>)> = recipe.ports.iter().map(|port| (*port, self.owner.host_port(*port))).collect();
        let in_memory = recipe.in_memory;
        let own = [(PART.to_owned(), recipe.part.clone()), (MADE_OF.to_owned(), recipe.hash())];
        let mut request = image
            .with_container_name(self.host(&recipe.part))
            .with_network(self.owner.network.clone())
            .with_labels(self.owner.labels.clone().into_iter().chain(own))
            .with_startup_timeout(self.limit * recipe.patience)
            .with_host_config_modifier(move |host| {
                bind(host, &ports);
                host.tmpfs = in_memory.map(|folder| [(folder.to_owned(), String::new())].into());
            });
        if !recipe.command.is_empty() {
            request = request.with_cmd(recipe.command.clone());
        }
        if let Some(Volume { name, folder }) = &recipe.volume {
            request = request.with_mount(Mount::volume_mount(name.clone(), *folder));
        }
        if let Some(name) = recipe.hostname {
            request = request.with_hostname(name);
        }
        let request = recipe.environment.iter().fold(request, |request, (name, value)| request.with_env_var(name, value));
        recipe
            .files
            .iter()
            .fold(request, |request, (path, text)| request.with_copy_to(*path, CopyDataSource::Data(text.clone().into_bytes())))
    }
}

/// Waits until a container says that it is ready, by its log since a time in seconds since the Unix epoch.
pub(crate) async fn ready(docker: &Docker, part: &Part<'_>, ready: Ready, since_s: i32) -> Result<(), Error> {
    let (port, path) = match ready {
        Ready::Says(output, text) => return docker::said(docker, part, output, text, since_s).await,
        Ready::Answers(port, path) => (port, path),
        Ready::Runs => {
            let runs = || async { docker::running(docker, part.container).await.unwrap_or(false) };
            return docker::answered(docker, part, "it to run", runs).await;
        }
    };
    let client = reqwest::Client::new();
    let good = || async {
        let Ok(port) = docker::port(docker, part.container, port).await else { return false };
        let answer = client.get(format!("http://127.0.0.1:{port}{path}")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    docker::answered(docker, part, "its word that it is ready", good).await
}

/// Ports on the loopback address; a log that can be read back whole.
fn bind(host: &mut HostConfig, ports: &[(u16, Option<u16>)]) {
    let loopback = |port: &Option<u16>| {
        let host_port = port.map(|port| port.to_string());
        Some(vec![PortBinding { host_ip: Some("127.0.0.1".into()), host_port }])
    };
    host.port_bindings = Some(ports.iter().map(|(inner, outer)| (format!("{inner}/tcp"), loopback(outer))).collect());
    host.publish_all_ports = Some(false);
    host.log_config = Some(HostConfigLogConfig { typ: Some("json-file".into()), config: None });
}

/// An image's name and tag. A digest stays whole: name and tag are put together with a colon again.
fn split(image: &str) -> (&str, &str) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_a_registry_is_no_tag() {
        assert_eq!(split("postgres:17"), ("postgres", "17"));
        assert_eq!(split("registry:5000/postgres"), ("registry:5000/postgres", "latest"));
        assert_eq!(split("postgres@sha256:0a"), ("postgres@sha256", "0a"));
    }

    #[test]
    fn lasting_ports_are_the_known_ones_where_they_are_free_and_never_twice_the_same() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let known = taken.local_addr().unwrap().port();
        let owner = |lasting: bool| Owner {
            name: "loupe-test".into(),
            labels: BTreeMap::new(),
            network: String::new(),
            lasting_ports: lasting.then(Mutex::default),
        };
        assert_eq!(owner(false).host_port(known), None);
        let lasting = owner(true);
        assert_ne!(lasting.host_port(known).unwrap(), known, "somebody has it");
        drop(taken);
        let (first, second) = (lasting.host_port(known).unwrap(), lasting.host_port(known).unwrap());
        assert_eq!(first, known);
        assert_ne!(second, known);
    }
}
