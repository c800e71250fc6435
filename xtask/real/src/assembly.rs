//! A scenario's stack, and the stage that the driver acts on.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use adapters::{
    broker::RabbitMq,
    http::{Calls, Sockets},
    journal::Journal,
    runtime::{Epoch, TokioEngine},
    store::Postgres,
};
use containers::{
    Blueprint, BrokerSeen, Config, Images, Limits, Lookout, Meter, Rabbit, Role, Stack, Standing, Testimony, Watch,
};
use contracts::{message, services};
use faults::{Change, DatabaseFault, Deed, Interference};
use scenarios::{Scenario, Stage, actors::briefing::Briefing, apart::Place as PeoplesPlace, language::BrokerTelemetry, scale};
use signals::usage::Usage;
use tokio::runtime::Handle;
use world::{Node, Runtime, Telemetry, World};

use crate::people::{self, People, PeopleError};

/// The two databases.
const SHOP: &str = "shop";
const MES: &str = "mes";
/// The driver's own node.
const DRIVER: Node = Node::first("driver");
/// Connections to each database for the driver.
const CONNECTIONS: usize = 8;
/// How long a request of an actor may take.
const ANSWER: Duration = Duration::from_secs(30);
/// Traces of one order: one for each stimulus, and for what polls in between.
const TRACES_PER_ORDER: usize = 40;

/// What logs call the place unless somebody says otherwise.
pub const TEST: &str = "test";
/// From how long on a statement is slow, unless somebody says otherwise: a round trip of a calm run takes one millisecond.
pub const SLOW_STATEMENT: Duration = Duration::from_millis(100);

/// Where a run takes place.
#[derive(Clone, Debug)]
pub struct Place {
    /// The services' binary.
    pub app: PathBuf,
    /// Which images.
    pub images: Images,
    /// How long things may take.
    pub limits: Limits,
    /// The open stack that is used when it is up; without it everything is the run's own.
    pub open: Option<String>,
    /// What the logs call the place: small letters. `production` keeps INFO and above.
    pub environment: String,
    /// From how long on a statement is slow, and goes into the run's logs: whole milliseconds.
    pub slow_statement: Duration,
}

impl Place {
    /// The open stack as it must be.
    #[must_use]
    pub fn blueprint(&self) -> Option<Blueprint> {
        self.open.clone().map(|name| blueprint(name, self.images.clone(), self.limits))
    }
}

/// An open stack of this version of Loupe.
#[must_use]
pub fn blueprint(name: String, images: Images, limits: Limits) -> Blueprint {
    Blueprint { standing: standing(name), images, databases: databases(), limits }
}

fn standing(name: String) -> Standing {
    Standing { name, version: env!("CARGO_PKG_VERSION").to_owned() }
}

fn databases() -> Vec<String> {
    vec![SHOP.into(), MES.into()]
}

/// A running stack and its stage.
pub struct Assembly {
    stack: Stack,
    stage: Stage,
    watch: Option<Watch>,
    meter: Option<Meter>,
    lookout: Option<Lookout>,
    people: Option<People>,
}

/// Why there is no stage.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// The stack.
    #[error(transparent)]
    Stack(#[from] containers::Error),
    /// A database's address.
    #[error("database: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// The driver's HTTP client.
    #[error("HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The people.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The settings.
    #[error("settings: {0}")]
    Settings(#[from] serde_json::Error),
}

/// The stack that a scenario needs.
///
/// # Errors
/// When the settings are no JSON.
pub fn config(scenario: &Scenario, place: Place) -> Result<Config, serde_json::Error> {
    let Place { app, images, limits, open, environment, slow_statement } = place;
    let settings = serde_json::to_string(&scale::settings(scenario))?;
    let role = |name: &'static str, database: Option<&str>| Role {
        name: name.to_owned(),
        database: database.map(str::to_owned),
        traces: scenario.instrumentation.traces(name),
        logs: scenario.instrumentation.logs(name),
        propagates: scenario.instrumentation.propagates(name),
        environment: [("LOUPE_SETTINGS".to_owned(), settings.clone())].into(),
    };
    let orders = scenarios::load::arrivals(scenario).count();
    let bindings = message::TOPOLOGY.bindings.iter();
    let queue_of: BTreeMap<String, String> = bindings.map(|(_, key, queue)| ((*key).to_owned(), (*queue).to_owned())).collect();
    let parking: &[&str] = if scenario.architecture.dead_letters { &message::DEAD_QUEUES } else { &[] };
    Ok(Config {
        images,
        proxy: scenario.faults.iter().any(|fault| needs_proxy(&fault.kind.deed())).then(|| app.with_file_name("loupe-proxy")),
        event_header: message::EVENT_ID_HEADER.to_owned(),
        app,
        seed: scenario.seed,
        roles: vec![
            role(services::INTERNET_SHOP, None),
            role(services::SHOP_API, Some(SHOP)),
            role(services::CRM, None),
            role(services::CRM_API, Some(SHOP)),
            role(services::MES_API, Some(MES)),
            role(services::MES, None),
        ],
        databases: databases(),
        rabbit: Rabbit { consumer_timeout: Some(scenario.broker.consumer_timeout), channel_tick: Some(scenario.broker.tick) },
        queue_of,
        parking: parking.iter().map(|&queue| queue.to_owned()).collect(),
        max_traces: (orders * TRACES_PER_ORDER).max(10_000),
        limits,
        open: open.map(standing),
        environment,
        slow_statement,
        breaks_broker: scenario.faults.iter().any(|fault| breaks_broker(&fault.kind.deed())),
    })
}

/// Whether a fault is felt by whoever uses the same broker.
const fn breaks_broker(deed: &Deed) -> bool {
    matches!(deed, Deed::Outage(_) | Deed::Broker(Change::Short(_)))
}

