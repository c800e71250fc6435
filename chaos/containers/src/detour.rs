//! The fault proxy of a run, as whoever inflicts faults talks to it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use adapters::runtime::wall_clock_ns;
use proxy::api::{Effect, How, Page, Rule};
use reqwest::Method;
use testcontainers::bollard::Docker;

use crate::{Error, docker, parts::proxy::CONTROL};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
const NS_PER_MS: u64 = 1_000_000;

/// A proxy that runs.
pub(crate) struct Detour {
    docker: Docker,
    container: String,
    client: reqwest::Client,
    /// Name and container of each service.
    services: BTreeMap<String, String>,
    /// By how many milliseconds each fault delays messages.
    delays: Mutex<BTreeMap<String, u64>>,
}

impl Detour {
    pub(crate) fn new(docker: Docker, container: String, services: BTreeMap<String, String>) -> Self {
        Self { docker, container, client: reqwest::Client::new(), services, delays: Mutex::default() }
    }

    /// A rule is in force from now on.
    pub(crate) async fn put(&self, fault: &str, rule: &Rule) -> Result<(), Error> {
        if let How::Delay { ms } = rule.how {
            self.delays().insert(fault.to_owned(), ms);
        }
        let body = serde_json::to_vec(rule).map_err(|error| Error::Proxy(error.to_string()))?;
        self.ask(Method::PUT, &format!("rules/{fault}"), body).await.map(drop)
    }

    /// It is in force no more.
    pub(crate) async fn delete(&self, fault: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("rules/{fault}"), Vec::new()).await.map(drop)
    }

    /// Everything that rules did so far. Clients without a name of their own are called by their service.
    pub(crate) async fn effects(&self) -> Result<Vec<Effect>, Error> {
        let names = self.names().await?;
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let answer = self.ask(Method::GET, &format!("effects?after={after}"), Vec::new()).await?;
            let page: Page<Effect> = answer.json().await.map_err(failed)?;
            if page.dropped > 0 {
                return Err(Error::Proxy(format!("{} effects were not read in time", page.dropped)));
            }
            if page.items.is_empty() {
                break;
            }
            after = page.next;
            all.extend(page.items);
        }
        for effect in &mut all {
            if let Some(service) = names.get(&*effect.client) {
                effect.client = service.as_str().into();
            }
        }
        Ok(all)
    }

    /// How many messages it holds back now.
    pub(crate) async fn held(&self) -> Result<u64, Error> {
        let delays = self.delays().clone();
        if delays.is_empty() {
            return Ok(0);
        }
        let now_ns = wall_clock_ns();
        let held = |effect: &&Effect| delays.get(&*effect.fault).is_some_and(|ms| effect.at_ns + ms * NS_PER_MS > now_ns);
        Ok(self.effects().await?.iter().filter(held).count() as u64)
    }

    /// Where a service calls from.
    pub(crate) async fn address(&self, service: &str) -> Result<String, Error> {
        let found = self.names().await?.into_iter().find(|(_, name)| name == service);
        found.map(|(address, _)| address).ok_or_else(|| Error::NoService(service.to_owned()))
    }

    /// The addresses of the services, each with its name.
    async fn names(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut names = BTreeMap::new();
        for (service, container) in &self.services {
            for address in docker::addresses(&self.docker, container).await? {
                names.insert(address, service.clone());
            }
        }
        Ok(names)
    }

    fn delays(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.delays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Result<reqwest::Response, Error> {
        let port = docker::port(&self.docker, &self.container, CONTROL).await?;
        let request = self.client.request(method, format!("http://127.0.0.1:{port}/{path}")).body(body).timeout(ANSWER);
        let answer = request.send().await.map_err(failed)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(Error::Proxy(answer.text().await.unwrap_or_default()))
    }
}

fn failed(error: reqwest::Error) -> Error {
    Error::Proxy(error.without_url().to_string())
}
