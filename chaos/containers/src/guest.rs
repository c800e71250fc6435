//! A run's place at the open stack: which parts it shares, and the locks that say so.
//!
//! Whoever uses the stack holds one lock together with others, so that nobody takes it down meanwhile. A second one is the
//! broker's: a run whose faults hit it holds that alone, all others hold it together. Whoever cannot have it waits for nobody
//! but starts a broker of its own, beside the shared databases and the shared Jaeger.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
    path::PathBuf,
    time::Duration,
};

use testcontainers::bollard::Docker;

use crate::{
    Config, Error, docker,
    elastic::Elastic,
    foundation::Found,
    lock::{self, Hold},
    open::{self, Open},
    parts::{Started, elasticsearch, jaeger, postgres, rabbitmq, s3, shipper},
    quarters::Quarters,
    run::{self, PREFIX},
};

/// So often a broker that was left dead is started again before somebody else is thought to be at it.
const REVIVALS: u32 = 3;

/// The logs of so many runs stay at the open stack; each has a few indices, and a server takes a thousand.
const RUNS_KEPT: usize = 20;

/// A run's place at the open stack.
pub(crate) struct Guest {
    folder: PathBuf,
    network: String,
    broker: Option<Seat>,
    databases: BTreeMap<String, Started>,
    files: Started,
    jaeger: Option<Started>,
    logs: Started,
    limit: Duration,
    _stays_open: File,
}

/// A place at the open stack's broker.
struct Seat {
    broker: Started,
    hold: Hold,
    _held: File,
}

impl Guest {
    /// Takes a place, if the stack is up; `say` is told why a part is not shared.
    ///
    /// # Errors
    /// When a stack is up that does not fit, or is not whole.
    pub(crate) async fn arrive(docker: &Docker, config: &Config, say: &(dyn Fn(&str) + Sync)) -> Result<Option<Self>, Error> {
        let Some(blueprint) = config.blueprint() else { return Ok(None) };
        let name = &blueprint.standing.name;
        let Some(open) = Open::find(docker, name).await? else { return Ok(None) };
        let stays_open = open.used(blueprint.limits.ready, say).await?;
        // It may have been taken down, or made anew, in between.
        let Some(open) = Open::find(docker, name).await? else { return Ok(None) };
        open.fits(docker, &blueprint).await?;
        let limit = blueprint.limits.ready;
        let databases = config.databases.iter().map(|database| {
            let server = open.running(&postgres::name(database))?;
            Ok::<_, Error>((database.clone(), server))
        });
        let databases = databases.collect::<Result<BTreeMap<_, _>, _>>()?;
        let (files, logs) = (open.running(s3::NAME)?, open.running(elasticsearch::NAME)?);
        let jaeger = (config.max_traces <= open::MAX_TRACES).then(|| open.running(jaeger::NAME)).transpose()?;
        if jaeger.is_none() {
            say("more traces than the open stack's Jaeger keeps: it starts one of its own");
        }
        let broker = seat(docker, config, &open, say).await?;
        let (folder, network) = (open.folder().to_owned(), open.network());
        Ok(Some(Self { folder, network, broker, databases, files, jaeger, logs, limit, _stays_open: stays_open }))
    }

    /// Where the users of the stack keep their locks.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The stack's network.
    pub(crate) fn network(&self) -> &str {
        &self.network
    }

    /// The parts it shares.
    pub(crate) fn found(&self) -> Found {
        let broker = self.broker.as_ref().map(|seat| seat.broker.clone());
        let (files, logs) = (Some(self.files.clone()), Some(self.logs.clone()));
        Found { broker, databases: self.databases.clone(), files, jaeger: self.jaeger.clone(), logs }
    }

    /// Removes what dead runs left at the parts it shares. A broker that it does not share is left alone: there is one who
    /// uses it, and who comes next sweeps it.
    pub(crate) async fn sweep(&self, docker: &Docker) -> Result<(), Error> {
        let quarters = self.quarters(docker);
        if let Some(seat) = &self.broker {
            rabbitmq::answers(docker, &seat.broker.id, self.limit).await?;
        }
        for name in quarters.names(PREFIX).await? {
            let id = name.trim_start_matches(PREFIX);
            if lock::is_dead(&run::lock_file(&self.folder, id)) {
                quarters.clear(&name).await?;
            }
        }
        self.forget_logs(docker).await
    }

    /// Removes the logs of all but the last runs: people look at those of a run when it is over, as at its traces.
    async fn forget_logs(&self, docker: &Docker) -> Result<(), Error> {
        let elastic = Elastic::of(docker, &self.logs).await?;
        let indices = elastic.indices(&shipper::indices("*")).await?;
        // A run's name begins with its time.
        let runs: BTreeSet<&str> = indices.iter().filter_map(|index| shipper::run(index)).collect();
        for run in runs.iter().rev().skip(RUNS_KEPT) {
            if lock::is_dead(&run::lock_file(&self.folder, run.trim_start_matches(PREFIX))) {
                elastic.remove(&shipper::indices(run)).await?;
            }
        }
        Ok(())
    }

    /// Removes a run's quarters. A broker that the run has left dead is started again: it is the others', too.
    pub(crate) async fn leave(&self, docker: &Docker, name: &str) -> Result<(), Error> {
        if let Some(seat) = self.broker.as_ref().filter(|seat| seat.hold == Hold::Alone)
            && !docker::running(docker, &seat.broker.id).await?
        {
            rabbitmq::start_again(docker, &seat.broker.id, self.limit).await?;
        }
        self.quarters(docker).clear(name).await
    }

    fn quarters<'a>(&'a self, docker: &'a Docker) -> Quarters<'a> {
        let broker = self.broker.as_ref().map(|seat| &seat.broker);
        let databases = self.databases.values().collect();
        Quarters { docker, broker, databases, files: Some(&self.files), limit: self.limit }
    }
}

/// A place at the open stack's broker, if the run can have one. Whoever killed it last may have died too: then it is started
/// again.
async fn seat(docker: &Docker, config: &Config, open: &Open, say: &(dyn Fn(&str) + Sync)) -> Result<Option<Seat>, Error> {
    if config.rabbit.channel_tick.is_some_and(|tick| tick < open::CHANNEL_TICK) {
        say("its consumer timeout needs a finer channel tick than the open stack's RabbitMQ has: it starts one of its own");
        return Ok(None);
    }
    let wanted = if config.breaks_broker { Hold::Alone } else { Hold::Shared };
    for _ in 0..REVIVALS {
        let broker = open.part(rabbitmq::NAME)?;
        let alive = docker::running(docker, &broker.id).await?;
        let hold = if alive { wanted } else { Hold::Alone };
        let Some(held) = lock::try_take(&open.broker_lock(), hold)? else { break };
        if !docker::running(docker, &broker.id).await? {
            if hold == Hold::Alone {
                rabbitmq::start_again(docker, &broker.id, config.limits.ready).await?;
            }
            // Looked at too early, or alone only to start it: once more.
            if hold != wanted || hold == Hold::Shared {
                continue;
            }
        }
        if hold == wanted {
            return Ok(Some(Seat { broker, hold, _held: held }));
        }
    }
    say(if config.breaks_broker {
        "another run uses the open stack's RabbitMQ, which this one kills: it starts one of its own"
    } else {
        "another run kills the open stack's RabbitMQ: it starts one of its own"
    });
    Ok(None)
}
