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
    account::Changed,
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
    deaths_ns: Mutex<Vec<u64>>,
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
        let (deaths_ns, changes, failure) = (Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { docker, management, virtual_host, parking, processes, deaths_ns, changes, failure, detour })
    }

    /// The broker dies now.
    pub(crate) fn broker_dies(&self, at_ns: u64) {
        self.deaths_ns.lock().unwrap_or_else(PoisonError::into_inner).push(at_ns);
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
        let deaths_ns = self.deaths_ns.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let broker = account::Broker { depth, counted_ns, parked, deaths_ns, changes: self.changed() };
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
