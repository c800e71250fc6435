//! Kills and restarts the broker and the services through the engine's API, has services stand still ([`processor`]), sets the broker
//! up otherwise ([`changes`]), and lays rules upon the fault proxy ([`rules`]) and the services themselves ([`failpoints`]). What that
//! did is read from the account of the messages ([`effects`], [`felt`]) and told by the proxy and the services.

mod begun;
mod changes;
mod effects;
pub(crate) mod failpoints;
mod felt;
mod processor;
mod purges;
mod rules;
mod services;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adapters::{http::Addresses, journal::Line, runtime::wall_clock_ns};
use begun::Begun;
use changes::Changes;
use effects::{Hit, Window};
use faults::{CallFault, Deed, Effect, Fault, Nemesis, NemesisError, Outage, What};
use processor::Processors;
pub(crate) use services::Death;
use services::Services;
use testcontainers::bollard::{
    Docker,
    query_parameters::{KillContainerOptionsBuilder, StopContainerOptionsBuilder},
};
use world::Boxed;

use crate::{Error, account, detour::Detour, docker, messages::ContainerMessages, parts::rabbitmq};

/// How long the broker may take to stop gracefully before the engine kills it, in seconds.
const GRACE_S: i32 = 60;

/// Inflicts faults on a running stack.
pub struct ContainerNemesis {
    docker: Docker,
    broker: String,
    changes: Changes,
    detour: Option<Arc<Detour>>,
    services: Services,
    processors: Processors,
    messages: Arc<ContainerMessages>,
    queue_of: BTreeMap<String, String>,
    ready: Duration,
    inflicted: Mutex<Vec<Window>>,
    begun: Begun,
}

/// The parts of a stack that can be hit.
pub(crate) struct Targets {
    /// The broker's container.
    pub(crate) broker: String,
    /// Its virtual host, and how long a delivery may stay unanswered there.
    pub(crate) virtual_host: String,
    pub(crate) patience: Option<Duration>,
    /// The fault proxy, where there is one.
    pub(crate) detour: Option<Arc<Detour>>,
    /// Name and container of each service.
    pub(crate) services: BTreeMap<String, String>,
    /// Where the services are.
    pub(crate) addresses: Addresses,
    /// The queue that each routing key leads to.
    pub(crate) queue_of: BTreeMap<String, String>,
    /// How long a part may take until it is ready again.
    pub(crate) ready: Duration,
    /// When the run began, nanoseconds since the Unix epoch.
    pub(crate) epoch_ns: u64,
}

impl ContainerNemesis {
    pub(crate) fn new(docker: Docker, targets: Targets, messages: Arc<ContainerMessages>) -> Arc<Self> {
        let Targets { broker, virtual_host, patience, detour, services, addresses, queue_of, ready, epoch_ns } = targets;
        let changes = Changes::new((docker.clone(), broker.clone()), virtual_host, patience, queue_of.clone());
        let services = Services::new(docker.clone(), services, detour.is_none().then_some(addresses), ready, epoch_ns);
        let (processors, inflicted, begun) = (Processors::default(), Mutex::default(), Begun::default());
        Arc::new(Self { docker, broker, changes, detour, services, processors, messages, queue_of, ready, inflicted, begun })
    }

    /// Whether a service is away because a fault killed it.
    pub(crate) fn away(&self, service: &str) -> bool {
        self.services.away(service)
    }

    /// The processes that were killed so far.
    pub(crate) fn deaths(&self) -> Vec<Death> {
        self.services.deaths()
    }

    /// What faults did at some time from `from_ns` to `until_ns`, nanoseconds since the Unix epoch, or shortly before.
    pub(crate) fn lasting(&self, from_ns: u64, until_ns: u64) -> Vec<Deed> {
        self.begun.lasting(from_ns, until_ns)
    }

    async fn begin(&self, fault: &Fault) -> Result<(), Error> {
        let from_ns = wall_clock_ns();
        let window = |hit, from_ns| self.inflicted().push(Window { fault: fault.name.clone(), hit, from_ns, until_ns: None });
        match fault.kind.deed() {
            Deed::Outage(Outage::Killed) => {
                window(Hit::Broker, from_ns);
                let kill = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
                self.docker.kill_container(&self.broker, Some(kill)).await?;
                self.messages.broker_is_away(docker::dead_since(&self.docker, &self.broker).await.unwrap_or(from_ns));
            }
            Deed::Outage(Outage::Stopped) => {
                window(Hit::Broker, from_ns);
                self.messages.broker_is_away(from_ns);
                let stop = StopContainerOptionsBuilder::new().t(GRACE_S).build();
                self.docker.stop_container(&self.broker, Some(stop)).await?;
            }
            Deed::Kill { service } => {
                let died = failpoints::deaths(&self.messages.lines().await.unwrap_or_default());
                let before = died.iter().filter(|death| death.service == service).count();
                let death = self.services.kill(&service, before).await?;
                window(Hit::Process(death.node), death.at_ns);
            }
            // Of a process that another fault has killed nothing can stand still.
            Deed::Pause { service } if self.away(&service) => {}
            Deed::Pause { service } => {
                let container = self.services.container(&service)?;
                self.processors.pause(&self.docker, &fault.name, container).await?;
                window(Hit::Paused(self.process_of(&service).await), wall_clock_ns());
            }
            Deed::Throttle { service, second_takes } => {
                let container = self.services.container(&service)?;
                self.processors.throttle(&self.docker, &fault.name, (container, second_takes)).await?;
            }
            Deed::Broker(change) => {
                self.changes.lay(&fault.name, &change).await?;
                self.messages.broker_changes(self.changes.to_messages(&fault.name, &change, from_ns));
            }
            // The services are told of its windows when they start, and the driver's people go by it; the ledger sees what it did.
            Deed::Pricing(_) | Deed::People { .. } => {}
            // The others happen inside of the services or at the proxy; what neither can was refused before the run: see `Kind::can`.
            deed => match failpoints::of(&deed) {
                Some(rule) => self.told().lay(&fault.name, &rule).await?,
                None => self.lay(&fault.name, &deed).await?,
            },
        }
        Ok(())
    }

