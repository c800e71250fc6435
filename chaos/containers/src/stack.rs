//! The stack of one run: started in two steps (the parts, then the services), removed at the end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adapters::{http::Addresses, runtime::wall_clock_ns};
use futures_util::future::{try_join, try_join_all, try_join3};
use testcontainers::bollard::Docker;

use crate::{
    Config, ContainerNemesis, Error, Testimony,
    docker::{self, Part},
    image,
    management::Management,
    messages::ContainerMessages,
    nemesis::Targets,
    parts::{Ground, Started, jaeger, postgres, rabbitmq, service},
    run::Run,
    testimony,
};

/// Between telling the services when the run begins and its beginning, nanoseconds.
const HEAD_START_NS: u64 = 500_000_000;

/// A stack that is up. [`Stack::end`] removes it; dropping it does so too, and blocks meanwhile.
pub struct Stack {
    /// First, so that a dropped stack is removed at once by its label, not container by container.
    run: Run,
    docker: Docker,
    config: Config,
    epoch_ns: u64,
    broker: Started,
    databases: BTreeMap<String, Started>,
    jaeger: Started,
    services: Vec<Started>,
    addresses: Addresses,
    messages: Arc<ContainerMessages>,
    nemesis: Arc<ContainerNemesis>,
}

impl Stack {
    /// Starts everything that is wanted and waits until it says that it is ready.
    ///
    /// Cancelling this future removes what had been started, as an error does.
    ///
    /// # Errors
    /// One clear sentence, with the end of a container's log where there is one. Nothing is left behind.
    pub async fn start(config: Config) -> Result<Self, Error> {
        let docker = docker::connect().await?;
        let run = Run::begin(&docker).await?;
        match Self::start_as(&docker, &run, &config).await {
            Ok(Parts { broker, databases, jaeger, services, addresses, epoch_ns }) => {
                let processes: BTreeMap<String, String> =
                    services.iter().map(|service| (service.name.clone(), service.id().to_owned())).collect();
                let management = Management::new(docker.clone(), broker.id());
                let messages = ContainerMessages::new(docker.clone(), management, processes.clone().into_iter().collect());
                let targets = Targets {
                    broker: broker.id().to_owned(),
                    services: processes,
                    addresses: addresses.clone(),
                    queue_of: config.queue_of.clone(),
                    ready: config.limits.ready,
                    epoch_ns,
                };
                let nemesis = ContainerNemesis::new(docker.clone(), targets, Arc::clone(&messages));
                Ok(Self { run, docker, config, epoch_ns, broker, databases, jaeger, services, addresses, messages, nemesis })
            }
            Err(error) => {
                run.abandon(&docker).await;
                Err(error)
            }
        }
    }

    async fn start_as(docker: &Docker, run: &Run, config: &Config) -> Result<Parts, Error> {
        let ground = Ground { docker, run, config };
        try_join(image::ensure(docker, config), run.prepare(docker)).await?;
        let databases = try_join_all(
            config
                .databases
                .iter()
                .map(|database| async move { Ok((database.clone(), postgres::start(ground, database).await?)) }),
        );
        let parts = try_join3(rabbitmq::start(ground), databases, jaeger::start(ground));
        let (image, (broker, databases, jaeger)) = try_join(image::app(docker, config), parts).await?;

        let services = config.roles.iter().map(|role| service::start(ground, &image, role));
        let services = try_join_all(services).await?;
        let addresses = Addresses::default();
        for service in &services {
            addresses.set(&service.name, service::address(docker, service.id()).await?);
        }
        // All at once, and a little ahead: each of them has heard of it before it is so far.
        let epoch_ns = wall_clock_ns() + HEAD_START_NS;
        try_join_all(services.iter().map(|it| service::begin(docker, (&it.name, it.id()), epoch_ns))).await?;
        while wall_clock_ns() < epoch_ns {
            docker::pause().await;
        }
        Ok(Parts { broker, databases: databases.into_iter().collect(), jaeger, services, addresses, epoch_ns })
    }

