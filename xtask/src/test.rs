//! `cargo xtask test`: every test that this machine can run; what it cannot is named, with the reason.

use std::{
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::Result;
use harness::Exit;

use crate::containers::{BINARIES, TARGET};

/// How one step ended.
enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

/// The open stack of the tests of the containers world.
const STACK: &str = "test";

/// One step of the test run.
struct Step {
    name: &'static str,
    run: fn(&Path, bool) -> Result<Outcome>,
    /// With `CI=true` a skip of this step is a failure.
    required_in_ci: bool,
}

const STEPS: [Step; 6] = [
    Step { name: "format", run: format, required_in_ci: false },
    Step { name: "lints", run: lints, required_in_ci: false },
    Step { name: "tests", run: tests, required_in_ci: true },
    Step { name: "pages", run: pages, required_in_ci: true },
    Step { name: "licences", run: licences, required_in_ci: false },
    Step { name: "containers", run: containers, required_in_ci: true },
];

/// Runs all steps, also after one has failed, and prints a table of them.
///
/// # Errors
/// When cargo cannot be started.
#[expect(clippy::print_stdout, reason = "the command's output")]
pub(crate) fn run(root: &Path, nightly: bool) -> Result<Exit> {
    let ci = crate::variable("CI").is_some_and(|value| value == "true");
    let mut table = Vec::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for step in STEPS {
        println!("── {}", step.name);
        let line = match (step.run)(root, nightly)? {
            Outcome::Passed => {
                passed += 1;
                "passed".to_owned()
            }
            Outcome::Skipped(why) if ci && step.required_in_ci => {
                failed += 1;
                format!("FAILED: skipped, and with CI=true a skip is a failure: {why}")
            }
            Outcome::Skipped(why) => {
                skipped += 1;
                format!("skipped: {why}")
            }
            Outcome::Failed => {
                failed += 1;
                "FAILED".to_owned()
            }
        };
        table.push((step.name, line));
    }
    println!();
    for (name, line) in table {
        println!("  {name:<11} {line}");
    }
    println!("\nsteps: {passed} passed, {failed} failed, {skipped} skipped");
    Ok(if failed == 0 { Exit::Pass } else { Exit::Red })
}

fn format(root: &Path, _: bool) -> Result<Outcome> {
    if !answers("cargo", &["fmt", "--version"]) {
        return Ok(Outcome::Skipped("rustfmt is not installed (rustup component add rustfmt)".to_owned()));
    }
    cargo(root, &["fmt", "--all", "--check"], &[])
}

/// The packages that this machine can test, and where their tests are built: once, for one choice of packages is one choice of
/// features. Without Docker the clients of Docker, AMQP and Postgres are not even compiled.
fn tested(command: &str) -> Vec<&str> {
    let all: &[&str] = if docker().is_ok() { &["--workspace"] } else { &[] };
    [command].iter().chain(&TARGET).chain(all).copied().collect()
}

fn lints(root: &Path, _: bool) -> Result<Outcome> {
    if !answers("cargo", &["clippy", "--version"]) {
        return Ok(Outcome::Skipped("clippy is not installed (rustup component add clippy)".to_owned()));
    }
    let mut lint = tested("clippy");
    lint.extend(["--all-targets", "--quiet", "--", "--deny", "warnings"]);
    cargo(root, &lint, &[])
}

fn tests(root: &Path, nightly: bool) -> Result<Outcome> {
    let mut test = tested("test");
    test.push("--no-fail-fast");
    // Those that need a stack have a step of their own.
    cargo(root, &test, &[("LOUPE_TIER", tier(nightly)), ("LOUPE_CONTAINERS", "apart")])
}

/// The reports in a browser: accessibility, and pictures to look at.
fn pages(root: &Path, _: bool) -> Result<Outcome> {
    if let Err(why) = xtask::browser::find(crate::variable) {
        return Ok(Outcome::Skipped(why));
    }
    let mut test = tested("test");
    test.extend(["--test", "accessibility"]);
    cargo(root, &test, &[("LOUPE_BROWSER", "1")])
}

fn licences(root: &Path, _: bool) -> Result<Outcome> {
    if !answers("cargo", &["deny", "--version"]) {
        return Ok(Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny)".to_owned()));
    }
    cargo(root, &["deny", "--offline", "check", "licenses", "bans", "sources"], &[])
}

fn containers(root: &Path, nightly: bool) -> Result<Outcome> {
    if let Err(why) = docker() {
        return Ok(Outcome::Skipped(why));
    }
    let binaries = root.join(BINARIES);
    let app = binaries.join("loupe-app");
    let variables = [
        ("LOUPE_TIER", tier(nightly)),
        ("LOUPE_CONTAINERS", "1"),
        ("LOUPE_STACK", STACK),
        ("LOUPE_APP_BINARY", &app.to_string_lossy()),
    ];
    // The tests have made the binaries of the stacks too.
    let mut test = tested("test");
    test.extend(["--no-fail-fast", "--test", "containers"]);
    let mut build = test.clone();
    build.push("--no-run");
    if let Outcome::Failed = cargo(root, &build, &variables)? {
        return Ok(Outcome::Failed);
    }
    // Most tests share one stack: that saves each of them the start.
    let stack = |action| Command::new(binaries.join("loupe-real")).args(["stack", action]).env("LOUPE_STACK", STACK).status();
    if !stack("up")?.success() {
        return Ok(Outcome::Failed);
    }
    // One stack at a time: two cores carry no more.
    test.extend(["--", "--test-threads=1", "--nocapture"]);
    let tested = cargo(root, &test, &variables)?;
    Ok(if stack("down")?.success() { tested } else { Outcome::Failed })
}

const fn tier(nightly: bool) -> &'static str {
    if nightly { "nightly" } else { "ci" }
}

/// Whether a Docker engine answers on its socket.
fn docker() -> Result<(), String> {
    let host = crate::variable("DOCKER_HOST").unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    let Some(socket) = host.strip_prefix("unix://") else { return Ok(()) };
    UnixStream::connect(socket).map(drop).map_err(|error| format!("no Docker engine answers at {socket}: {error}"))
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn cargo(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Outcome> {
    let status = Command::new("cargo").args(arguments).envs(variables.iter().copied()).current_dir(root).status()?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}
