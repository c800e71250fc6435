//! Starts an open stack, and removes it.

use std::{collections::BTreeMap, fs::File, path::Path, sync::Mutex};

use futures_util::future::try_join_all;
use testcontainers::bollard::{Docker, models::NetworkCreateRequest};

use super::{LOCKS, Open, STACK, VERSION, network, plan, use_lock};
use crate::{
    Blueprint, Error, docker,
    elastic::Elastic,
    image,
    lock::{self, Hold},
    parts::{Ground, Owner, elasticsearch},
    removal::{self, CUT_OFF_LOOKS},
    run,
};

/// What starting an open stack came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Up {
    /// It was up, and fits.
    Already,
    /// It was started.
    Started,
    /// What was there did not fit, or was not whole: it was replaced.
    Replaced,
}

/// Starts an open stack, unless it is up. One that does not fit is replaced, but never while a run uses it.
///
/// # Errors
/// When it cannot be started: nothing is left of it. When a run uses one that does not fit.
pub async fn up(blueprint: &Blueprint, say: &(dyn Fn(&str) + Sync)) -> Result<Up, Error> {
    let docker = docker::connect().await?;
    let name = &blueprint.standing.name;
    let before = Open::find(&docker, name).await?;
    if let Some(open) = &before
        && is_up(&docker, before.as_ref(), blueprint).await?
    {
        keep_logs(&docker, open).await?;
        return Ok(Up::Already);
    }
    let folder = before.as_ref().map_or_else(lock::folder, Open::folder);
    let Some(alone) = alone(&docker, &folder, name, say).await? else { return Err(in_use(&docker, name).await) };
    // Somebody else may have started it while one waited.
    let before = Open::find(&docker, name).await?;
    if is_up(&docker, before.as_ref(), blueprint).await? {
        return Ok(Up::Already);
    }
    clear(&docker, name, 1).await?;
    say("starting RabbitMQ, Postgres, S3, Jaeger and Elasticsearch");
    let begun = Begun { name, whole: false, _alone: alone };
    start(&docker, blueprint, &folder).await?;
    if let Some(open) = Open::find(&docker, name).await? {
        keep_logs(&docker, &open).await?;
    }
    begun.stays();
    Ok(if before.is_some() { Up::Replaced } else { Up::Started })
}

/// Removes an open stack; says whether there was one.
///
/// # Errors
/// When a run uses it, or the engine refuses.
pub async fn down(name: &str, say: &(dyn Fn(&str) + Sync)) -> Result<bool, Error> {
    let docker = docker::connect().await?;
    let Some(open) = Open::find(&docker, name).await? else {
        clear(&docker, name, 1).await?;
        return Ok(false);
    };
    let alone = alone(&docker, &open.folder(), name, say).await?;
    if alone.is_none() {
        return Err(in_use(&docker, name).await);
    }
    clear(&docker, name, 1).await?;
    Ok(true)
}

/// Whether it is whole, runs and fits.
async fn is_up(docker: &Docker, found: Option<&Open>, blueprint: &Blueprint) -> Result<bool, Error> {
    let Some(open) = found else { return Ok(false) };
    let running = open.containers.values().all(|container| container.running);
    Ok(running && open.differences(docker, blueprint).await?.is_empty())
}

/// Waits while somebody else starts or removes it; `None` when a run uses it.
async fn alone(docker: &Docker, folder: &Path, name: &str, say: &(dyn Fn(&str) + Sync)) -> Result<Option<File>, Error> {
    let path = use_lock(folder, name);
    let mut said = false;
    loop {
        if let Some(alone) = lock::try_take(&path, Hold::Alone)? {
            return Ok(Some(alone));
        }
        // Where there is room beside others, these are runs.
        if lock::try_take(&path, Hold::Shared)?.is_some() && !users(docker, name).await?.is_empty() {
            return Ok(None);
        }
        if !said {
            say("waiting: somebody else starts or removes it");
            said = true;
        }
        docker::pause().await;
    }
}

async fn in_use(docker: &Docker, name: &str) -> Error {
    Error::InUse { name: name.to_owned(), runs: users(docker, name).await.unwrap_or_default() }
}

/// The runs that have containers in its network.
pub(super) async fn users(docker: &Docker, name: &str) -> Result<Vec<String>, Error> {
    run::in_network(docker, &network(name)).await
}

/// First what dead runs left in its network, then all of it.
async fn clear(docker: &Docker, name: &str, looks: u32) -> Result<(), Error> {
    run::sweep(docker).await?;
    removal::remove(docker, &format!("{STACK}={name}"), looks).await
}

/// Says how logs are kept, and for how long: whoever wants old ones gone asks for the stack once more.
async fn keep_logs(docker: &Docker, open: &Open) -> Result<(), Error> {
    Elastic::of(docker, &open.running(elasticsearch::NAME)?).await?.prepare().await
}

async fn start(docker: &Docker, blueprint: &Blueprint, folder: &Path) -> Result<(), Error> {
    let Blueprint { standing, images, limits, .. } = blueprint;
    image::ensure(docker, images, true, limits.pull).await?;
    let labels = [(STACK, &standing.name), (VERSION, &standing.version), (LOCKS, &folder.display().to_string())];
    let labels: BTreeMap<String, String> = labels.map(|(label, value)| (label.to_owned(), value.clone())).into();
    let name = network(&standing.name);
    let request = NetworkCreateRequest {
        name: name.clone(),
        labels: Some(labels.clone().into_iter().collect()),
        ..NetworkCreateRequest::default()
    };
    docker.create_network(request).await?;
    // Two stacks that look for free ports of the host at once would find the same ones.
    let _ports = lock::take(&folder.join("ports.lock"), Hold::Alone, || ()).await?;
    let lasting_ports = Some(Mutex::default());
    let owner = Owner { name: format!("loupe-{}", standing.name), labels, network: name, lasting_ports };
    let ground = Ground { docker, owner: &owner, limit: limits.ready };
    let recipes = plan(blueprint).recipes();
    try_join_all(recipes.iter().map(|recipe| ground.start(recipe))).await.map(drop)
}

/// A start that has begun. Unless it came to its end, what there is of it is removed, also when somebody presses Ctrl-C.
struct Begun<'a> {
    name: &'a str,
    whole: bool,
    _alone: File,
}

impl Begun<'_> {
    fn stays(mut self) {
        self.whole = true;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.whole {
            return;
        }
        let label = format!("{STACK}={}", self.name);
        removal::outside(|docker| async move { removal::remove(&docker, &label, CUT_OFF_LOOKS).await });
    }
}
