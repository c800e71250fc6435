//! The account of all messages of a running stack.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use adapters::{journal::Line, runtime::wall_clock_ns};
use faults::{MessageFate, MessageLog};
use futures_util::future::try_join_all;
use testcontainers::bollard::Docker;
use world::Boxed;

use crate::{
    Error, account,
    account::{Changed, Outage},
    detour::Detour,
    docker::{self, Output},
    management::Management,
};

/// Reads the processes' journals and asks the broker.
pub struct ContainerMessages {
    docker: Docker,
    management: Management,
    virtual_host: String,
    /// Queues that nobody consumes: what has come to them moves no more.
    parking: Vec<String>,
    /// Name and container of each process.
    processes: Vec<(String, String)>,
    outages: Mutex<Vec<Outage>>,
    changes: Mutex<Vec<Changed>>,
    failure: Mutex<Option<String>>,
    /// What holds messages back.
    detour: Option<Arc<Detour>>,
}

impl ContainerMessages {
    pub(crate) fn new(
        docker: Docker,
        (management, virtual_host, parking): (Management, String, Vec<String>),
        processes: Vec<(String, String)>,
        detour: Option<Arc<Detour>>,
    ) -> Arc<Self> {
        let (outages, changes, failure) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { docker, management, virtual_host, parking, processes, outages, changes, failure, detour })
    }

    /// The broker takes nothing more from now on.
    pub(crate) fn broker_is_away(&self, from_ns: u64) {
        self.lock_outages().push(Outage { from_ns, until_ns: None });
    }

    /// It is started again.
    pub(crate) fn broker_comes_back(&self, at_ns: u64) {
        self.lock_outages()
            .iter_mut()
            .filter(|outage| outage.until_ns.is_none())
            .for_each(|outage| outage.until_ns = Some(at_ns));
    }

    /// The broker is set up otherwise from now on.
    pub(crate) fn broker_changes(&self, changed: Changed) {
        self.lock_changes().push(changed);
    }

    /// It is as it was before.
    pub(crate) fn broker_changes_back(&self, fault: &str, at_ns: u64) {
        if let Some(changed) = self.lock_changes().iter_mut().rfind(|changed| changed.fault == fault) {
            changed.until_ns = Some(at_ns);
        }
    }

    /// What was changed so far.
    pub(crate) fn changed(&self) -> Vec<Changed> {
        self.lock_changes().clone()
    }

    fn lock_outages(&self) -> std::sync::MutexGuard<'_, Vec<Outage>> {
        self.outages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_changes(&self) -> std::sync::MutexGuard<'_, Vec<Changed>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the account is not whole, when it is not: then it must not be judged by.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every line of every journal so far.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub async fn lines(&self) -> Result<Vec<Line>, Error> {
        let journals = self.processes.iter().map(|(part, container)| async move {
            let text = docker::written(&self.docker, container, Output::Stdout).await?;
            account::lines(&text).map_err(|reason| Error::Journal { part: part.clone(), reason })
        });
        Ok(try_join_all(journals).await?.into_iter().flatten().collect())
    }

    /// The fates, and the lines that they were read from; or why there are none.
    ///
    /// # Errors
    /// When a journal cannot be read or the broker does not answer.
    pub async fn account(&self) -> Result<(Vec<MessageFate>, Vec<Line>), Error> {
        let counted_ns = wall_clock_ns();
        let depth = self.whole_depth().await?;
        let lines = self.lines().await?;
        let parked = self.parked().await?;
        let outages = self.lock_outages().clone();
        let broker = account::Broker { depth, counted_ns, parked, outages, changes: self.changed() };
        Ok((account::fates(&lines, &broker), lines))
    }

    /// In the queues, and on the way to them where a fault holds them back.
    async fn whole_depth(&self) -> Result<u64, Error> {
        let held = match &self.detour {
            Some(detour) => detour.held().await?,
            None => 0,
        };
        Ok(held + self.management.depth(&self.virtual_host, &self.parking).await?)
    }

    /// The messages that nobody takes any more, by their ids.
    async fn parked(&self) -> Result<BTreeSet<String>, Error> {
        let queues = self.parking.iter().map(|queue| self.management.waiting(&self.virtual_host, queue));
        Ok(try_join_all(queues).await?.into_iter().flatten().collect())
    }

    fn note(&self, error: &Error) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
    }
}

impl MessageLog for ContainerMessages {
    /// While the broker does not answer nothing is at rest: then there is at least one.
    fn depth(&self) -> Boxed<'_, u64> {
        Box::pin(async move { self.whole_depth().await.unwrap_or(1) })
    }

    /// Empty when the account cannot be drawn up; [`ContainerMessages::failure`] then says why.
    fn fates(&self) -> Boxed<'_, Vec<MessageFate>> {
        Box::pin(async move {
            let account = self.account().await.inspect_err(|error| self.note(error));
            account.map(|(fates, _)| fates).unwrap_or_default()
        })
    }
}
