//! `cargo xtask simulate --world containers`: the command line arrives here as it was given to `cargo xtask`.

use std::{env, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use containers::{Images, Limits};
use harness::{Exit, options::Options, simulate::Terminal};
use real::Containers;

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
}

fn main() -> ExitCode {
    let Command::Simulate(mut options) = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => {
            drop(error.print());
            return if error.use_stderr() { Exit::Usage } else { Exit::Pass }.into();
        }
    };
    // Real time is too long for weeks.
    options.scaled = true;
    match Containers::new(app(), Images::from_environment(variable), Limits::default()) {
        Ok(mut world) => harness::simulate::simulate(&root(), &options, &mut world, Terminal::detect(variable)).into(),
        Err(error) => {
            complain(&format!("no runtime: {error}"));
            Exit::Failure.into()
        }
    }
}

/// The services' binary: beside this one, where the same build puts both, unless `LOUPE_APP_BINARY` names another.
fn app() -> PathBuf {
    let beside = || env::current_exe().ok().and_then(|own| Some(own.parent()?.join("loupe-app")));
    variable("LOUPE_APP_BINARY").map(PathBuf::from).or_else(beside).unwrap_or_default()
}

/// The workspace that this binary was built from.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// An environment variable, where it is set and text.
#[expect(clippy::disallowed_methods, reason = "this is where configuration comes in")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

#[expect(clippy::print_stderr, reason = "the command's only way to say what is wrong")]
fn complain(text: &str) {
    eprintln!("error: {text}");
}
