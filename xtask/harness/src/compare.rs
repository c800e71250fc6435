//! `cargo xtask compare`: two runs side by side, runs against a baseline, the real world against the simulated one.

pub mod aims;
mod find;
pub mod worlds;

use std::path::{Path, PathBuf};

use clap::Args;
use compare::{Baseline, Comparison, ReadError, Run, baseline::Gate, terminal};
use judge::report::Outcome;

use crate::{Exit, folder, simulate::Terminal};

/// So many seeds of the simulated world a real run is held against.
const SEEDS: u64 = 200;

/// Put runs side by side. Exit 1 where they differ by more than they may, 2 where nobody knows.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Two runs: a run's folder, or a scenario for its latest run; with --baseline any number [default: all scenarios that have run];
    /// with --worlds scenarios, as for simulate
    #[arg(value_name = "RUN|SCENARIO|DIR")]
    pub runs: Vec<String>,
    /// Hold the runs against this file: a changed verdict or a slower step is exit 1
    #[arg(long, value_name = "FILE", conflicts_with = "worlds")]
    pub baseline: Option<PathBuf>,
    /// Write the baseline anew from the runs
    #[arg(long, requires = "baseline")]
    pub renew: bool,
    /// Play scenarios on the real stack and hold each against many seeds of the simulated world
    #[arg(long)]
    pub worlds: bool,
    /// With --worlds: how many seeds
    #[arg(long, value_name = "N", requires = "worlds", default_value_t = SEEDS, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub seeds: u64,
    /// How much longer a time may be than in the first run
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = tolerance)]
    pub tolerance: f64,
    /// Where reports are
    #[arg(long, value_name = "DIR", default_value = "target/loupe")]
    pub report_dir: PathBuf,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse::<f64>().ok();
    let percent = number.filter(|percent| (0.0..=1000.0).contains(percent) && text.trim().ends_with('%'));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected a percentage from 0% to 1000%, as in 10%".to_owned())
}

/// What is wrong with the command line, or with a run that it names.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Another number of runs.
    #[error("{} named; expected two, or --baseline FILE, or --worlds", match .0 { 1 => "1 run is".to_owned(), several => format!("{several} runs are") })]
    NotTwo(usize),
    /// No run has this name.
    #[error(transparent)]
    NotFound(#[from] find::NotFound),
    /// It is no run.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The baseline cannot be written.
    #[error(transparent)]
    Write(#[from] folder::FolderError),
    /// A number of a run is none.
    #[error("the baseline cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// Compares runs that are there. What is wrong is said on stderr, the answer on stdout.
#[expect(clippy::print_stderr, reason = "the only way to say what is wrong")]
pub fn run(options: &Options, terminal: Terminal) -> Exit {
    let done = match &options.baseline {
        Some(file) if options.renew => renew(file, options),
        Some(file) => gate(file, options, terminal),
        None => two(options, terminal),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        Exit::Usage
    })
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn two(options: &Options, terminal: Terminal) -> Result<Exit, CompareError> {
    let [a, b] = &options.runs[..] else { return Err(CompareError::NotTwo(options.runs.len())) };
    let read = |name: &String| -> Result<Run, CompareError> { Ok(Run::read(&find::run(&options.report_dir, name)?)?) };
    let (a, b) = (read(a)?, read(b)?);
    let comparison = Comparison::of_runs(&a, &b, options.tolerance);
    println!("{}", terminal::block(&comparison, terminal.colour));
    Ok(exit_of(&comparison, &[a.report.outcome, b.report.outcome]))
}

/// Two runs of which nobody knows anything do not agree: nobody knows whether they do.
fn exit_of(comparison: &Comparison, outcomes: &[Outcome]) -> Exit {
    match comparison.agrees() {
        false => Exit::Red,
        true if outcomes.contains(&Outcome::Unknown) => Exit::Unknown,
        true => Exit::Pass,
    }
}

fn summaries(options: &Options) -> Result<Vec<compare::Summary>, CompareError> {
    let folders = match &options.runs[..] {
        [] => find::all(&options.report_dir)?,
        names => names.iter().map(|name| find::run(&options.report_dir, name)).collect::<Result<_, _>>()?,
    };
    folders.iter().map(|folder| Ok(Run::read(folder)?.summary())).collect()
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn renew(file: &Path, options: &Options) -> Result<Exit, CompareError> {
    let baseline = Baseline::of(summaries(options)?);
    folder::replace_file(file, &baseline.text()?)?;
    println!("{} holds {}", file.display(), judge::words::several(baseline.runs.len() as u64, "run"));
    Ok(Exit::Pass)
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn gate(file: &Path, options: &Options, terminal: Terminal) -> Result<Exit, CompareError> {
    let baseline = Baseline::read(file)?;
    let summaries = summaries(options)?;
    let gates = baseline.gate(&summaries, options.tolerance, options.runs.is_empty());
    let mut exit = Exit::Pass;
    for gate in &gates {
        println!("{}", gate.says());
        exit = exit.worst(match gate {
            Gate::Compared(comparison) => {
                comparison.differences().for_each(|row| println!("{}", terminal::difference(row, terminal.colour)));
                if comparison.agrees() { Exit::Pass } else { Exit::Red }
            }
            Gate::New(_) => Exit::Unknown,
            Gate::Missing(_) => Exit::Red,
        });
    }
    let agree = gates.iter().filter(|gate| matches!(gate, Gate::Compared(comparison) if comparison.agrees())).count();
    println!("\n{agree} of {} agree with {}", gates.len(), file.display());
    Ok(exit)
}