    /// The process that a service runs as now, `<service>-<instance>.<incarnation>`, by the last that any has said.
    async fn process_of(&self, service: &str) -> String {
        let lines = self.messages.lines().await.unwrap_or_default();
        let own = |line: &&Line| account::service(&line.node) == service;
        let last = lines.iter().filter(own).max_by_key(|line| line.at_ns);
        last.map_or_else(|| format!("{service}-1.1"), |line| line.node.clone())
    }

    /// The services, as those that can be told to fail.
    fn told(&self) -> failpoints::Told<'_> {
        failpoints::Told { docker: &self.docker, services: self.services.all(), ready: self.ready }
    }

    /// Lays a rule upon the proxy.
    async fn lay(&self, fault: &str, deed: &Deed) -> Result<(), Error> {
        let Some(detour) = &self.detour else { return Ok(()) };
        let from = match deed {
            Deed::Calls(CallFault { from: Some(from), .. }) => Some(detour.address(from).await?),
            _ => None,
        };
        match rules::of(deed, from) {
            Some(rule) => detour.put(fault, &rule).await,
            None => Ok(()),
        }
    }

    /// Takes it away.
    async fn take_away(&self, fault: &str, deed: &Deed) -> Result<(), Error> {
        let Some(detour) = &self.detour else { return Ok(()) };
        match rules::of(deed, None) {
            Some(_) => detour.delete(fault).await,
            None => Ok(()),
        }
    }

    async fn end(&self, fault: &Fault) -> Result<(), Error> {
        let lifted = match fault.kind.deed() {
            Deed::Outage(_) => {
                self.messages.broker_comes_back(wall_clock_ns());
                rabbitmq::start_again(&self.docker, &self.broker, self.ready).await
            }
            Deed::Kill { service } => self.services.start_again(&service).await,
            Deed::Pause { .. } => self.processors.go_on(&self.docker, &fault.name).await,
            Deed::Throttle { service, .. } => {
                self.processors.free(&self.docker, &fault.name, self.process_of(&service).await).await
            }
            Deed::Broker(change) => self.changes.take_away(&fault.name, &change).await,
            deed if failpoints::of(&deed).is_some() => self.told().take_away(&fault.name).await,
            deed => self.take_away(&fault.name, &deed).await,
        };
        let until_ns = wall_clock_ns();
        self.messages.broker_changes_back(&fault.name, until_ns);
        if let Some(window) = self.inflicted().iter_mut().rfind(|window| window.fault == fault.name) {
            window.until_ns = Some(until_ns);
        }
        lifted
    }

    fn inflicted(&self) -> std::sync::MutexGuard<'_, Vec<Window>> {
        self.inflicted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as proxy, services and broker take it.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn failed(fault: &Fault, error: &Error) -> NemesisError {
    NemesisError::Failed { fault: fault.name.clone(), reason: error.to_string() }
}

impl Nemesis for ContainerNemesis {
    fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(async move {
            self.begun.begin(fault);
            self.begin(fault).await.map_err(|error| failed(fault, &error))
        })
    }

    fn lift<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(async move {
            let ended = self.end(fault).await.map_err(|error| failed(fault, &error));
            self.begun.end(fault);
            ended
        })
    }

    /// Without a readable account there is no proof, and so no effect.
    fn effects(&self) -> Boxed<'_, Vec<Effect>> {
        Box::pin(async move {
            let (fates, lines) = self.messages.account().await.unwrap_or_default();
            let mut windows = self.inflicted().clone();
            windows.extend(failpoints::windows(&lines));
            let mut effects = effects::of(&windows, &lines, &fates, &self.queue_of);
            // That somebody died is said by the window already.
            let inside = failpoints::effects(&lines).filter(|effect| !matches!(effect.what, What::NodeKilled { .. }));
            effects.extend(inside.cloned());
            effects.extend(felt::of(&self.messages.changed(), &fates));
            effects.extend(self.processors.effects());
            if let Some(detour) = &self.detour {
                effects.extend(detour.effects().await.unwrap_or_default().iter().map(rules::told));
            }
            effects.sort_by_key(|effect| effect.at_ns);
            effects
        })
    }
}
