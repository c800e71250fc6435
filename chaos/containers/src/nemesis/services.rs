//! Service processes that are killed and started again.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use adapters::{http::Addresses, runtime::wall_clock_ns};
use testcontainers::bollard::{
    Docker,
    query_parameters::{KillContainerOptionsBuilder, StartContainerOptions},
};

use crate::{
    Error,
    docker::Part,
    parts::{self, service},
};

/// A process that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    /// Its service.
    pub(crate) service: String,
    /// The process, as `<service>-<instance>.<incarnation>`.
    pub(crate) node: String,
    /// When it was dead for certain, nanoseconds since the Unix epoch.
    pub(crate) at_ns: u64,
}

/// The services of a stack as targets.
pub(super) struct Services {
    docker: Docker,
    containers: BTreeMap<String, String>,
    /// Where they are; `None` where they are reached through a proxy, which stays.
    addresses: Option<Addresses>,
    ready: Duration,
    epoch_ns: u64,
    deaths: Mutex<Vec<Death>>,
    away: Mutex<Vec<String>>,
}

impl Services {
    pub(super) fn new(
        docker: Docker,
        containers: BTreeMap<String, String>,
        addresses: Option<Addresses>,
        ready: Duration,
        epoch_ns: u64,
    ) -> Self {
        Self { docker, containers, addresses, ready, epoch_ns, deaths: Mutex::default(), away: Mutex::default() }
    }

    pub(super) fn deaths(&self) -> Vec<Death> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn away(&self, service: &str) -> bool {
        self.lock_away().iter().any(|away| away == service)
    }

    fn lock_away(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Name and container of each.
    pub(super) fn all(&self) -> Vec<(&str, &str)> {
        self.containers.iter().map(|(name, container)| (name.as_str(), container.as_str())).collect()
    }

    /// Kills the process of a service that has died so often before in other ways.
    pub(super) async fn kill(&self, service: &str, before: usize) -> Result<Death, Error> {
        let container = self.container(service)?;
        self.lock_away().push(service.to_owned());
        let kill = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        self.docker.kill_container(container, Some(kill)).await?;
        let at_ns = wall_clock_ns();
        let mut deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        // The container counts the starts of its process, from 1.
        let incarnation = deaths.iter().filter(|death| death.service == service).count() + before + 1;
        let death = Death { service: service.to_owned(), node: format!("{service}-1.{incarnation}"), at_ns };
        deaths.push(death.clone());
        Ok(death)
    }

    /// Starts its next incarnation and waits until it lives: the broker may be away because of another fault.
    pub(super) async fn start_again(&self, service: &str) -> Result<(), Error> {
        let container = self.container(service)?;
        self.docker.start_container(container, None::<StartContainerOptions>).await?;
        parts::ready(&self.docker, &Part { name: service, container, limit: self.ready }, service::LIVES, 0).await?;
        service::begin(&self.docker, (service, container), self.epoch_ns).await?;
        if let Some(addresses) = &self.addresses {
            addresses.set(service, service::address(&self.docker, container).await?);
        }
        self.lock_away().retain(|away| away != service);
        Ok(())
    }

    /// The container of a service.
    pub(super) fn container(&self, service: &str) -> Result<&str, Error> {
        self.containers.get(service).map(String::as_str).ok_or_else(|| Error::NoService(service.to_owned()))
    }
}
