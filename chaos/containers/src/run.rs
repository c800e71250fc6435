//! A run's name, its lock, and the removal of everything that carries its label.
//!
//! Containers, network and volume are labelled with the run's id and the path of its lock file. While the run lives, its
//! process holds a lock on that file; the engine cannot know when a process dies, so the next run removes what belongs to
//! a run whose lock is free.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use testcontainers::bollard::{
    Docker,
    models::{NetworkCreateRequest, VolumeCreateRequest},
    query_parameters::{
        ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder,
        RemoveVolumeOptionsBuilder,
    },
};

use crate::{Error, docker};

/// The label that holds a run's id.
pub const RUN: &str = "loupe.run";
/// The label that holds the path of its lock file.
const LOCK: &str = "loupe.lock";

/// After a start that was cut off: so many looks, a second altogether, must find nothing.
const CUT_OFF_LOOKS: u32 = 20;
/// So often the engine may refuse, because somebody else is removing the same thing.
const MOST_FAILURES: u32 = 20;

/// A run that lives. Dropping it removes what is left of it.
pub struct Run {
    id: String,
    path: PathBuf,
    /// Locked as long as it is open.
    file: Option<File>,
}

impl Run {
    /// Begins a run: takes its lock, then removes what dead runs left.
    ///
    /// # Errors
    /// When the lock cannot be taken or Docker does not answer.
    pub async fn begin(docker: &Docker) -> Result<Self, Error> {
        let id = format!("{:x}-{:x}", adapters::runtime::wall_clock_ns() / 1_000_000, std::process::id());
        let folder = std::env::temp_dir().join("loupe-runs");
        let path = folder.join(format!("{id}.lock"));
        let locked = std::fs::create_dir_all(&folder).and_then(|()| File::create(&path)).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        let file = locked.map_err(|source| Error::Lock { path: path.display().to_string(), source })?;
        let run = Self { id, path, file: Some(file) };
        sweep(docker).await?;
        Ok(run)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The labels of everything that belongs to it.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        [(RUN.to_owned(), self.id.clone()), (LOCK.to_owned(), self.path.display().to_string())].into()
    }

    /// The name of one of its containers, and of its network and volume.
    #[must_use]
    pub fn name(&self, part: &str) -> String {
        format!("loupe-{}-{part}", self.id)
    }

    /// Makes its network and the volume of the model files.
    pub(crate) async fn prepare(&self, docker: &Docker) -> Result<(), Error> {
        let labels = || Some(self.labels().into_iter().collect());
        let network = NetworkCreateRequest { name: self.name("net"), labels: labels(), ..NetworkCreateRequest::default() };
        docker.create_network(network).await?;
        let volume = VolumeCreateRequest { name: Some(self.name("models")), labels: labels(), ..VolumeCreateRequest::default() };
        docker.create_volume(volume).await?;
        Ok(())
    }

    /// Removes all that belongs to it, and its lock.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn end(mut self, docker: &Docker) -> Result<(), Error> {
        remove(docker, &self.id, 1).await?;
        self.release();
        Ok(())
    }

    /// Removes all that belongs to it after a start that was cut off: what the engine had been asked for may still appear.
    pub(crate) async fn abandon(mut self, docker: &Docker) {
        // What cannot be removed now, the next run removes: the lock file stays.
        if remove(docker, &self.id, CUT_OFF_LOOKS).await.is_ok() {
            self.release();
        }
    }

    fn release(&mut self) {
        // The file goes while it is locked, so nobody takes it for a dead run's.
        drop(std::fs::remove_file(&self.path));
        self.file = None;
    }
}

impl Drop for Run {
    /// After a panic, a cancelled start or a forgotten end: a thread of its own, because this one may be inside a runtime.
    #[expect(clippy::disallowed_methods, reason = "a destructor cannot wait on a runtime that may be ending")]
    fn drop(&mut self) {
        if self.file.is_none() {
            return;
        }
        let id = self.id.clone();
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async { remove(&docker::connect().await.ok()?, &id, CUT_OFF_LOOKS).await.ok() })
        });
        if matches!(removal.join(), Ok(Some(()))) {
            self.release();
        }
    }
}

