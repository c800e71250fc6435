//! `cargo xtask`: the command line of Loupe.

mod bench;
mod containers;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use harness::{
    Exit, compare,
    options::{Options, WorldName},
    simulate::Terminal,
    stack::Stack,
};
use xtask::{explain, simulated::Simulated, tidy};

/// Runs a shop, a CRM and a factory, breaks the wires between them, and proves order by order whether traces expose what was
/// lost or late.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios and judge them by their traces
    Simulate(Options),
    /// Put two runs side by side, hold runs against a baseline, or the real world against the simulated one
    Compare(compare::Options),
    /// Keep the real stack and its user interfaces open in Docker, for people and for runs
    #[command(subcommand)]
    Stack(Stack),
    /// Name the scenarios of the library, the faults, verdicts and toggles
    List,
    /// Tell what a name means: what happens, what a correct trace shows, what hides it, how it is localised
    Explain {
        /// A scenario, fault, verdict, preset or toggle
        name: String,
    },
    /// Run every test that this machine can run, and say what was skipped and why
    Test {
        /// Also the long ones: 1,000 seeds instead of 5, 20,000 sequences on the broker, ten minutes of fuzzing
        #[arg(long)]
        nightly: bool,
        /// Stop when everything is checked and compiled
        #[arg(long, conflicts_with = "nightly")]
        no_run: bool,
    },
    /// Measure orders per second, beside a bare SimPy model where Python has SimPy
    Bench(bench::Size),
    /// Check the rules that the code keeps: crate edges, module docs, file sizes
    Tidy,
}

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return usage(&error),
    };
    let ended = match line.command {
        Command::Simulate(options) => simulate(&options),
        Command::Compare(options) => compare(&options),
        // Another binary obeys.
        Command::Stack(_) => containers::run(&root()).map(|never| match never {}),
        Command::List => list(),
        Command::Explain { name } => Ok(explain(&name)),
        Command::Test { nightly, no_run } => test::run(&root(), nightly, no_run),
        Command::Bench(size) => bench::run(&root(), &size),
        Command::Tidy => tidy_up(),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&format!("{error:#}"));
            Exit::Failure.into()
        }
    }
}

fn simulate(options: &Options) -> anyhow::Result<Exit> {
    match options.world {
        WorldName::Simulated => Ok(harness::simulate::simulate(&root(), options, &mut Simulated, Terminal::detect(variable))),
        WorldName::Containers => match containers::run(&root())? {},
    }
}

/// The worlds are compared where the containers are: nobody else must return before they are removed.
fn compare(options: &compare::Options) -> anyhow::Result<Exit> {
    let terminal = Terminal::detect(variable);
    if !options.worlds {
        return Ok(compare::run(options, terminal));
    }
    match compare::worlds::seeds(&root(), options, &Simulated) {
        Exit::Pass => match containers::run(&root())? {},
        wrong => Ok(wrong),
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn list() -> anyhow::Result<Exit> {
    print!("{}", explain::list(&root())?);
    Ok(Exit::Pass)
}

/// A name that means nothing is a wrong command line.
#[expect(clippy::print_stdout, reason = "the command's output")]
fn explain(name: &str) -> Exit {
    match explain::explain(&root(), name) {
        Ok(text) => {
            print!("{text}");
            Exit::Pass
        }
        Err(error) => {
            complain(&error.to_string());
            Exit::Usage
        }
    }
}

/// Help goes to stdout and is no error; anything else is a wrong command line.
fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Pass.into() }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn tidy_up() -> anyhow::Result<Exit> {
    let found = tidy::violations(&root())?;
    found.iter().for_each(|line| println!("{line}"));
    println!("{} rules broken", found.len());
    Ok(if found.is_empty() { Exit::Pass } else { Exit::Red })
}

#[expect(clippy::print_stderr, reason = "the command's only way to say what is wrong")]
fn complain(text: &str) {
    eprintln!("error: {text}");
}

/// The workspace: where cargo has found this package now, or where it was built.
fn root() -> PathBuf {
    let package = variable("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").to_owned());
    PathBuf::from(package).parent().map(PathBuf::from).unwrap_or_default()
}

/// An environment variable, where it is set and text.
#[expect(clippy::disallowed_methods, reason = "this is where configuration comes in")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
