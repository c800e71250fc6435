//! Summaries of runs in one file, kept beside the code: what a change must not make worse.

use std::path::Path;

use judge::words;
use serde::{Deserialize, Serialize};

use crate::{
    Comparison, ReadError, Summary,
    run::{parse, text},
    summary::Which,
};

/// The number in `schema_version`.
const SCHEMA_VERSION: u32 = 1;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of the file.
    pub schema_version: u32,
    /// Its runs, by name.
    pub runs: Vec<Summary>,
}

/// What the gate says of one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Gate {
    /// It was compared.
    Compared(Box<Comparison>),
    /// The baseline does not know it.
    New(Which),
    /// The baseline knows it, and it was not run.
    Missing(Which),
}

impl Baseline {
    /// Of runs; of two with the same name the later one counts.
    #[must_use]
    pub fn of(summaries: impl IntoIterator<Item = Summary>) -> Self {
        let mut runs: Vec<Summary> = Vec::new();
        for summary in summaries {
            match runs.iter_mut().find(|known| known.which == summary.which) {
                Some(known) => *known = summary,
                None => runs.push(summary),
            }
        }
        runs.sort_by(|a, b| a.which.cmp(&b.which));
        Self { schema_version: SCHEMA_VERSION, runs }
    }

    /// Reads one.
    ///
    /// # Errors
    /// When the file is missing or no baseline of this version.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let baseline: Self = parse(path, &text(path)?, "a file that `cargo xtask compare --baseline FILE --renew` writes")?;
        if baseline.schema_version != SCHEMA_VERSION {
            return Err(ReadError::Version { path: path.to_owned(), found: baseline.schema_version });
        }
        Ok(baseline)
    }

    /// The file's text.
    ///
    /// # Errors
    /// Never for what was read or made of runs.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Holds runs against it. `whole`: those that it knows and that are not among them are missing.
    #[must_use]
    pub fn gate(&self, runs: &[Summary], tolerance: f64, whole: bool) -> Vec<Gate> {
        let find = |which: &Which| self.runs.iter().find(|known| known.which == *which);
        let held = runs.iter().map(|run| match find(&run.which) {
            Some(known) => Gate::Compared(Box::new(Comparison::of_summaries(known, run, tolerance))),
            None => Gate::New(run.which.clone()),
        });
        let ran = |known: &&Summary| runs.iter().any(|run| run.which == known.which);
        let missing = self.runs.iter().filter(|known| whole && !ran(known)).map(|known| Gate::Missing(known.which.clone()));
        held.chain(missing).collect()
    }
}

impl Gate {
    /// In one line.
    #[must_use]
    pub fn says(&self) -> String {
        let named = |which: &Which| format!("{}  {}", which.scenario, which.says());
        match self {
            Self::Compared(comparison) => match comparison.differences().count() as u64 {
                0 => format!("AGREE    {}", named(&comparison.runs[1])),
                several => format!("DIFFER   {}  in {}", named(&comparison.runs[1]), words::several(several, "thing")),
            },
            Self::New(which) => format!("NEW      {}  not in the baseline", named(which)),
            Self::Missing(which) => format!("MISSING  {}  in the baseline, and not run", named(which)),
        }
    }
}
