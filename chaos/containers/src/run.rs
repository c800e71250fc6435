//! A run's name, its lock, and the removal of everything that belongs to it.
//!
//! Containers, network and volume are labelled with the run's id and the path of its lock file; what it has in parts of the
//! open stack is named after it. While the run lives, its process holds a lock on that file; the engine cannot know when a
//! process dies, so the next run removes what belongs to a run whose lock is free.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use testcontainers::bollard::{
    Docker,
    models::{NetworkCreateRequest, VolumeCreateRequest},
    query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};

use crate::{
    Error,
    guest::Guest,
    lock::{self, Hold},
    parts::{Owner, shipper},
    removal::{self, CUT_OFF_LOOKS},
};

/// The label that holds a run's id.
pub const RUN: &str = "loupe.run";
/// The label that holds the path of its lock file.
const LOCK: &str = "loupe.lock";
/// How the names of all that belongs to runs begin.
pub(crate) const PREFIX: &str = "loupe-";

/// A run that lives. Dropping it removes what is left of it.
pub struct Run {
    id: String,
    path: PathBuf,
    /// Locked as long as it is open.
    file: Option<File>,
    /// Its place at the open stack.
    guest: Option<Guest>,
}

impl Run {
    /// Begins a run: takes its lock, then removes what dead runs left.
    ///
    /// # Errors
    /// When the lock cannot be taken or Docker does not answer.
    pub(crate) async fn begin(docker: &Docker, guest: Option<Guest>) -> Result<Self, Error> {
        let folder = guest.as_ref().map_or_else(lock::folder, |guest| guest.folder().to_owned());
        let (id, path, file) = named(&folder)?;
        let run = Self { id, path, file: Some(file), guest };
        sweep(docker).await?;
        if let Some(guest) = &run.guest {
            guest.sweep(docker).await?;
        }
        Ok(run)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How the names of its containers begin; its virtual host, its databases and its bucket are called so.
    pub(crate) fn name(&self) -> String {
        format!("{PREFIX}{}", self.id)
    }

    /// Its place at the open stack, when it has one.
    pub(crate) fn guest(&self) -> Option<&Guest> {
        self.guest.as_ref()
    }

    /// The run as the owner of containers.
    pub(crate) fn owner(&self) -> Owner {
        let network = self.guest.as_ref().map_or_else(|| format!("{}-net", self.name()), |guest| guest.network().to_owned());
        Owner { name: self.name(), labels: self.labels(), network, lasting_ports: None }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        [(RUN.to_owned(), self.id.clone()), (LOCK.to_owned(), self.path.display().to_string())].into()
    }

    /// Makes the volume of its logs, where there are any, and its network, unless it is a guest on another one.
    pub(crate) async fn prepare(&self, docker: &Docker, logs: bool) -> Result<(), Error> {
        if logs {
            let (name, labels) = (Some(shipper::volume_name(&self.name())), Some(self.labels().into_iter().collect()));
            docker.create_volume(VolumeCreateRequest { name, labels, ..VolumeCreateRequest::default() }).await?;
        }
        if self.guest.is_none() {
            let (name, labels) = (self.owner().network, Some(self.labels().into_iter().collect()));
            docker.create_network(NetworkCreateRequest { name, labels, ..NetworkCreateRequest::default() }).await?;
        }
        Ok(())
    }

    /// Removes all that belongs to it, and its lock.
    ///
    /// # Errors
    /// When the engine or a part of the open stack refuses.
    pub async fn end(mut self, docker: &Docker) -> Result<(), Error> {
        self.clear(docker, 1).await?;
        self.release();
        Ok(())
    }

    /// Removes all that belongs to it after a start that was cut off: what the engine had been asked for may still appear.
    pub(crate) async fn abandon(mut self, docker: &Docker) {
        // What cannot be removed now, the next run removes: the lock file stays.
        if self.clear(docker, CUT_OFF_LOOKS).await.is_ok() {
            self.release();
        }
    }

    /// First whoever uses something, then what they used.
    async fn clear(&self, docker: &Docker, looks: u32) -> Result<(), Error> {
        removal::remove(docker, &format!("{RUN}={}", self.id), looks).await?;
        match &self.guest {
            Some(guest) => guest.leave(docker, &self.name()).await,
            None => Ok(()),
        }
    }

    fn release(&mut self) {
        // The file goes while it is locked, so nobody takes it for a dead run's.
        drop(std::fs::remove_file(&self.path));
        self.file = None;
    }
}

impl Drop for Run {
    /// After a panic, a cancelled start or a forgotten end.
    fn drop(&mut self) {
        let this = &*self;
        if this.file.is_some() && removal::outside(|docker| async move { this.clear(&docker, CUT_OFF_LOOKS).await }) {
            self.release();
        }
    }
}

/// A name that no other run has, its lock file, and the lock.
fn named(folder: &Path) -> Result<(String, PathBuf, File), Error> {
    loop {
        let id = format!("{:x}-{:x}", moment(adapters::runtime::wall_clock_ns() / 1_000_000), std::process::id());
        let path = lock_file(folder, &id);
        // Somebody who has the same process id inside of another container may hold it.
        if let Some(file) = lock::try_take(&path, Hold::Alone)? {
            return Ok((id, path, file));
        }
    }
}

/// The millisecond that a run of this process is named after: now, or the next one that no other run of it is named after. Threads that
/// begin runs side by side do so in the same millisecond.
fn moment(now: u64) -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let next = |last: u64| now.max(last + 1);
    next(LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last))).unwrap_or_else(|last| last))
}

