//! What the judge is given about one run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use detector::{Finding, Leak, Route};
use faults::{Effect, Fault};
use scenarios::{language::Threshold, truth::Truth};
use signals::{Loss, firehose::Contexts, loss::Why, usage::Usage};

/// Everything the judge needs to know about one run.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// What was run.
    pub run: Run,
    /// The truth about each order that was initiated.
    pub truths: Vec<Truth>,
    /// The detector's word on each order that the telemetry names.
    pub findings: Vec<Finding>,
    /// The requests that the telemetry shows.
    pub requests: Vec<Route>,
    /// The faults of the scenario, each with what it did.
    pub faults: Vec<(Fault, Vec<Effect>)>,
    /// How long orders took into each state, by the owners' own records, in the order of the lifecycle.
    pub states: Vec<StateTimes>,
    /// How long the closed orders took from first to last state.
    pub lead_times: LeadTimes,
    /// The same by type of client, and what was turned away when it came, so that it never became an order.
    pub clients: BTreeMap<Arc<str>, Client>,
    /// What must hold, the scenario language's defaults included.
    pub thresholds: Vec<Threshold>,
    /// Whether the telemetry is all there.
    pub telemetry: Telemetry,
    /// How many messages carried a trace context, as counted at the broker; `None` where nobody listened there.
    pub contexts: Option<Contexts>,
    /// When messages were in each queue, delivered and unacknowledged ones included: from, to, nanoseconds since the Unix
    /// epoch.
    pub queues: BTreeMap<String, Vec<(u64, u64)>>,
    /// The orders that the same seed exposes with full instrumentation, by order ref; `None` when that was not tried.
    pub exposed_when_full: Option<BTreeSet<String>>,
}

/// What was run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// `simulated` or `containers`.
    pub world: String,
    /// The seed.
    pub seed: u64,
    /// Name of the architecture preset.
    pub architecture: String,
    /// Name of the instrumentation preset.
    pub instrumentation: String,
    /// The scenario says that nothing shall go wrong.
    pub quiet: bool,
    /// Kinds of fault under which the architecture promises to lose no order.
    pub envelope: Vec<String>,
    /// The command that repeats this run.
    pub replay: String,
    /// How the run was shortened, in words; `None` when it was not.
    pub scale: Option<String>,
    /// By what, machines and people.
    pub scaled_by: Option<(f64, f64)>,
    /// The start of the run, nanoseconds since the Unix epoch.
    pub epoch_ns: u64,
    /// Its end, nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// Why the run did not come to rest; `None` when it did.
    pub unsettled: Option<String>,
    /// What took part, and in which version.
    pub versions: BTreeMap<String, String>,
    /// How scenario, architecture and instrumentation were set, in the order to show.
    pub settings: Vec<Setting>,
    /// Between which services a message travels: routing key to sender and receiver.
    pub routes: BTreeMap<String, (String, String)>,
    /// Where a trace can be looked at: the trace id is appended; `None` when nothing keeps the traces.
    pub trace_base: Option<String>,
    /// Where the log records of an order can be looked at: [`ORDER_IN_LINK`] stands for its id; `None` when nothing keeps the logs.
    pub log_link: Option<String>,
    /// What the parts of a real stack used of the machine.
    pub used: Vec<Usage>,
    /// What befell the parts of a real stack that no fault of the scenario did, in words: such a run is never a pass.
    pub accidents: Vec<String>,
}

/// What stands for an order's id in [`Run::log_link`].
pub const ORDER_IN_LINK: &str = "{order.id}";

/// One setting of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// `scenario`, `architecture`, `instrumentation`, or `containers`: what is no matter of the scenario.
    pub of: String,
    /// Its name.
    pub name: String,
    /// How it was set.
    pub value: String,
    /// What the preset would have said; `None` when there is no preset for it.
    pub preset: Option<String>,
}

/// How long orders took into one state from the state before it.
#[derive(Clone, Debug, Default)]
pub struct StateTimes {
    /// The state that was entered.
    pub state: String,
    /// Its deadline, nanoseconds; `None` when it has none.
    pub sla_ns: Option<u64>,
    /// One duration per entry, nanoseconds, in any order.
    pub times_ns: Vec<u64>,
    /// Orders that entered it too late or not at all though its deadline passed.
    pub breaches: u64,
    /// Orders that entered it or should have by its deadline: what a share of breaches is a share of.
    pub due: u64,
    /// The ref of the order that took longest.
    pub slowest: Option<Arc<str>>,
}

