//! The simulated world put together: which services run on which nodes, and what of their telemetry the detector gets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::{attributes, message, services};
use detector::{Detector, Gap};
use harness::{
    Archive,
    arena::{Arena, PlayError, Played, Prepared},
    progress::{Progress, Reached},
};
use judge::{Judged, case::Telemetry};
use scenarios::{
    Scenario, Stage,
    driver::{self, DriveError},
    ledger::Ledger,
    scale,
};
use signals::{Span, span};
use simulated::{Config, DRIVER, Driven, Instrumentation, Pumped, Simulation};
use world::{Node, World};

/// The two databases.
const SHOP: &str = "shop";
const MES: &str = "mes";
/// Polls between two looks at the spans: few enough that they stay in the cache, many enough that a look costs little.
const SLICE: u64 = 500;
/// A span may come this much later than it ended, and a little more: the exporter sends a batch every five seconds.
const LATENESS: Duration = Duration::from_secs(10);

/// The simulated world.
#[derive(Default)]
pub struct Simulated;

impl Arena for Simulated {
    fn accepts(&self, _: &Scenario) -> Result<(), PlayError> {
        // Every fault of the catalogue can be inflicted here.
        Ok(())
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
        };
        let drive = driver::drive(stage, Arc::clone(&prepared.scenario), Arc::clone(&seen));
        let driven = simulation.drive(DRIVER, "driver", drive);
        let mut listener = Listener::new(prepared)?;
        loop {
            let pumped = simulation.run_for_polls(SLICE).map_err(|stopped| PlayError::Failed(stopped.to_string()))?;
            listener.hear(&simulation);
            progress.show(Reached {
                initiated: seen.initiated_orders(),
                closed: seen.closed_orders(),
                bad: listener.detector.counts().alarms,
                now: simulation.now(),
            });
            if pumped == Pumped::Done {
                break;
            }
        }
        listener.conclude(&simulation, &driven)
    }
}

/// A world with all services up, before anything happens.
fn assembled(scenario: &Scenario) -> Simulation {
    let settings = Arc::new(scale::settings(scenario));
    let mut config = Config::new(scenario.seed);
    // A calculation is one call: however long it takes, its caller waits.
    config.http.timeout += settings.pricing.longest();
    config.broker.consumer_timeout = Some(scenario.broker.consumer_timeout);
    config.broker.channel_tick = scenario.broker.tick;
    config.broker.event_header = message::EVENT_ID_HEADER;
    config.telemetry.about = attributes::ORDER_ID;
    config.telemetry.at_once = at_once;
    let instrumentation = scenario.instrumentation.clone();
    config.telemetry.instrument = Arc::new(move |node: Node| Instrumentation {
        traced: node != DRIVER && instrumentation.traces(node.service),
        propagate: instrumentation.propagation,
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

/// Starts a role. A service that cannot start fails its callers, as a real one would.
fn start(service: &'static str, world: World, settings: &Arc<contracts::Settings>) {
    let (rt, settings) = (world.rt.clone(), Arc::clone(settings));
    rt.spawn("start", async move {
        let started = match service {
            services::INTERNET_SHOP => shop::front(world, settings).await,
            services::SHOP_API => shop::api(world, settings).await,
            services::CRM => crm::front(world, settings).await,
            services::CRM_API => crm::api(world, settings).await,
            services::MES_API => mes::api(world, settings).await,
            _ => mes::pricing(world, settings).await,
        };
        drop(started);
    });
}

/// Spans that an exporter sends as soon as they end: transitions, sends, receives, settles, and marks of long work.
fn at_once(ended: &Span) -> bool {
    ended.start_ns == ended.end_ns
        || ended.events.iter().any(|event| event.name == attributes::STATUS_CHANGED)
        || matches!(span::text(&ended.attributes, attributes::MESSAGING_OPERATION_TYPE), Some("send" | "settle"))
}

/// Hears the spans of a run as they reach the backend.
struct Listener {
    detector: Detector,
    archive: Archive,
    records: u64,
    /// What has come since the last look; kept for its memory.
    spans: Vec<Span>,
}

impl Listener {
    fn new(prepared: &Prepared) -> Result<Self, PlayError> {
        let lifecycle = detector::Lifecycle::parse(&prepared.lifecycle).map_err(|error| PlayError::Failed(error.to_string()))?;
        let orders = scenarios::load::arrivals(&prepared.scenario).take(harness::archive::WHOLE_ORDERS + 1).count();
        let archive = Archive::new(attributes::ORDER_ID, orders, prepared.keep_all);
        Ok(Self { detector: Detector::new(lifecycle), archive, records: 0, spans: Vec::new() })
    }

    fn hear(&mut self, simulation: &Simulation) {
        simulation.drain_spans_into(&mut self.spans);
        for span in self.spans.drain(..) {
            self.detector.observe(&span);
            self.records += 1;
            self.archive.keep(&span);
        }
        let now = simulated::EPOCH_NS + nanos(simulation.now());
        self.detector.advance(now.saturating_sub(nanos(LATENESS)));
        for order in self.detector.take_closed() {
            self.archive.release(&order);
        }
    }

    fn conclude(mut self, simulation: &Simulation, driven: &Driven<Result<Ledger, DriveError>>) -> Result<Played, PlayError> {
        let ledger = driven.take().ok_or_else(|| PlayError::Failed("the driver left no ledger".to_owned()))?;
        let ledger = ledger.map_err(|error| PlayError::Failed(error.to_string()))?;
        simulation.flush_spans();
        self.hear(simulation);
        let mut telemetry = Telemetry { found: self.records, ..Telemetry::default() };
        for journal in simulation.journals() {
            telemetry.ended += journal.ended;
            telemetry.exported += journal.exported;
            telemetry.killed += journal.lost;
            // What a process that was killed was at is known by its journal: which orders, until when. What it had done before
            // and not sent yet shows no step.
            if let Some(died) = journal.died.filter(|_| journal.cut > 0) {
                let orders = journal.cut_about.iter().map(|order| order.as_str().into()).collect();
                self.detector.gap(Gap::of_service(journal.node.service, simulated::EPOCH_NS + nanos(died), orders));
            }
        }
        let findings = self.detector.finish(ledger.end_ns);
        Ok(Played {
            ledger,
            findings,
            archive: self.archive,
            telemetry,
            records: self.records,
            versions: BTreeMap::from([("loupe".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            trace_base: None,
            clock_error: Duration::ZERO,
        })
    }
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
