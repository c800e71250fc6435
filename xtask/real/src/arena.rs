//! The containers world as the harness sees it: plays a run on the real stack, and reads the traces back from Jaeger and the
//! logs from Elasticsearch.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use containers::{BrokerSeen, Testimony, testimony::Died};
use contracts::attributes;
use detector::{Detector, Gap};
use faults::World;
use harness::{
    Archive,
    arena::{Arena, PlayError, Played, Prepared, can_inflict},
    broker::BrokerRecords,
    progress::{Progress, Reached},
};
use judge::{
    case::{ORDER_IN_LINK, Setting, Telemetry},
    words,
};
use scenarios::{
    Scenario,
    driver::{self, DriveError},
    language::BrokerTelemetry,
    ledger::Ledger,
};
use signals::{Log, Span};
use world::Either;

use crate::{
    Assembly,
    assembly::{self, AssemblyError, Place},
    clocks::Clocks,
    interrupt::Interrupt,
    people::People,
};

/// Between two looks at how far a run is.
const LOOK: Duration = Duration::from_millis(250);
/// So many looks from one question whether all services still run to the next.
const LOOKS: u32 = 8;
/// So many runs share two cores and stay within their deadlines.
const SIDE_BY_SIDE: usize = 4;

/// The containers world.
pub struct Containers {
    runtime: tokio::runtime::Runtime,
    place: Place,
    interrupt: Interrupt,
    /// There is an open stack, which runs can share.
    open: bool,
}

impl Containers {
    /// The world at a place.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(place: Place) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let interrupt = runtime.block_on(async { Interrupt::listen() })?;
        Ok(Self { runtime, place, interrupt, open: false })
    }
}

impl Arena for Containers {
    fn accepts(&self, scenario: &Scenario) -> Result<(), PlayError> {
        can_inflict(scenario, World::Containers)
    }

    /// Docker answers, and the open stack, if it is up, fits.
    fn ready(&mut self) -> Result<(), PlayError> {
        self.open = self.runtime.block_on(containers::open::check(self.place.blueprint().as_ref())).map_err(failed)?;
        Ok(())
    }

    /// Runs that share an open stack wait more than they compute; each with a stack of its own they would be in each other's way.
    fn another(&self) -> Option<Box<dyn Arena + Send>> {
        let another = self.open.then(|| Self::new(self.place.clone()).ok()).flatten()?;
        Some(Box::new(Self { open: true, ..another }))
    }

    fn side_by_side(&self) -> usize {
        SIDE_BY_SIDE
    }

    fn is_slow(&self) -> bool {
        true
    }

    /// On SIGINT and SIGTERM everything is removed, and no further run begins.
    fn play(&mut self, prepared: &Prepared, progress: &mut Progress) -> Result<Played, PlayError> {
        let config = assembly::config(&prepared.scenario, self.place.clone()).map_err(failed)?;
        if self.interrupt.told() {
            return Err(PlayError::Failed("interrupted".to_owned()));
        }
        let played = self.runtime.block_on(async { first(run(prepared, config, progress), self.interrupt.wait()).await });
        match played {
            Either::Left(played) => played,
            // The run's future is gone, and with it the stack.
            Either::Right(()) => Err(PlayError::Failed("interrupted; its containers are removed".to_owned())),
        }
    }
}

fn failed(error: impl std::fmt::Display) -> PlayError {
    PlayError::Failed(error.to_string())
}

/// Whichever is first; the first one when both are.
pub(crate) async fn first<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> Either<A, B> {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|context| {
        if let std::task::Poll::Ready(value) = one.as_mut().poll(context) {
            return std::task::Poll::Ready(Either::Left(value));
        }
        other.as_mut().poll(context).map(Either::Right)
    })
    .await
}