/// How long orders took from the first to the last state.
#[derive(Clone, Debug, Default)]
pub struct LeadTimes {
    /// The promise, nanoseconds; `None` when none was made.
    pub promise_ns: Option<u64>,
    /// One duration per closed order, nanoseconds, in any order.
    pub times_ns: Vec<u64>,
    /// Orders closed later than promised, or still open beyond it.
    pub overdue: u64,
    /// Orders closed, or open beyond the promise: what a share of overdue orders is a share of.
    pub due: u64,
    /// The ref of the order that took longest.
    pub slowest: Option<Arc<str>>,
}

/// What the ledger says of the orders of one type of client.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// What never became an order: it was turned away when it came.
    pub refused: u64,
    /// How long the closed orders took from first to last state.
    pub lead_times: LeadTimes,
    /// The calls of such clients that were not answered with success.
    pub failed_calls: Vec<Call>,
}

/// A call of a client that was not answered with success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// When it was made, nanoseconds since the Unix epoch.
    pub asked_ns: u64,
    /// When its answer came, or it was clear that none would.
    pub ended_ns: u64,
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The order that it was about: its id, where it has one, and the client's own reference.
    pub order: [Option<Arc<str>>; 2],
}

impl Case {
    /// What never became an order, whosever it was.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.clients.values().map(|client| client.refused).sum()
    }
}

/// Whether all spans that ended came to the detector.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    /// Spans that services ended, as each instance counts outside of itself.
    pub ended: u64,
    /// Spans handed over by their exporters.
    pub exported: u64,
    /// Spans that the detector was given.
    pub found: u64,
    /// Spans that went down with a process that the scenario killed: missed by design of the fault, and known by count.
    pub killed: u64,
    /// Personal data that the detector saw in it.
    pub leaks: Vec<Leak>,
    /// Ids of orders of which a killed process had something to say that nobody heard, or of which something was being committed when a
    /// process or its connection died.
    pub in_doubt: BTreeSet<String>,
    /// What counters tell of spans that were not passed on.
    pub losses: Vec<Loss>,
    /// Why the telemetry could not be read (whole or in part); `None` when it could.
    pub unavailable: Option<String>,
}

impl Telemetry {
    /// Why the telemetry is no base for any verdict; `None` when it is, or when its counters tell what is missing.
    #[must_use]
    pub fn gap(&self) -> Option<String> {
        if let Some(reason) = &self.unavailable {
            return Some(reason.clone());
        }
        let ended = self.ended - self.killed.min(self.ended);
        let unsent = self.told(|why| why.ended() && !why.exported());
        let unfound = self.told(|why| why.exported());
        (ended != self.exported + unsent || self.exported != self.found + unfound).then(|| {
            let [ended, exported, found] = [ended, self.exported, self.found].map(crate::words::count);
            format!("telemetry is incomplete: {ended} spans ended, {exported} exported, {found} found")
        })
    }

    /// What is missing by its own counters, where that leaves `unsaid` orders open; `None` where it leaves none.
    #[must_use]
    pub fn missing(&self, unsaid: u64, epoch_ns: u64) -> Option<String> {
        if self.losses.is_empty() || unsaid == 0 {
            return None;
        }
        let mut reasons: Vec<Why> = self.losses.iter().map(|loss| loss.why).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let said = reasons.into_iter().map(|why| self.lost(why, epoch_ns)).collect::<Vec<_>>();
        let orders = crate::words::several(unsaid, "order");
        Some(format!("telemetry is incomplete: {}; it leaves open what became of {orders}", said.join(", ")))
    }

    /// `1,204 spans that could not be exported, of all services, from 1 d to 1 d 2 h`.
    fn lost(&self, why: Why, epoch_ns: u64) -> String {
        let losses = || self.losses.iter().filter(|loss| loss.why == why);
        let services: BTreeSet<&str> = losses().filter_map(|loss| loss.service.as_deref()).collect();
        let whose = match services.len() {
            0 => "any service".to_owned(),
            1 | 2 => crate::words::list(&services.into_iter().map(str::to_owned).collect::<Vec<_>>()),
            _ => "several services".to_owned(),
        };
        let time = |at_ns: Option<u64>| crate::words::duration(crate::words::since(at_ns.unwrap_or(epoch_ns), epoch_ns));
        let (from, until) = (losses().map(|loss| loss.from_ns).min(), losses().map(|loss| loss.until_ns).max());
        if why == Why::Silent {
            return format!("neither spans nor counters of {whose} from {} to {}", time(from), time(until));
        }
        let spans = crate::words::several(losses().map(|loss| loss.spans).sum(), "span");
        format!("{spans} {}, of {whose}, from {} to {}", why.words(), time(from), time(until))
    }

    fn told(&self, wanted: impl Fn(Why) -> bool) -> u64 {
        self.losses.iter().filter(|loss| wanted(loss.why)).map(|loss| loss.spans).sum()
    }
}
