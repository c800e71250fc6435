//! A world as the harness sees it: a place where a prepared run can be played.

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use detector::{Finding, Route};
use faults::World;
use judge::case::{Setting, Telemetry};
use scenarios::{language::Scenario, ledger::Ledger};
use signals::usage::Usage;

use crate::{Archive, broker::BrokerRecords, progress::Progress};

/// A run as it is handed to a world.
pub struct Prepared {
    /// The scenario with the options' seed, architecture and instrumentation; already scaled where it shall be.
    pub scenario: Arc<Scenario>,
    /// The lifecycle file with the scenario's deadlines.
    pub lifecycle: String,
    /// Keep the spans of all orders.
    pub keep_all: bool,
}

impl Prepared {
    /// Which run it is, for people who watch.
    #[must_use]
    pub fn label(&self) -> String {
        let scenario = &self.scenario;
        format!("{}  {}  seed {}", scenario.name, scenario.architecture.preset.name(), scenario.seed)
    }
}

/// What a world gives back.
pub struct Played {
    /// What happened.
    pub ledger: Ledger,
    /// What the detector says, from telemetry alone.
    pub findings: Vec<Finding>,
    /// The requests that the telemetry shows.
    pub requests: Vec<Route>,
    /// The spans and log records that the report needs.
    pub archive: Archive,
    /// What the broker let see of itself.
    pub broker: BrokerRecords,
    /// Whether the telemetry is all there.
    pub telemetry: Telemetry,
    /// Spans that the detector was given.
    pub records: u64,
    /// What took part, and in which version.
    pub versions: BTreeMap<String, String>,
    /// How the world was set up, where that is no matter of the scenario.
    pub settings: Vec<Setting>,
    /// Where a trace can be looked at.
    pub trace_base: Option<String>,
    /// Where the log records of an order can be looked at: [`ORDER_IN_LINK`](judge::case::ORDER_IN_LINK) stands for its id.
    pub log_link: Option<String>,
    /// What the parts of a real stack used of the machine.
    pub used: Vec<Usage>,
    /// What befell the parts of a real stack that no fault of the scenario did, in words.
    pub accidents: Vec<String>,
    /// How far clocks may be apart: an order nearer to a deadline than this is borderline.
    pub clock_error: Duration,
}

/// Why a run could not be played. None of these says anything about the system under test.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The world cannot do what the scenario asks.
    #[error("{0}")]
    Unable(String),
    /// The harness or the stack failed.
    #[error("{0}")]
    Failed(String),
}

/// Whether a world can inflict all faults of a scenario.
///
/// # Errors
/// [`PlayError::Unable`], with the first that it cannot.
pub fn can_inflict(scenario: &Scenario, world: World) -> Result<(), PlayError> {
    let Some(fault) = scenario.faults.iter().find(|fault| !fault.kind.can(world)) else { return Ok(()) };
    let able: Vec<&str> = fault.kind.definition.worlds.iter().map(|world| world.name()).collect();
    let (name, able) = (fault.kind.name(), able.join(", "));
    Err(PlayError::Unable(format!("the {} world cannot inflict {name}; expected --world {able}", world.name())))
}

/// A place where runs are played.
pub trait Arena {
    /// Refuses a scenario that this world cannot play, before anything is started.
    ///
    /// # Errors
    /// [`PlayError::Unable`], with the reason.
    fn accepts(&self, scenario: &Scenario) -> Result<(), PlayError>;

    /// Whether runs can be played now; asked once, before the first.
    ///
    /// # Errors
    /// [`PlayError::Failed`], with the reason.
    fn ready(&mut self) -> Result<(), PlayError> {
        Ok(())
    }

    /// One more of this world, to play in beside it; `None` where there can be but one.
    fn another(&self) -> Option<Box<dyn Arena + Send>> {
        None
    }

    /// How many runs it plays side by side where it can: as many as the machine has cores.
    fn side_by_side(&self) -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// Whether a run takes so long that people want to know how far it is, also when others run beside it.
    fn is_slow(&self) -> bool {
        false
    }

    /// Plays a run to its end.
    ///
    /// # Errors
    /// When the harness or the stack failed.
    fn play(&mut self, prepared: &Prepared, progress: &mut Progress) -> Result<Played, PlayError>;
}
