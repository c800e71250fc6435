//! The stack of one run: what it stands on (its own parts, or places at the open stack), then the services; removed at the
//! end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adapters::{files::S3, http::Addresses, runtime::wall_clock_ns};
use futures_util::future::{try_join, try_join_all};
use testcontainers::bollard::Docker;

use crate::{
    Config, ContainerNemesis, Error, Testimony,
    detour::Detour,
    docker,
    foundation::{Found, Foundation, Plan},
    guest::Guest,
    image,
    management::Management,
    messages::ContainerMessages,
    nemesis::{Targets, failpoints},
    parts::{Ground, Started, jaeger, postgres, proxy, rabbitmq, service},
    quarters::{self, Quarters},
    run::Run,
    shipping::Shipping,
    testimony,
};

/// Between telling the services when the run begins and its beginning, nanoseconds.
const HEAD_START_NS: u64 = 500_000_000;

/// A stack that is up. [`Stack::end`] removes it; dropping it does so too, and blocks meanwhile.
pub struct Stack {
    run: Run,
    docker: Docker,
    config: Config,
    /// When the first service was started, nanoseconds since the Unix epoch.
    since_ns: u64,
    epoch_ns: u64,
    foundation: Foundation,
    services: Vec<Started>,
    proxy: Option<Started>,
    /// The way of the logs, where there are any.
    shipping: Option<Shipping>,
    addresses: Addresses,
    messages: Arc<ContainerMessages>,
    nemesis: Arc<ContainerNemesis>,
}

impl Stack {
    /// Starts everything that is wanted and not there, and waits until it says that it is ready. `say` is told what is being
    /// done.
    ///
    /// Cancelling this future removes what had been started, as an error does.
    ///
    /// # Errors
    /// One clear sentence, with the end of a container's log where there is one. Nothing is left behind.
    pub async fn start(config: Config, say: &(dyn Fn(&str) + Sync)) -> Result<Self, Error> {
        let docker = docker::connect().await?;
        let guest = Guest::arrive(&docker, &config, say).await?;
        let run = Run::begin(&docker, guest).await?;
        match Self::start_as(&docker, &run, &config, say).await {
            Ok((foundation, Crew { services, shipping, addresses, proxy, since_ns, epoch_ns })) => {
                let processes: BTreeMap<String, String> =
                    services.iter().map(|service| (service.part.clone(), service.id.clone())).collect();
                let management = Management::new(docker.clone(), &*foundation.broker.id);
                let detour =
                    proxy.as_ref().map(|proxy| Arc::new(Detour::new(docker.clone(), proxy.id.clone(), processes.clone())));
                let of_processes = processes.clone().into_iter().collect();
                let broker = (management, run.name(), config.parking.clone());
                let messages = ContainerMessages::new(docker.clone(), broker, of_processes, detour.clone());
                let targets = Targets {
                    broker: foundation.broker.id.clone(),
                    virtual_host: run.name(),
                    patience: config.rabbit.consumer_timeout,
                    detour,
                    services: processes,
                    addresses: addresses.clone(),
                    queue_of: config.queue_of.clone(),
                    ready: config.limits.ready,
                    epoch_ns,
                };
                let nemesis = ContainerNemesis::new(docker.clone(), targets, Arc::clone(&messages));
                Ok(Self {
                    run,
                    docker,
                    config,
                    since_ns,
                    epoch_ns,
                    foundation,
                    services,
                    proxy,
                    shipping,
                    addresses,
                    messages,
                    nemesis,
                })
            }
            Err(error) => {
                run.abandon(&docker).await;
                Err(error)
            }
        }
    }

    async fn start_as(
        docker: &Docker,
        run: &Run,
        config: &Config,
        say: &(dyn Fn(&str) + Sync),
    ) -> Result<(Foundation, Crew), Error> {
        let owner = run.owner();
        let ground = Ground { docker, owner: &owner, limit: config.limits.ready };
        let logs = config.logs();
        try_join(image::ensure(docker, &config.images, logs, config.limits.pull), run.prepare(docker, logs)).await?;
        let plan = Plan {
            images: &config.images,
            databases: &config.databases,
            channel_tick: config.rabbit.channel_tick,
            max_traces: config.max_traces,
            logs,
        };
        let found = run.guest().map_or_else(Found::default, Guest::found);
        say(match (run.guest(), logs) {
            (Some(_), _) => "using the open stack",
            (None, true) => "starting RabbitMQ, Postgres, S3, Jaeger and Elasticsearch",
            (None, false) => "starting RabbitMQ, Postgres, S3 and Jaeger",
        });
        let (image, foundation) = try_join(image::app(docker, config), plan.complete(ground, found)).await?;
        let quarters = Quarters {
            docker,
            broker: Some(&foundation.broker),
            databases: foundation.databases.values().collect(),
            files: Some(&foundation.files),
            limit: config.limits.ready,
        };
        quarters.make(&run.name(), config.rabbit.consumer_timeout, config.slow_statement).await?;
        say("starting the services");
        let crew = services(ground, (run, config, &foundation), &image).await?;
        Ok((foundation, crew))
    }

