//! The options of `cargo xtask simulate`, the same for both worlds.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// So many seeds at most.
const MOST_SEEDS: u64 = 100_000;

/// Run scenarios and judge them by their traces.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Scenario files, names of the library, or directories of scenario files [default: broker-kill]
    #[arg(value_name = "SCENARIO|DIR")]
    pub scenarios: Vec<String>,
    /// Where they run: in one process and virtual time, or on a real RabbitMQ, Postgres, Jaeger and Elasticsearch in Docker
    #[arg(long, value_enum, default_value_t = WorldName::Simulated)]
    pub world: WorldName,
    /// Root of every random draw [default: the scenario's own]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Run this many seeds, one after another, beginning with --seed
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = seeds)]
    pub seeds: u64,
    /// Build the services like this [default: the scenario's own; the file's toggles hold for its own preset only]
    #[arg(long, value_enum)]
    pub architecture: Option<ArchitectureName>,
    /// Instrument the services like this [default: the scenario's own]
    #[arg(long, value_enum)]
    pub instrumentation: Option<InstrumentationName>,
    /// Shorten the scenario as its [scale] says (the containers world always does)
    #[arg(long)]
    pub scaled: bool,
    /// Where reports go
    #[arg(long, value_name = "DIR", default_value = "target/loupe")]
    pub report_dir: PathBuf,
    /// Also write the test suites of all runs into this file (JUnit XML)
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the spans of all orders, however many
    #[arg(long)]
    pub otlp: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub plan: bool,
    /// Open the report in the browser
    #[arg(long)]
    pub open: bool,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

fn seeds(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|seeds| (1..=MOST_SEEDS).contains(seeds));
    number.ok_or_else(|| format!("expected a whole number from 1 to {MOST_SEEDS}"))
}

/// A world by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorldName {
    /// One process, virtual time, deterministic by seed.
    Simulated,
    /// RabbitMQ, Postgres, Jaeger and the services in containers, real time.
    Containers,
}

/// An architecture preset by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArchitectureName {
    /// What the company has: faults of design included.
    AsIs,
    /// What its architects propose.
    ToBe,
}

/// An instrumentation preset by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InstrumentationName {
    /// Traces of every service, propagation everywhere.
    Full,
    /// None of it.
    Blind,
}

impl WorldName {
    /// As in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Containers => "containers",
        }
    }
}

impl From<ArchitectureName> for contracts::architecture::Preset {
    fn from(name: ArchitectureName) -> Self {
        match name {
            ArchitectureName::AsIs => Self::AsIs,
            ArchitectureName::ToBe => Self::ToBe,
        }
    }
}

impl From<InstrumentationName> for scenarios::language::InstrumentationPreset {
    fn from(name: InstrumentationName) -> Self {
        match name {
            InstrumentationName::Full => Self::Full,
            InstrumentationName::Blind => Self::Blind,
        }
    }
}
