//! The simulated world put together: which services run on which nodes, and what of their telemetry the detector gets.

mod listener;

use std::{sync::Arc, time::Duration};

use contracts::{attributes, message, services};
use harness::{
    arena::{Arena, PlayError, Played, Prepared, can_inflict},
    progress::{Progress, Reached},
    simulate::forgotten,
};
use judge::Judged;
use mimalloc::MiMalloc;
use scenarios::{Scenario, Stage, driver, language::BrokerTelemetry, scale};
use signals::{Span, span};
use simulated::{Config, DRIVER, Instrumentation, Pumped, Simulation};
use world::{Node, World};

use listener::Listener;

/// A simulated month allocates and frees some hundred million times, and most of it lives for eight days of virtual time:
/// the system's allocator spends a quarter of the run on finding room.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The two databases.
const SHOP: &str = "shop";
const MES: &str = "mes";
/// Polls between two looks at the spans: few enough that they stay in the cache, many enough that a look costs little.
const SLICE: u64 = 2000;

/// The simulated world.
#[derive(Default)]
pub struct Simulated;

impl Arena for Simulated {
    fn accepts(&self, scenario: &Scenario) -> Result<(), PlayError> {
        can_inflict(scenario, faults::World::Simulated)
    }

    fn another(&self) -> Option<Box<dyn Arena + Send>> {
        Some(Box::new(Self))
    }

    fn play(&mut self, prepared: &Prepared, progress: &mut Progress) -> Result<Played, PlayError> {
        let simulation = assembled(&prepared.scenario);
        let seen = Arc::new(driver::Progress::default());
        let stage = Stage {
            world: simulation.world(DRIVER, SHOP),
            shop: simulation.store(SHOP),
            mes: simulation.store(MES),
            nemesis: simulation.nemesis(),
            messages: simulation.messages(),
            people: None,
        };
        let drive = driver::drive(stage, Arc::clone(&prepared.scenario), Arc::clone(&seen));
        let driven = simulation.drive(DRIVER, "driver", drive);
        let listener = Listener::start(prepared)?;
        loop {
            let pumped = simulation.run_for_polls(SLICE).map_err(|stopped| PlayError::Failed(stopped.to_string()))?;
            listener.hear(&simulation);
            progress.show(Reached {
                initiated: seen.initiated_orders(),
                closed: seen.closed_orders(),
                bad: listener.alarms(),
                now: simulation.now(),
            });
            if pumped == Pumped::Done {
                break;
            }
        }
        let played = listener.conclude(&simulation, &driven);
        forgotten((simulation, driven));
        played
    }
}

/// A world with all services up, before anything happens.
fn assembled(scenario: &Scenario) -> Simulation {
    let settings = Arc::new(scale::settings(scenario));
    let mut config = Config::new(scenario.seed);
    // A calculation is one call: however long it takes, its caller waits.
    config.http.about = contracts::request::order_of;
    config.http.timeout += settings.pricing.longest();
    config.broker.consumer_timeout = Some(scenario.broker.consumer_timeout);
    config.broker.channel_tick = scenario.broker.tick;
    config.broker.parking = &message::DEAD_QUEUES;
    config.broker.event_header = message::EVENT_ID_HEADER;
    config.broker.scrape_every = scale::scrapes_every(scenario);
    config.broker.firehose = scenario.instrumentation.broker == BrokerTelemetry::Firehose;
    config.telemetry.about = attributes::ORDER_ID;
    config.telemetry.at_once = at_once;
    config.telemetry.read_late = scenario.faults.iter().any(|fault| fault.kind.definition == &faults::RETENTION);
    let instrumentation = scenario.instrumentation.clone();
    config.telemetry.instrument = Arc::new(move |node: Node| Instrumentation {
        traced: node != DRIVER && instrumentation.traces(node.service),
        propagate: instrumentation.propagates(node.service),
        logged: node != DRIVER && instrumentation.logs(node.service),
    });
    let simulation = Simulation::new(&config);
    for (service, database) in [
        (services::INTERNET_SHOP, SHOP),
        (services::SHOP_API, SHOP),
        (services::CRM, SHOP),
        (services::CRM_API, SHOP),
        (services::MES_API, MES),
        (services::MES, MES),
    ] {
        let settings = Arc::clone(&settings);
        simulation.start(Node::first(service), database, move |world| start(service, world, &settings));
    }
    simulation
}

/// How long whoever keeps the services up waits before one that could not start is started again.
const RESTART: Duration = Duration::from_secs(10);

/// Starts a role. One that cannot start, because its database is away, fails its callers and is started again.
fn start(service: &'static str, world: World, settings: &Arc<contracts::Settings>) {
    let (rt, settings) = (world.rt.clone(), Arc::clone(settings));
    let keeper = rt.clone();
    rt.spawn("start", async move {
        while !started(service, world.clone(), Arc::clone(&settings)).await {
            keeper.sleep(RESTART).await;
        }
    });
}

async fn started(service: &'static str, world: World, settings: Arc<contracts::Settings>) -> bool {
    let started = match service {
        services::INTERNET_SHOP => shop::front(world, settings).await,
        services::SHOP_API => shop::api(world, settings).await,
        services::CRM => crm::front(world, settings).await,
        services::CRM_API => crm::api(world, settings).await,
        services::MES_API => mes::api(world, settings).await,
        _ => mes::pricing(world, settings).await,
    };
    started.is_ok()
}

/// Spans that an exporter sends as soon as they end: transitions, sends, receives, settles, and marks of long work.
fn at_once(ended: &Span) -> bool {
    ended.start_ns == ended.end_ns
        || ended.events.iter().any(|event| event.name == attributes::STATUS_CHANGED)
        || matches!(span::text(&ended.attributes, attributes::MESSAGING_OPERATION_TYPE), Some("send" | "settle"))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Plays and judges a scenario in memory, for tests.
///
/// # Panics
/// When it cannot be played.
#[must_use]
pub fn judged(scenario: &Scenario) -> Judged {
    let prepared = harness::prepare::prepared(scenario.clone(), false, true).unwrap_or_else(|error| panic!("{error}"));
    let mut progress = Progress::silent();
    let played = Simulated.play(&prepared, &mut progress).unwrap_or_else(|error| panic!("{error}"));
    harness::conclude::judged(&prepared, &played, harness::options::WorldName::Simulated)
        .unwrap_or_else(|error| panic!("{error}"))
}