    /// The start of the run as the services were told, nanoseconds since the Unix epoch; it has passed.
    #[must_use]
    pub fn epoch_ns(&self) -> u64 {
        self.epoch_ns
    }

    /// Whether everything goes through a fault proxy.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.config.proxy.is_some()
    }

    /// The run's id: the label `loupe.run` of its containers.
    #[must_use]
    pub fn run(&self) -> &str {
        self.run.id()
    }

    /// How long each part that was started took until it was ready.
    #[must_use]
    pub fn start_times(&self) -> Vec<(String, Duration)> {
        let Foundation { broker, databases, files, jaeger, logs } = &self.foundation;
        let parts = [broker, files, jaeger].into_iter().chain(databases.values()).chain(logs).chain(&self.services);
        parts.filter_map(|part| Some((part.part.clone(), part.took?))).collect()
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
        let Some(server) = self.foundation.databases.get(name) else { return Ok(None) };
        let port = docker::port(&self.docker, &server.id, postgres::PORT).await?;
        Ok(Some(postgres::from_here(port, &self.run.name())))
    }

    /// The address of the broker from here. After a restart of the broker it may be another one.
    ///
    /// # Errors
    /// When it is not running.
    pub async fn broker(&self) -> Result<String, Error> {
        let port = docker::port(&self.docker, &self.foundation.broker.id, rabbitmq::AMQP).await?;
        Ok(rabbitmq::url("127.0.0.1", port, &self.run.name()))
    }

    /// The broker, for whoever watches it.
    pub(crate) fn broker_part(&self) -> BrokerPart {
        let (container, virtual_host) = (self.foundation.broker.id.to_string(), self.run.name());
        BrokerPart { docker: self.docker.clone(), container, virtual_host }
    }

    /// Every container that this run uses.
    pub(crate) fn members(&self) -> Vec<Member> {
        let Foundation { broker, databases, files, jaeger, logs } = &self.foundation;
        let found = self.run.guest().map_or_else(Found::default, Guest::found);
        let theirs: Vec<&Started> = [&found.broker, &found.files, &found.jaeger, &found.logs]
            .into_iter()
            .flatten()
            .chain(found.databases.values())
            .collect();
        let own = self.services.iter().chain(&self.proxy).chain(self.shipping.as_ref().map(Shipping::part));
        let parts = own.chain([broker]).chain(databases.values()).chain([files, jaeger]).chain(logs);
        let member = |part: &Started| Member {
            part: part.part.clone(),
            container: part.id.clone(),
            shared: theirs.iter().any(|other| other.id == part.id),
        };
        parts.map(member).collect()
    }

    /// All containers but the services'.
    pub(crate) fn below(&self) -> impl Iterator<Item = &Started> {
        self.foreign_parts().into_iter().chain(&self.proxy)
    }

    /// The servers of its databases.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &Started> {
        self.foundation.databases.values()
    }

    /// What the run uses that is not our own: the parts that it stands on, and the shipper.
    pub(crate) fn foreign_parts(&self) -> Vec<&Started> {
        let Foundation { broker, databases, files, jaeger, logs } = &self.foundation;
        let parts = [broker, files, jaeger].into_iter().chain(databases.values()).chain(logs);
        parts.chain(self.shipping.as_ref().map(Shipping::part)).collect()
    }

    /// How it was wanted.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The engine.
    pub(crate) fn docker(&self) -> Docker {
        self.docker.clone()
    }

    /// Where people look at a trace after the run, up to its id; `None` when the traces go with it.
    pub async fn traces(&self) -> Option<String> {
        self.run.guest()?.found().jaeger?;
        let port = docker::port(&self.docker, &self.foundation.jaeger.id, jaeger::QUERY).await.ok()?;
        Some(format!("http://127.0.0.1:{port}/trace/"))
    }

    /// Where people find the log records of an order after the run; `order` stands for its id. `None` when the logs go with the run.
    pub async fn logs_of(&self, order: &str) -> Option<String> {
        self.run.guest()?;
        self.shipping.as_ref()?.link(order).await.ok()
    }

    /// The bucket of the 3D models, as it is reached from here.
    ///
    /// # Errors
    /// When the S3 store is not running.
    pub async fn files(&self) -> Result<S3, Error> {
        quarters::bucket(&self.docker, &self.foundation.files, &self.run.name()).await
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
        for started in self.services.iter().filter(|started| !self.nemesis.away(&started.part)) {
            if !docker::running(&self.docker, &started.id).await? {
                return Err(docker::ended(&self.docker, &started.waited(self.config.limits.ready)).await);
            }
        }
        Ok(())
    }

    /// The way of the logs; `None` when nobody writes any.
    #[must_use]
    pub fn shipping(&self) -> Option<&Shipping> {
        self.shipping.as_ref()
    }

    /// Lets the services export what is left and reads all traces back from Jaeger, and the logs from Elasticsearch. What cannot be had is said in
    /// [`Testimony`]; it is no error.
    pub async fn testimony(&self) -> Testimony {
        // Without the journals it is not known what went down with a process; the account of the messages says so too.
        let lines = self.messages.lines().await.unwrap_or_default();
        testimony::collect(testimony::Sources {
            docker: &self.docker,
            jaeger: &self.foundation.jaeger.id,
            services: &self.services,
            shipping: self.shipping.as_ref(),
            config: &self.config,
            databases: &self.foundation.databases,
            run: (self.run.id(), &self.run.name()),
            since_ns: self.since_ns,
            deaths: self.nemesis.deaths().into_iter().chain(failpoints::deaths(&lines)).collect(),
            lines: &lines,
        })
        .await
    }

    /// Stops a Jaeger of its own: for tests of what happens without it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn stop_jaeger(&self) -> Result<(), Error> {
        Ok(self.docker.kill_container(&self.foundation.jaeger.id, None).await?)
    }

    /// Removes everything that is the run's.
    ///
    /// # Errors
    /// When the engine refuses; the next run tries again.
    pub async fn end(self) -> Result<(), Error> {
        self.run.end(&self.docker).await
    }
}

