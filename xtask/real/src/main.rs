//! `cargo xtask simulate --world containers` and `cargo xtask stack`: the command line arrives here as it was given to
//! `cargo xtask`.

use std::{env, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use containers::{Images, Limits};
use harness::{Exit, compare, options::Options, simulate::Terminal, stack::Stack};
use real::{Containers, Place, assembly, stack};

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
    /// Hold the real world against what the seeds of the simulated one show
    Compare(compare::Options),
    /// Keep the real stack and its user interfaces open
    #[command(subcommand)]
    Stack(Stack),
}

fn main() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => {
            drop(error.print());
            return if error.use_stderr() { Exit::Usage } else { Exit::Pass }.into();
        }
    };
    let told = open_stack().and_then(|name| Ok((name, environment()?, slow_statement()?)));
    let (name, environment, slow_statement) = match told {
        Ok(told) => told,
        Err(wrong) => {
            complain(&wrong);
            return Exit::Usage.into();
        }
    };
    let images = Images::from_environment(variable);
    let place = |images| {
        let (app, limits, open) = (app(), Limits::default(), Some(name.clone()));
        Place { app, images, limits, open, environment, slow_statement }
    };
    let done = match command {
        Command::Simulate(options) => simulate(options, place(images)),
        Command::Compare(options) => Containers::new(place(images))
            .map(|mut world| compare::worlds::hold(&root(), &options, &mut world, Terminal::detect(variable)))
            .map_err(|error| format!("no runtime: {error}")),
        Command::Stack(action) => {
            stack::run(action, &assembly::blueprint(name.clone(), images, Limits::default())).map_err(|error| error.to_string())
        }
    };
    done.unwrap_or_else(|error| {
        complain(&error);
        Exit::Failure
    })
    .into()
}

fn simulate(mut options: Options, place: Place) -> Result<Exit, String> {
    // Real time is too long for weeks.
    options.scaled = true;
    let mut world = Containers::new(place).map_err(|error| format!("no runtime: {error}"))?;
    Ok(harness::simulate::simulate(&root(), &options, &mut world, Terminal::detect(variable)))
}

/// The name of the open stack, which becomes part of containers' names: `stack` unless `LOUPE_STACK` says another.
fn open_stack() -> Result<String, String> {
    let name = variable("LOUPE_STACK").filter(|name| !name.is_empty()).unwrap_or_else(|| "stack".to_owned());
    let good = name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    if good && name.len() <= 30 && !name.starts_with('-') {
        return Ok(name);
    }
    Err(format!("LOUPE_STACK={name}: expected a name of at most 30 small letters, digits and hyphens"))
}

/// What the run's logs call the place it runs at, which becomes part of indices' names: `test` unless `LOUPE_ENVIRONMENT` says another.
fn environment() -> Result<String, String> {
    let name = variable("LOUPE_ENVIRONMENT").filter(|name| !name.is_empty()).unwrap_or_else(|| assembly::TEST.to_owned());
    if name.len() <= 30 && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()) {
        return Ok(name);
    }
    Err(format!("LOUPE_ENVIRONMENT={name}: expected a name of at most 30 small letters and digits, such as production"))
}

/// From how long on a statement is slow: 100 ms, unless `LOUPE_SLOW_STATEMENT_MS` says another number.
fn slow_statement() -> Result<Duration, String> {
    let Some(text) = variable("LOUPE_SLOW_STATEMENT_MS").filter(|text| !text.is_empty()) else {
        return Ok(assembly::SLOW_STATEMENT);
    };
    // Postgres takes no greater one.
    let number = text.parse::<i32>().ok().and_then(|number| u64::try_from(number).ok());
    let number = number.ok_or_else(|| format!("LOUPE_SLOW_STATEMENT_MS={text}: expected whole milliseconds, such as 100"))?;
    Ok(Duration::from_millis(number))
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