/// Removes what belongs to runs that no longer live.
///
/// # Errors
/// When the engine refuses.
pub async fn sweep(docker: &Docker) -> Result<(), Error> {
    let mut dead = BTreeSet::new();
    for (run, lock) in labelled(docker).await? {
        if is_dead(Path::new(&lock)) {
            dead.insert((run, lock));
        }
    }
    for (run, lock) in dead {
        remove(docker, &run, 1).await?;
        drop(std::fs::remove_file(lock));
    }
    Ok(())
}

/// A run is dead when its lock is free, or gone from a folder that is there. Of another machine's run nothing is known.
fn is_dead(lock: &Path) -> bool {
    match File::open(lock) {
        Ok(file) => !matches!(file.try_lock(), Err(TryLockError::WouldBlock)),
        Err(_) => lock.parent().is_some_and(Path::is_dir),
    }
}

/// Run id and lock of everything that is labelled.
async fn labelled(docker: &Docker) -> Result<BTreeSet<(String, String)>, Error> {
    let filters = [("label", vec![RUN])].into_iter().collect();
    let containers = docker.list_containers(Some(ListContainersOptionsBuilder::new().all(true).filters(&filters).build()));
    let networks = docker.list_networks(Some(ListNetworksOptionsBuilder::new().filters(&filters).build()));
    let volumes = docker.list_volumes(Some(ListVolumesOptionsBuilder::new().filters(&filters).build()));
    let containers = containers.await?.into_iter().filter_map(|container| container.labels);
    let networks = networks.await?.into_iter().filter_map(|network| network.labels);
    let volumes = volumes.await?.volumes.unwrap_or_default().into_iter().map(|volume| volume.labels);
    let labels = containers.chain(networks).chain(volumes);
    Ok(labels.filter_map(|labels| Some((labels.get(RUN)?.clone(), labels.get(LOCK)?.clone()))).collect())
}

/// Removes the containers, then the network and the volume of a run, until so many looks in a row found nothing.
async fn remove(docker: &Docker, run: &str, looks: u32) -> Result<(), Error> {
    let label = format!("{RUN}={run}");
    let filters = [("label", vec![label.as_str()])].into_iter().collect();
    let (mut quiet, mut failures) = (0, 0);
    while quiet < looks {
        let all = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers: Vec<String> =
            docker.list_containers(Some(all)).await?.into_iter().filter_map(|container| container.id).collect();
        let force = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        join_all(containers.iter().map(|id| docker.remove_container(id, Some(force.clone())))).await;

        let listed = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks: Vec<String> =
            docker.list_networks(Some(listed)).await?.into_iter().filter_map(|network| network.id).collect();
        let mut last = join_all(networks.iter().map(|id| docker.remove_network(id))).await.into_iter().find_map(Result::err);
        let listed = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = docker.list_volumes(Some(listed)).await?.volumes.unwrap_or_default();
        let force = RemoveVolumeOptionsBuilder::new().force(true).build();
        for volume in &volumes {
            last = docker.remove_volume(&volume.name, Some(force.clone())).await.err().or(last);
        }
        let nothing = containers.is_empty() && networks.is_empty() && volumes.is_empty();
        quiet = if nothing { quiet + 1 } else { 0 };
        if let Some(error) = last {
            failures += 1;
            if failures > MOST_FAILURES {
                return Err(error.into());
            }
        }
        if quiet < looks {
            docker::pause().await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_dead_when_nobody_holds_its_lock() {
        let path = std::env::temp_dir().join(format!("loupe-lock-test-{}", std::process::id()));
        let holder = File::create(&path).unwrap();
        holder.lock().unwrap();
        assert!(!is_dead(&path));
        drop(holder);
        assert!(is_dead(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(is_dead(&path));
        assert!(!is_dead(Path::new("/nowhere/of/another/machine.lock")));
    }
}