/// Whether a fault is inflicted between services and what they talk to.
const fn needs_proxy(deed: &Deed) -> bool {
    match deed {
        Deed::Meddle(meddling) => !matches!(meddling.how, Interference::CrashBeforePublish(_) | Interference::CrashBeforeAck(_)),
        Deed::Database { how, .. } => matches!(how, DatabaseFault::Down | DatabaseFault::Slow(_)),
        Deed::CutOff { .. } | Deed::Files(_) | Deed::Calls(_) | Deed::Telemetry(_) => true,
        _ => false,
    }
}

impl Assembly {
    /// Starts the stack and sets the stage, on the current tokio runtime; `say` is told what is being done. The run begins
    /// now.
    ///
    /// # Errors
    /// When the stack does not come up; nothing is left behind.
    pub async fn start(config: Config, say: &(dyn Fn(&str) + Sync)) -> Result<Self, AssemblyError> {
        let seed = config.seed;
        let stack = Stack::start(config, say).await?;
        let rt = Runtime::new(TokioEngine::new(Handle::current(), seed, Epoch::at(stack.epoch_ns())), DRIVER);
        match stage(&stack, rt).await {
            Ok(stage) => Ok(Self { stack, stage, watch: None, meter: None, lookout: None, people: None }),
            Err(error) => {
                drop(stack.end().await);
                Err(error)
            }
        }
    }

    /// Begins to watch the broker, as far as the scenario is instrumented, what everybody uses of the machine, and what befalls the
    /// parts: before the first order comes.
    ///
    /// # Errors
    /// When its firehose cannot be listened to.
    pub async fn watch(&mut self, scenario: &Scenario) -> Result<(), containers::Error> {
        let listening = scenario.instrumentation.broker == BrokerTelemetry::Firehose;
        let watch = Watch::start(&self.stack, &self.stage.world.rt, scale::scrapes_every(scenario), listening).await?;
        self.watch = Some(watch);
        self.meter = Some(Meter::start(&self.stack, &self.stage.world.rt));
        self.lookout = Some(Lookout::start(&self.stack, &self.stage.world.rt));
        Ok(())
    }

    /// Lets goose play the people of a scenario, in a process of their own; `app` is the services' binary, beside which theirs is.
    ///
    /// # Errors
    /// When their process does not start, or an address is not known.
    pub async fn bring_people(&mut self, scenario: &Scenario, app: &Path) -> Result<(), AssemblyError> {
        let addresses = self.stack.services();
        let place = PeoplesPlace {
            seed: scenario.seed,
            epoch_ns: self.stack.epoch_ns(),
            services: addresses.all(),
            shop: self.stack.database(SHOP).await?.unwrap_or_default(),
            mes: self.stack.database(MES).await?.unwrap_or_default(),
            answer: ANSWER,
            keep_alive: !self.stack.is_proxied(),
            briefing: Briefing::of(scenario),
        };
        let binary = app.with_file_name(people::BINARY);
        let people = People::start(&self.stage.world.rt, &binary, place, addresses)?;
        self.stage.people = Some(people.line());
        if let (Some(meter), Some(process)) = (&self.meter, people.id()) {
            meter.also(people::BINARY, process);
        }
        self.people = Some(people);
        Ok(())
    }

    /// The people's process, where there is one.
    #[must_use]
    pub fn people(&self) -> Option<&People> {
        self.people.as_ref()
    }

    /// What the broker let see of itself; it is not watched any more.
    pub fn seen_of_broker(&mut self) -> BrokerSeen {
        self.watch.take().map(Watch::end).unwrap_or_default()
    }

    /// What the parts used of the machine; nobody looks any more.
    pub fn usage(&mut self) -> Vec<Usage> {
        self.meter.take().map(Meter::end).unwrap_or_default()
    }

    /// What befell the parts that no fault of the scenario did: a sentence for each accident; nobody looks any more.
    pub async fn accidents(&mut self) -> Vec<String> {
        match self.lookout.take() {
            Some(lookout) => lookout.end().await,
            None => Vec::new(),
        }
    }

    /// What the driver acts on.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage.clone()
    }

    /// The stack below.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// All traces, as far as they can be had.
    pub async fn testimony(&self) -> Testimony {
        self.stack.testimony().await
    }

    /// Removes everything.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn end(self) -> Result<(), containers::Error> {
        let Self { stack, stage, watch, meter, lookout, people } = self;
        drop((stage, watch, meter, lookout));
        if let Some(people) = people {
            people.end().await;
        }
        stack.end().await
    }
}

async fn stage(stack: &Stack, rt: Runtime) -> Result<Stage, AssemblyError> {
    let shop = database(stack, &rt, SHOP).await?;
    let mes = database(stack, &rt, MES).await?;
    let calls = Calls { limit: ANSWER, keep_alive: !stack.is_proxied() };
    let broker = RabbitMq::new(rt.clone(), stack.broker().await?, message::EVENT_ID_HEADER, Journal::none(rt.clone()));
    let world = World {
        broker: Arc::new(broker),
        store: Arc::clone(&shop) as _,
        files: Arc::new(stack.files().await?),
        http: Arc::new(Sockets::new(rt.clone(), None, stack.services(), calls)?),
        telemetry: Telemetry::new(rt.clone(), None, false),
        rt,
    };
    Ok(Stage { world, shop, mes, nemesis: stack.nemesis(), messages: stack.messages(), people: None })
}

async fn database(stack: &Stack, rt: &Runtime, name: &str) -> Result<Arc<Postgres>, AssemblyError> {
    let url = stack.database(name).await?.unwrap_or_default();
    Ok(Arc::new(Postgres::new(rt.clone(), &url, CONNECTIONS)?))
}
