//! The parts of a stack: how each is started, and what it says when it is ready.

pub(crate) mod jaeger;
pub(crate) mod postgres;
pub(crate) mod rabbitmq;
pub(crate) mod service;

use std::time::Duration;

use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt as _,
    bollard::{
        Docker,
        models::{HostConfig, HostConfigLogConfig, PortBinding},
    },
    core::IntoContainerPort as _,
    runners::AsyncRunner as _,
};

use crate::{Config, Error, docker::Part, run::Run};

/// What a part needs to be started.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) docker: &'a Docker,
    pub(crate) run: &'a Run,
    pub(crate) config: &'a Config,
}

/// A started container.
pub(crate) struct Started {
    /// What people call it.
    pub(crate) name: String,
    pub(crate) container: ContainerAsync<GenericImage>,
    /// From its start until it was ready.
    pub(crate) took: Duration,
}

impl Started {
    pub(crate) fn id(&self) -> &str {
        self.container.id()
    }
}

impl Ground<'_> {
    /// A container of this run: labelled, on its network, its ports on the host's loopback address alone.
    fn request(&self, part: &str, image: &str, ports: &'static [u16]) -> ContainerRequest<GenericImage> {
        let (name, tag) = split(image);
        let image = ports.iter().fold(GenericImage::new(name, tag), |image, port| image.with_exposed_port(port.tcp()));
        image
            .with_container_name(self.run.name(part))
            .with_network(self.run.name("net"))
            .with_labels(self.run.labels())
            .with_startup_timeout(self.config.limits.ready)
            .with_host_config_modifier(move |host| bind(host, ports))
    }

    /// Starts a container; the caller then waits for what it says.
    async fn start(&self, part: &str, request: ContainerRequest<GenericImage>) -> Result<ContainerAsync<GenericImage>, Error> {
        request.start().await.map_err(|source| Error::Start { part: part.to_owned(), source })
    }

    /// The container as something that is waited for.
    fn part<'b>(&self, name: &'b str, container: &'b ContainerAsync<GenericImage>) -> Part<'b> {
        Part { name, container: container.id(), limit: self.config.limits.ready }
    }
}

/// Ports on the loopback address, each on a free one; a log that can be read back whole.
fn bind(host: &mut HostConfig, ports: &[u16]) {
    let loopback = || Some(vec![PortBinding { host_ip: Some("127.0.0.1".into()), host_port: None }]);
    host.port_bindings = Some(ports.iter().map(|port| (format!("{port}/tcp"), loopback())).collect());
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
}
