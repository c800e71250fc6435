//! From the command line to runs that can be played: scenarios found, options applied, everything wrong said before anything
//! starts.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use scenarios::{Scenario, language::ScenarioError, scale};

use crate::{
    arena::{Arena, Prepared},
    folder,
    options::{Options, WorldName},
};

/// The scenario of `cargo xtask simulate` without an argument: the most telling one.
pub const DEFAULT: &str = "broker-kill";

/// What is wrong with a command line or a scenario. Nothing has been started.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A scenario cannot be found, read or understood.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A scenario cannot be scaled, its deadlines do not fit the lifecycle, or the world cannot play it.
    #[error("{called}: {reason}")]
    Unfit {
        /// The scenario: its name in the library, else its file.
        called: String,
        /// Why not.
        reason: String,
    },
    /// Two scenarios would write the same report.
    #[error("two scenarios are called `{name}`, so their reports would be one; expected a name of its own for each")]
    Twice {
        /// The name.
        name: String,
    },
    /// The report directory takes no files.
    #[error(transparent)]
    ReportDir(#[from] folder::FolderError),
}

/// Every run that the options ask for, in order.
///
/// # Errors
/// The first thing that is wrong.
pub fn runs(root: &Path, options: &Options, arena: &dyn Arena) -> Result<Vec<Prepared>, UsageError> {
    if !options.plan {
        folder::probe(&options.report_dir)?;
        // A file without a folder before it stands in the working directory.
        let junit = options.junit.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        junit.map_or(Ok(()), folder::probe)?;
    }
    let default = [DEFAULT.to_owned()];
    let names = if options.scenarios.is_empty() { &default[..] } else { &options.scenarios };
    let mut found = Vec::new();
    for name in names {
        found.extend(Scenario::resolve(root, name)?);
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = found.iter().find(|scenario| !names.insert(scenario.name.clone())) {
        return Err(UsageError::Twice { name: twice.name.clone() });
    }
    if !options.plan {
        found.iter().try_for_each(|scenario| folder::probe_scenario(&options.report_dir, &scenario.name))?;
    }
    let mut runs = Vec::new();
    for scenario in found {
        let scenario = chosen(scenario, options);
        let unable = |reason: String| UsageError::Unfit { called: scenario.called.clone(), reason };
        arena.accepts(&scenario).map_err(|error| unable(error.to_string()))?;
        for turn in 0..options.seeds {
            let seed = options.seed.unwrap_or(scenario.seed).wrapping_add(turn);
            let shortened = options.scaled || options.world == WorldName::Containers;
            runs.push(prepared(Scenario { seed, ..scenario.clone() }, shortened, options.otlp)?);
        }
    }
    Ok(runs)
}

/// The scenario with the options' architecture and instrumentation.
fn chosen(scenario: Scenario, options: &Options) -> Scenario {
    let scenario = match options.architecture {
        Some(name) => scenario.with_architecture(name.into()),
        None => scenario,
    };
    match options.instrumentation {
        Some(name) => scenario.with_instrumentation(name.into()),
        None => scenario,
    }
}

/// One run: scaled where it shall be, its lifecycle read by all who need it.
///
/// # Errors
/// When the scenario cannot be scaled, or its deadlines do not fit the lifecycle.
pub fn prepared(scenario: Scenario, scaled: bool, keep_all: bool) -> Result<Prepared, UsageError> {
    let called = scenario.called.clone();
    let wrong = |reason: String| UsageError::Unfit { called: called.clone(), reason };
    let scenario = if scaled { scale::scaled(&scenario).map_err(|error| wrong(error.to_string()))? } else { scenario };
    let lifecycle = crate::lifecycle::of(&scenario).map_err(|error| wrong(error.to_string()))?;
    detector::Lifecycle::parse(&lifecycle).map_err(|error| wrong(error.to_string()))?;
    scenarios::lifecycle::Lifecycle::parse(&lifecycle).map_err(|error| wrong(error.to_string()))?;
    Ok(Prepared { scenario: Arc::new(scenario), lifecycle, keep_all })
}
