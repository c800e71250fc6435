//! A run as it lies on the disk.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use judge::report::{BadOrder, Report, SCHEMA_VERSION};

use crate::Summary;

/// A run that was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its report.
    pub report: Report,
    /// All its bad orders, those too that the report has no room for.
    pub bad: Vec<BadOrder>,
}

/// Why a run could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No file, or none that can be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what it should be.
    #[error("{}:{}:{}: {}; expected {expected}", path.display(), source.line(), source.column(), without_place(source))]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another version wrote it.
    #[error("{}: schema_version {found}; expected {SCHEMA_VERSION}", path.display())]
    Version {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

impl Run {
    /// Reads a run's folder: `report.json`, and where that leaves some out `bad-orders.jsonl`.
    ///
    /// # Errors
    /// When a file is missing, or no report of this version.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        let path = folder.join("report.json");
        let report: Report = parse(&path, &text(&path)?, "the report.json of a run")?;
        if report.schema_version != SCHEMA_VERSION {
            return Err(ReadError::Version { path, found: report.schema_version });
        }
        let bad = if report.truncated { all(&folder.join("bad-orders.jsonl"))? } else { report.bad_orders.clone() };
        Ok(Self { report, bad })
    }

    /// What of it a comparison looks at.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::of(&self.report, &self.bad)
    }
}

fn all(path: &Path) -> Result<Vec<BadOrder>, ReadError> {
    text(path)?.lines().map(|line| parse(path, line, "one bad order on each line")).collect()
}

/// What is wrong; where it is stands before it.
fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    said.split_once(" at line ").map_or(said.clone(), |(what, _)| what.to_owned())
}

pub(crate) fn text(path: &Path) -> Result<String, ReadError> {
    fs::read_to_string(path).map_err(|source| ReadError::Unreadable { path: path.to_owned(), source })
}

pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(path: &Path, text: &'a str, expected: &'static str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|source| ReadError::Malformed { path: path.to_owned(), expected, source })
}