async fn run(prepared: &Prepared, config: containers::Config, progress: &mut Progress) -> Result<Played, PlayError> {
    let settings = vec![slow_statements(&config)];
    let app = config.app.clone();
    let mut assembly = Assembly::start(config, &|phase| progress.phase(phase)).await.map_err(failed)?;
    let (traces, logs) = (assembly.stack().traces().await, assembly.stack().logs_of(ORDER_IN_LINK).await);
    progress.phase("orders arrive");
    let told = match attended(&mut assembly, &prepared.scenario, &app).await {
        Ok(()) => watched(&assembly, prepared, progress).await,
        Err(error) => Err(failed(error)),
    };
    let mut versions = BTreeMap::from([("loupe".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
    if let Some(tool) = assembly.people().and_then(|people| people.line().counted().map(|counted| counted.tool.clone())) {
        versions.insert("people".to_owned(), tool);
    }
    let told = match told {
        Ok(ledger) => {
            progress.phase("reading traces and logs back from Jaeger and Elasticsearch");
            let (seen, usage) = (assembly.seen_of_broker(), assembly.usage());
            // The faults are over: who was down is back, and says what it is.
            versions.extend(assembly.stack().versions().await);
            Ok((ledger, assembly.testimony().await, seen, usage))
        }
        Err(error) => Err(error),
    };
    let accidents = assembly.accidents().await;
    let account = assembly.stack().messages().failure();
    progress.phase("removing the containers");
    let ended = assembly.end().await;
    let (ledger, testimony, seen, usage) = told.map_err(|error| explained(error, &accidents))?;
    ended.map_err(failed)?;
    if let Some(reason) = account {
        return Err(PlayError::Failed(format!("the account of the messages is not whole: {reason}")));
    }
    let played = concluded(prepared, ledger, (testimony, seen), versions)?;
    Ok(Played { trace_base: traces, log_link: logs, used: usage, accidents, settings, ..played })
}

/// Why there is no ledger, with what befell the stack.
fn explained(error: PlayError, accidents: &[String]) -> PlayError {
    if accidents.is_empty() {
        return error;
    }
    PlayError::Failed(format!("{error}; and an accident that is no fault of the scenario: {}", accidents.join("; ")))
}

/// Begins to watch the broker, and lets people come.
async fn attended(assembly: &mut Assembly, scenario: &Scenario, app: &Path) -> Result<(), AssemblyError> {
    assembly.watch(scenario).await?;
    assembly.bring_people(scenario, app).await
}

/// Drives the run, shows how far it is, and ends it when a service has ended by itself.
async fn watched(assembly: &Assembly, prepared: &Prepared, progress: &mut Progress) -> Result<Ledger, PlayError> {
    let stage = assembly.stage();
    let rt = stage.world.rt.clone();
    let seen = Arc::new(driver::Progress::default());
    let drive = driver::drive(stage, Arc::clone(&prepared.scenario), Arc::clone(&seen));
    let watch = async {
        loop {
            for _ in 0..LOOKS {
                rt.sleep(LOOK).await;
                let (initiated, closed) = (seen.initiated_orders(), seen.closed_orders());
                progress.show(Reached { initiated, closed, bad: 0, now: rt.now() });
            }
            if let Err(error) = assembly.stack().check().await {
                return error.to_string();
            }
            if let Some(Err(error)) = assembly.people().map(People::check) {
                return error.to_string();
            }
        }
    };
    match first(drive, watch).await {
        // Who watches knows how they ended.
        Either::Left(Err(error @ DriveError::People(_))) => Err(match assembly.people().map(People::check) {
            Some(Err(ended)) => failed(ended),
            _ => failed(error),
        }),
        Either::Left(ledger) => ledger.map_err(failed),
        Either::Right(error) => Err(failed(error)),
    }
}

/// Gives the detector what came back from Jaeger and Elasticsearch and what the broker let see of itself, and nothing else.
///
/// # Errors
/// When the lifecycle cannot be read (it was read before the run began).
pub fn concluded(
    prepared: &Prepared,
    ledger: Ledger,
    (testimony, seen): (Testimony, BrokerSeen),
    versions: BTreeMap<String, String>,
) -> Result<Played, PlayError> {
    let mut detector = Detector::new(detector::Lifecycle::parse(&prepared.lifecycle).map_err(failed)?);
    let mut archive = Archive::new(attributes::ORDER_ID, ledger.orders.len(), prepared.keep_all);
    let mut telemetry = telemetry(&testimony);
    if telemetry.gap().is_some() {
        detector.gap(Gap::between(0, u64::MAX));
    }
    for died in &testimony.died {
        let names = |orders: &[String]| orders.iter().map(|order| order.as_str().into()).collect();
        detector.gap(Gap::of_service(&died.service, died.at_ns, names(&died.untold)));
        detector.gap(Gap::of_commits(&died.service, died.at_ns, names(&died.committing)));
    }
    let Testimony { mut spans, mut logs, .. } = testimony;
    let clock_error = Clocks::of(&ledger).error(&spans, &logs);
    spans.sort_by_key(|span| (span.end_ns, span.start_ns, span.span_id.to_bytes()));
    logs.sort_by_key(|log| (log.time_ns, log.number));
    let records = spans.len() as u64;
    let mut logs = logs.into_iter().peekable();
    for span in spans {
        while let Some(log) = logs.next_if(|log| log.time_ns <= span.end_ns) {
            note(&mut detector, &mut archive, &log);
        }
        hear(&mut detector, &mut archive, &span);
    }
    logs.for_each(|log| note(&mut detector, &mut archive, &log));
    let listening = prepared.scenario.instrumentation.broker == BrokerTelemetry::Firehose;
    let broker = watched_broker(&mut detector, BrokerRecords::new(archive.is_whole(), listening), seen);
    telemetry.leaks = detector.leaks();
    let requests = detector.take_requests();
    let findings = detector.finish(ledger.end_ns);
    Ok(Played {
        ledger,
        findings,
        requests,
        archive,
        broker,
        telemetry,
        records,
        versions,
        settings: Vec::new(),
        trace_base: None,
        log_link: None,
        used: Vec::new(),
        accidents: Vec::new(),
        clock_error,
    })
}

/// What the broker let see of itself, heard and kept.
fn watched_broker(detector: &mut Detector, mut records: BrokerRecords, seen: BrokerSeen) -> BrokerRecords {
    seen.silences.into_iter().for_each(|silence| detector.observe_silence(silence));
    for scrape in seen.scrapes {
        records.look(&scrape);
        detector.observe_counters(scrape);
    }
    for passage in seen.passages {
        detector.observe_passage(&passage);
        records.keep(passage);
    }
    records
}

/// One log record.
fn note(detector: &mut Detector, archive: &mut Archive, log: &Log) {
    detector.observe_log(log);
    archive.keep_log(log);
}

/// One span, by the time of its end: what ended before it has been heard, and what was logged before it has been read.
fn hear(detector: &mut Detector, archive: &mut Archive, span: &Span) {
    detector.advance(span.end_ns.saturating_sub(1));
    for order in detector.take_closed() {
        archive.release(&order);
    }
    detector.observe(span);
    archive.keep(span);
}

fn telemetry(testimony: &Testimony) -> Telemetry {
    let sum = |count: fn(&containers::testimony::ServiceSpans) -> u64| testimony.services.values().map(count).sum::<u64>();
    let of_the_dead = |count: fn(&Died) -> u64| testimony.died.iter().map(count).sum::<u64>();
    Telemetry {
        ended: sum(|service| service.counts.ended) + of_the_dead(|died| died.ended.max(died.found)),
        exported: sum(|service| service.counts.exported) + of_the_dead(|died| died.found),
        found: sum(|service| service.found) + of_the_dead(|died| died.found),
        killed: of_the_dead(Died::lost),
        in_doubt: testimony.died.iter().flat_map(|died| &died.untold).chain(&testimony.unanswered).cloned().collect(),
        losses: Vec::new(),
        leaks: Vec::new(),
        unavailable: testimony.unavailable.clone(),
    }
}

/// From how long on the databases say so of a statement.
fn slow_statements(config: &containers::Config) -> Setting {
    let value = words::duration(config.slow_statement.as_secs_f64());
    Setting { of: "containers".to_owned(), name: "slow statement".to_owned(), value, preset: None }
}
