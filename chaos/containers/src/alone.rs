//! A RabbitMQ by itself, for tests that hold the model of it against the real one.

use std::time::Duration;

use faults::Resource;
use testcontainers::bollard::{
    Docker,
    query_parameters::{KillContainerOptionsBuilder, StopContainerOptionsBuilder},
};
use world::Runtime;

use crate::{
    Error, Images, Limits, docker, image,
    parts::{Ground, Recipe, Started, rabbitmq},
    run::Run,
    stack::BrokerPart,
    watch::Watch,
};

/// How long it may take to stop gracefully before the engine kills it, in seconds.
const GRACE_S: i32 = 60;

/// The virtual host that each RabbitMQ has, as an address names it.
const VIRTUAL_HOST: &str = "%2f";

/// How it is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// How often its channels look for deliveries that are out for too long, where that is not RabbitMQ's own minute.
    pub channel_tick: Option<Duration>,
    /// Its files are in memory: it never waits for a disk, and a restart finds nothing.
    pub in_memory: bool,
}

/// A RabbitMQ that is up, or was. [`Alone::end`] removes it; dropping it does so too, and blocks meanwhile.
pub struct Alone {
    run: Run,
    docker: Docker,
    broker: Started,
    limits: Limits,
}

impl Alone {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// One clear sentence, with the end of its log where there is one. Nothing is left behind.
    pub async fn start(images: &Images, setup: Setup, limits: Limits) -> Result<Self, Error> {
        let docker = docker::connect().await?;
        let run = Run::begin(&docker, None).await?;
        let started = async {
            image::have(&docker, &images.rabbitmq, "LOUPE_IMAGE_RABBITMQ", limits.pull).await?;
            run.prepare(&docker, false).await?;
            let owner = run.owner();
            let ground = Ground { docker: &docker, owner: &owner, limit: limits.ready };
            let recipe = rabbitmq::recipe(&images.rabbitmq, setup.channel_tick);
            let in_memory = setup.in_memory.then_some(rabbitmq::FILES);
            ground.start(&Recipe { in_memory, ..recipe }).await
        };
        match started.await {
            Ok(broker) => Ok(Self { run, docker, broker, limits }),
            Err(error) => {
                run.abandon(&docker).await;
                Err(error)
            }
        }
    }

    /// Its address from here. After a restart it is another one.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn url(&self) -> Result<String, Error> {
        let port = docker::port(&self.docker, &self.broker.id, rabbitmq::AMQP).await?;
        Ok(rabbitmq::url("127.0.0.1", port, VIRTUAL_HOST))
    }

    /// Looks at its counters every second and listens to its firehose, from now on.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn watch(&self, rt: &Runtime) -> Result<Watch, Error> {
        let (docker, container) = (self.docker.clone(), self.broker.id.clone());
        let part = BrokerPart { docker, container, virtual_host: VIRTUAL_HOST.to_owned() };
        Watch::start_at(part, rt, Some(Duration::from_secs(1)), true).await
    }

    /// Kills it (`SIGKILL`).
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn kill(&self) -> Result<(), Error> {
        let kill = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        Ok(self.docker.kill_container(&self.broker.id, Some(kill)).await?)
    }

    /// Stops it gracefully.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn stop(&self) -> Result<(), Error> {
        let stop = StopContainerOptionsBuilder::new().t(GRACE_S).build();
        Ok(self.docker.stop_container(&self.broker.id, Some(stop)).await?)
    }

    /// Starts it again and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_again(&self) -> Result<(), Error> {
        rabbitmq::start_again(&self.docker, &self.broker.id, self.limits.ready).await
    }

    /// Makes it short of something, or gives it back what is its default.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn alarm(&self, resource: Resource, on: bool) -> Result<(), Error> {
        rabbitmq::alarm(&self.docker, &self.broker.id, resource, on).await
    }

    /// Runs `rabbitmqctl` in it and gives what that printed.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn ctl(&self, arguments: &[&str]) -> Result<String, Error> {
        rabbitmq::ctl(&self.docker, &self.broker.id, arguments).await
    }

    /// Removes it.
    ///
    /// # Errors
    /// When the engine refuses; the next run tries again.
    pub async fn end(self) -> Result<(), Error> {
        self.run.end(&self.docker).await
    }
}
