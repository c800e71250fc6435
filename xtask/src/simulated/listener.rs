//! Hears the spans and log records of a run as they reach the backend: the detector, and the archive of what a report needs.
//!
//! It has a thread of its own, as the detector of a real system has a machine of its own: nothing of the simulated world waits for
//! it, and what it is told comes in one order, so that its word does not depend on who is faster.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use contracts::attributes;
use detector::{Detector, Gap};
use harness::{
    Archive,
    arena::{PlayError, Played, Prepared},
    broker::BrokerRecords,
};
use judge::case::Telemetry;
use scenarios::{driver::DriveError, language::BrokerTelemetry, ledger::Ledger};
use signals::{Log, Passage, Span};
use simulated::{Driven, Simulation};

use super::nanos;

/// A span may come this much later than it ended, and a little more: the exporter sends a batch every five seconds.
const LATENESS: Duration = Duration::from_secs(10);
/// So many looks may be unheard: the simulation does not run away from a slow listener and fill the memory.
const BACKLOG: usize = 16;

/// The way to the thread that listens.
pub(super) struct Listener {
    looks: SyncSender<Look>,
    /// Emptied vectors come back, for their memory.
    empty: Receiver<Look>,
    alarms: Arc<AtomicU64>,
    thread: JoinHandle<Heard>,
}

/// What had come when somebody looked.
#[derive(Default)]
struct Look {
    spans: Vec<Span>,
    logs: Vec<Log>,
    passages: Vec<Passage>,
    watermark_ns: u64,
}

/// What was made of it.
struct Heard {
    detector: Detector,
    archive: Archive,
    broker: BrokerRecords,
    records: u64,
}

impl Listener {
    /// Starts to listen to a run.
    ///
    /// # Errors
    /// When the lifecycle cannot be read.
    #[expect(clippy::disallowed_methods, reason = "the listener is outside of the simulated world")]
    pub(super) fn start(prepared: &Prepared) -> Result<Self, PlayError> {
        let lifecycle = detector::Lifecycle::parse(&prepared.lifecycle).map_err(|error| PlayError::Failed(error.to_string()))?;
        let orders = scenarios::load::arrivals(&prepared.scenario).take(harness::archive::WHOLE_ORDERS + 1).count();
        let archive = Archive::new(attributes::ORDER_ID, orders, prepared.keep_all);
        let listening = prepared.scenario.instrumentation.broker == BrokerTelemetry::Firehose;
        let broker = BrokerRecords::new(archive.is_whole(), listening);
        let heard = Heard { detector: Detector::new(lifecycle), archive, broker, records: 0 };
        let (looks, waiting) = sync_channel(BACKLOG);
        let (emptied, empty) = channel();
        let alarms = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&alarms);
        let thread = std::thread::spawn(move || heard.listen(&waiting, &emptied, &count));
        Ok(Self { looks, empty, alarms, thread })
    }

    /// Passes on what has reached the backend since the last time.
    pub(super) fn hear(&self, simulation: &Simulation) {
        let mut look = self.empty.try_recv().unwrap_or_default();
        simulation.drain_spans_into(&mut look.spans);
        simulation.drain_logs_into(&mut look.logs);
        simulation.drain_passages_into(&mut look.passages);
        look.watermark_ns = (simulated::EPOCH_NS + nanos(simulation.now())).saturating_sub(nanos(LATENESS));
        // A listener that is gone has panicked; whoever joins it will see.
        drop(self.looks.send(look));
    }

    /// Alarms raised so far.
    pub(super) fn alarms(&self) -> u64 {
        self.alarms.load(Relaxed)
    }

    /// The run is over: takes what is left and the detector's word.
    ///
    /// # Errors
    /// When the driver left no ledger.
    pub(super) fn conclude(
        self,
        simulation: &Simulation,
        driven: &Driven<Result<Ledger, DriveError>>,
    ) -> Result<Played, PlayError> {
        let ledger = driven.take().ok_or_else(|| PlayError::Failed("the driver left no ledger".to_owned()))?;
        let ledger = ledger.map_err(|error| PlayError::Failed(error.to_string()))?;
        simulation.flush_spans();
        self.hear(simulation);
        drop(self.looks);
        let Heard { mut detector, archive, mut broker, records } =
            self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let mut telemetry = Telemetry { found: records, ..Telemetry::default() };
        for journal in simulation.journals() {
            telemetry.ended += journal.ended;
            telemetry.exported += journal.exported;
            telemetry.killed += journal.lost;
            // What a process that was killed was at is known by its journal: which orders, until when. What it had done before
            // and not sent yet shows no step.
            if let Some(died) = journal.died.filter(|_| journal.cut > 0) {
                let orders = journal.cut_about.iter().map(|order| order.as_str().into()).collect();
                detector.gap(Gap::of_service(journal.node.service, simulated::EPOCH_NS + nanos(died), orders));
            }
        }
        telemetry.leaks = detector.leaks();
        telemetry.losses = simulation.losses();
        telemetry.losses.iter().for_each(|loss| detector.gap(loss.into()));
        simulation.silences().into_iter().for_each(|silence| detector.observe_silence(silence));
        for scrape in simulation.take_scrapes() {
            broker.look(&scrape);
            detector.observe_counters(scrape);
        }
        Ok(Played {
            requests: detector.take_requests(),
            findings: detector.finish(ledger.end_ns),
            ledger,
            archive,
            broker,
            telemetry,
            records,
            versions: BTreeMap::from([("loupe".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            settings: Vec::new(),
            trace_base: None,
            log_link: None,
            used: Vec::new(),
            accidents: Vec::new(),
            clock_error: Duration::ZERO,
        })
    }
}

impl Heard {
    fn listen(mut self, waiting: &Receiver<Look>, emptied: &Sender<Look>, alarms: &AtomicU64) -> Self {
        for mut look in waiting {
            for span in look.spans.drain(..) {
                self.detector.observe(&span);
                self.records += 1;
                self.archive.keep(&span);
            }
            for log in look.logs.drain(..) {
                self.detector.observe_log(&log);
                self.archive.keep_log(&log);
            }
            for passage in look.passages.drain(..) {
                self.detector.observe_passage(&passage);
                self.broker.keep(passage);
            }
            self.detector.advance(look.watermark_ns);
            drop(emptied.send(look));
            alarms.store(self.detector.counts().alarms, Relaxed);
            for order in self.detector.take_closed() {
                self.archive.release(&order);
            }
        }
        self
    }
}