/// A container that a run uses.
pub(crate) struct Member {
    pub(crate) part: String,
    pub(crate) container: String,
    /// It is the open stack's.
    pub(crate) shared: bool,
}

/// A run's part of a broker.
#[derive(Clone)]
pub(crate) struct BrokerPart {
    pub(crate) docker: Docker,
    pub(crate) container: String,
    pub(crate) virtual_host: String,
}

/// The services of a run.
struct Crew {
    services: Vec<Started>,
    shipping: Option<Shipping>,
    addresses: Addresses,
    proxy: Option<Started>,
    since_ns: u64,
    epoch_ns: u64,
}

/// Starts all services, and tells them when the run begins.
async fn services(ground: Ground<'_>, of: (&Run, &Config, &Foundation), image: &str) -> Result<Crew, Error> {
    let (run, config, foundation) = of;
    let since_ns = wall_clock_ns();
    let name = run.name();
    let proxy = match image::proxy(ground.docker, config).await? {
        Some(image) => Some(ground.start(&proxy::recipe(&image, (config, foundation, &name))).await?),
        None => None,
    };
    let place = service::Place { image, run: run.id(), name: &name, foundation, proxy: proxy.as_ref() };
    let recipes: Vec<_> = config.roles.iter().map(|role| service::recipe(&place, config, role)).collect();
    let shipping = Shipping::start(ground, foundation, (config, &name));
    let (services, shipping) = try_join(try_join_all(recipes.iter().map(|recipe| ground.start(recipe))), shipping).await?;
    let addresses = Addresses::default();
    for service in &services {
        let at = match &proxy {
            Some(proxy) => service::at(ground.docker, (&proxy.id, proxy::service_port(config, &service.part))).await?,
            None => service::address(ground.docker, &service.id).await?,
        };
        addresses.set(&service.part, at);
    }
    // All at once, and a little ahead: each of them has heard of it before it is so far.
    let epoch_ns = wall_clock_ns() + HEAD_START_NS;
    try_join_all(services.iter().map(|it| service::begin(ground.docker, (&it.part, &it.id), epoch_ns))).await?;
    while wall_clock_ns() < epoch_ns {
        docker::pause().await;
    }
    Ok(Crew { services, shipping, addresses, proxy, since_ns, epoch_ns })
}