/// The lock file of a run.
pub(crate) fn lock_file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.lock"))
}

/// Removes what belongs to runs that no longer live.
///
/// # Errors
/// When the engine refuses.
pub(crate) async fn sweep(docker: &Docker) -> Result<(), Error> {
    let dead: BTreeSet<_> = labelled(docker).await?.into_iter().filter(|(_, lock)| lock::is_dead(Path::new(lock))).collect();
    for (run, lock) in dead {
        removal::remove(docker, &format!("{RUN}={run}"), 1).await?;
        drop(std::fs::remove_file(lock));
    }
    Ok(())
}

/// The runs that have containers in a network.
pub(crate) async fn in_network(docker: &Docker, network: &str) -> Result<Vec<String>, Error> {
    let filters = [("label", vec![RUN]), ("network", vec![network])].into_iter().collect();
    let all = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let labels = docker.list_containers(Some(all)).await?.into_iter().filter_map(|container| container.labels);
    let runs: BTreeSet<String> = labels.filter_map(|mut labels| labels.remove(RUN)).collect();
    Ok(runs.into_iter().collect())
}

/// Run id and lock of everything that is labelled.
async fn labelled(docker: &Docker) -> Result<BTreeSet<(String, String)>, Error> {
    let filters = [("label", vec![RUN])].into_iter().collect();
    let containers = docker.list_containers(Some(ListContainersOptionsBuilder::new().all(true).filters(&filters).build()));
    let networks = docker.list_networks(Some(ListNetworksOptionsBuilder::new().filters(&filters).build()));
    let containers = containers.await?.into_iter().filter_map(|container| container.labels);
    let networks = networks.await?.into_iter().filter_map(|network| network.labels);
    let volumes = docker.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&filters).build()));
    let volumes = volumes.await?.volumes.unwrap_or_default().into_iter().map(|volume| volume.labels);
    let labels = containers.chain(networks).chain(volumes);
    Ok(labels.filter_map(|labels| Some((labels.get(RUN)?.clone(), labels.get(LOCK)?.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn runs_that_begin_side_by_side_have_names_of_their_own() {
        let folder = std::env::temp_dir().join(format!("loupe-run-names-{}", std::process::id()));
        let names: Vec<_> = thread::scope(|scope| {
            let begun: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..50).map(|_| named(&folder).unwrap()).collect::<Vec<_>>())).collect();
            begun.into_iter().flat_map(|run| run.join().unwrap()).collect()
        });
        let different: BTreeSet<_> = names.iter().map(|(id, ..)| id).collect();
        assert_eq!(different.len(), 400);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