    /// The start of the run as the services were told, nanoseconds since the Unix epoch; it has passed.
    #[must_use]
    pub fn epoch_ns(&self) -> u64 {
        self.epoch_ns
    }

    /// The run's id: the label `loupe.run` of its containers.
    #[must_use]
    pub fn run(&self) -> &str {
        self.run.id()
    }

    /// How long each part took from its start until it was ready.
    #[must_use]
    pub fn start_times(&self) -> Vec<(String, Duration)> {
        let parts = [&self.broker, &self.jaeger].into_iter().chain(self.databases.values()).chain(&self.services);
        parts.map(|part| (part.name.clone(), part.took)).collect()
    }

    /// Where the services are from here, also after one of them was started again.
    #[must_use]
    pub fn services(&self) -> Addresses {
        self.addresses.clone()
    }

    /// The address of a database from here; `None` when there is none of that name.
    ///
    /// # Errors
    /// When its container is gone.
    pub async fn database(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(started) = self.databases.get(name) else { return Ok(None) };
        let port = docker::port(&self.docker, started.id(), postgres::PORT).await?;
        Ok(Some(postgres::url("127.0.0.1", port, name)))
    }

    /// The address of the broker from here. After a restart of the broker it is another one.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn broker(&self) -> Result<String, Error> {
        let port = docker::port(&self.docker, self.broker.id(), rabbitmq::AMQP).await?;
        let user = rabbitmq::USER;
        Ok(format!("amqp://{user}:{user}@127.0.0.1:{port}/%2f?heartbeat=5"))
    }

    /// Whoever inflicts the faults.
    #[must_use]
    pub fn nemesis(&self) -> Arc<ContainerNemesis> {
        Arc::clone(&self.nemesis)
    }

    /// The account of all messages.
    #[must_use]
    pub fn messages(&self) -> Arc<ContainerMessages> {
        Arc::clone(&self.messages)
    }

    /// Whether all services still run, those apart that a fault has killed.
    ///
    /// # Errors
    /// [`Error::Ended`] with the log's end of the first one that does not.
    pub async fn check(&self) -> Result<(), Error> {
        for started in self.services.iter().filter(|started| !self.nemesis.away(&started.name)) {
            if !docker::running(&self.docker, started.id()).await? {
                let part = Part { name: &started.name, container: started.id(), limit: self.config.limits.ready };
                return Err(docker::ended(&self.docker, &part).await);
            }
        }
        Ok(())
    }

    /// Lets the services export what is left and reads all traces back from Jaeger. What cannot be had is said in
    /// [`Testimony`]; it is no error.
    pub async fn testimony(&self) -> Testimony {
        // Without the journals it is not known what went down with a process; the account of the messages says so too.
        let lines = self.messages.lines().await.unwrap_or_default();
        testimony::collect(testimony::Sources {
            docker: &self.docker,
            jaeger: self.jaeger.id(),
            services: &self.services,
            config: &self.config,
            epoch_ns: self.epoch_ns,
            deaths: self.nemesis.deaths(),
            lines: &lines,
        })
        .await
    }

    /// Stops Jaeger: for tests of what happens without it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn stop_jaeger(&self) -> Result<(), Error> {
        Ok(self.docker.kill_container(self.jaeger.id(), None).await?)
    }

    /// Removes everything.
    ///
    /// # Errors
    /// When the engine refuses; the next run tries again.
    pub async fn end(self) -> Result<(), Error> {
        let Self { docker, broker, databases, jaeger, services, run, .. } = self;
        let parts = [broker, jaeger].into_iter().chain(databases.into_values()).chain(services);
        // Whatever cannot be removed here is met again by its label.
        futures_util::future::join_all(parts.map(|part| part.container.rm())).await;
        run.end(&docker).await
    }
}

/// What a start brings forth.
struct Parts {
    broker: Started,
    databases: BTreeMap<String, Started>,
    jaeger: Started,
    services: Vec<Started>,
    addresses: Addresses,
    epoch_ns: u64,
}
