//! Whole runs of the simulated world: what each says of its orders, and what all of them promise whatever happens in them.
#![expect(
    clippy::disallowed_methods,
    reason = "the tier of the tests and the renewal of golden files come in by the environment"
)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agreement;
mod blind;
mod broker_evidence;
mod causes;
mod determinism;
mod drawn;
mod elk;
mod library;
mod logs;
mod manual;
mod notices;
mod partners;
mod phantoms;
mod planted;
mod promises;
mod races;
mod requests;
mod scaled;
mod sized;
mod spans;
mod sweep;
mod telemetry_faults;
mod unseen;

use std::path::Path;

use harness::{Arena as _, Played, prepare, progress::Progress};
use scenarios::Scenario;
use xtask::simulated::Simulated;

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Whether these are the long tests of the night.
fn nightly() -> bool {
    std::env::var("LOUPE_TIER").is_ok_and(|tier| tier == "nightly")
}

/// Plays a scenario and keeps its spans and log records.
fn played(scenario: Scenario) -> Played {
    let prepared = prepare::prepared(scenario, false, true).unwrap();
    Simulated.play(&prepared, &mut Progress::silent()).unwrap()
}
