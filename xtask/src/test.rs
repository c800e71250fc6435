//! `cargo xtask test`: every test that this machine can run; what it cannot is named, with the reason.

use std::{
    fs::{self, File},
    os::unix::net::UnixStream,
    panic::resume_unwind,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context as _, Error, Result};
use harness::Exit;

use crate::containers::{BINARIES, TARGET};

/// How one step ended.
enum Outcome {
    Passed,
    Failed,
    Skipped(String),
}

/// Cargo, for what gives way to the real stack.
const YIELDING: &[&str] = &["nice", "-n", "19", "cargo"];

/// What the fuzzer has found worth keeping.
const CORPUS: &str = "target/fuzz/corpus";

/// A step of the test run: what it does at a root, at night or not.
type Step = fn(&Path, bool) -> Result<Outcome>;

/// What came of the steps so far.
#[derive(Default)]
struct Table {
    lines: Vec<(&'static str, String)>,
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Table {
    /// Adds a step. With `CI=true` the skip of one that is required there is a failure.
    fn add(&mut self, name: &'static str, outcome: Outcome, required_in_ci: bool) {
        let ci = crate::variable("CI").is_some_and(|value| value == "true");
        let (count, line) = match outcome {
            Outcome::Passed => (&mut self.passed, "passed".to_owned()),
            Outcome::Failed => (&mut self.failed, "FAILED".to_owned()),
            Outcome::Skipped(why) if ci && required_in_ci => {
                (&mut self.failed, format!("FAILED: skipped, and with CI=true a skip is a failure: {why}"))
            }
            Outcome::Skipped(why) => (&mut self.skipped, format!("skipped: {why}")),
        };
        *count += 1;
        self.lines.push((name, line));
    }

    const fn exit(&self) -> Exit {
        if self.failed == 0 { Exit::Pass } else { Exit::Red }
    }

    #[expect(clippy::print_stdout, reason = "the command's output")]
    fn print(&self) {
        println!();
        for (name, line) in &self.lines {
            println!("  {name:<11} {line}");
        }
        println!("\nsteps: {} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped);
    }
}

/// Runs all steps, also after one has failed, and prints a table of them; `no_run` stops before the first test. Tests of the containers world wait for real time more
/// than they compute, so all others run beside them, and give way.
///
/// # Errors
/// When cargo cannot be started.
#[expect(clippy::print_stdout, reason = "the command's output")]
pub(crate) fn run(root: &Path, nightly: bool, no_run: bool) -> Result<Exit> {
    let mut table = Table::default();
    let mut step = |name, step: Step, required_in_ci| {
        println!("── {name}");
        let outcome = step(root, nightly)?;
        let failed = matches!(outcome, Outcome::Failed);
        table.add(name, outcome, required_in_ci);
        Ok::<_, Error>(!failed)
    };
    step("format", format, false)?;
    step("lints", lints, false)?;
    step("licences", licences, false)?;
    if !step("build", build, true)? || no_run {
        table.print();
        return Ok(table.exit());
    }
    let containers = thread::scope(|scope| {
        let containers = scope.spawn(|| containers(root, nightly));
        step("tests", tests, true)?;
        step("pages", pages, true)?;
        if nightly {
            step("fuzz", fuzz, false)?;
        }
        println!("── containers");
        let outcome = containers.join().unwrap_or_else(|panic| resume_unwind(panic));
        for said in GROUPS.iter().filter_map(|group| fs::read_to_string(root.join(group.said)).ok()) {
            println!("{said}");
        }
        outcome
    })?;
    table.add("containers", containers, true);
    table.print();
    Ok(table.exit())
}

fn format(root: &Path, _: bool) -> Result<Outcome> {
    if !answers("cargo", &["fmt", "--version"]) {
        return Ok(Outcome::Skipped("rustfmt is not installed (rustup component add rustfmt)".to_owned()));
    }
    cargo(root, &["fmt", "--all", "--check"])
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
    cargo(root, &lint)
}

/// Everything that is tested, so that nobody waits for a compiler later.
fn build(root: &Path, _: bool) -> Result<Outcome> {
    let mut build = tested("test");
    build.extend(["--no-run", "--quiet"]);
    cargo(root, &build)
}

fn tests(root: &Path, nightly: bool) -> Result<Outcome> {
    let mut test = tested("test");
    test.push("--no-fail-fast");
    // Those that need a stack run beside these.
    let app = root.join(BINARIES).join("loupe-app");
    let variables = [("LOUPE_TIER", tier(nightly)), ("LOUPE_CONTAINERS", "apart"), ("LOUPE_APP_BINARY", &app.to_string_lossy())];
    ended(command(YIELDING, &test, root).envs(variables))
}

/// The reports in a browser: accessibility, and pictures to look at.
fn pages(root: &Path, _: bool) -> Result<Outcome> {
    if let Err(why) = xtask::browser::find(crate::variable) {
        return Ok(Outcome::Skipped(why));
    }
    let mut test = tested("test");
    test.extend(["--test", "accessibility"]);
    ended(command(YIELDING, &test, root).env("LOUPE_BROWSER", "1"))
}

/// Ten minutes of whatever libFuzzer can think of as a scenario file. It begins with those of the library.
fn fuzz(root: &Path, _: bool) -> Result<Outcome> {
    if !answers("cargo", &["fuzz", "--version"]) {
        return Ok(Outcome::Skipped("cargo-fuzz is not installed (cargo install cargo-fuzz)".to_owned()));
    }
    let corpus = root.join(CORPUS);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let run =
        ["fuzz", "run", "--fuzz-dir", "scenarios/fuzz", "--target-dir", "target/fuzz", "--sanitizer", "none", "scenario-file"];
    let limits = ["--", "-max_total_time=600", "-timeout=10", "-rss_limit_mb=2048"];
    let arguments: Vec<&str> = run.into_iter().chain([CORPUS, "scenarios/library"]).chain(limits).collect();
    // A stable compiler can do what libFuzzer needs, and is told to.
    ended(command(YIELDING, &arguments, root).env("RUSTC_BOOTSTRAP", "1"))
}

fn licences(root: &Path, _: bool) -> Result<Outcome> {
    if !answers("cargo", &["deny", "--version"]) {
        return Ok(Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny)".to_owned()));
    }
    cargo(root, &["deny", "--offline", "check", "licenses", "bans", "sources"])
}

/// The tests that need a stack: two groups side by side, for they wait more than they compute. Each has an open stack of its own, which
/// saves its tests the start, and none of the other's runs in its way.
fn containers(root: &Path, nightly: bool) -> Result<Outcome> {
    // What an earlier run said is not this one's.
    GROUPS.iter().for_each(|group| drop(fs::remove_file(root.join(group.said))));
    if let Err(why) = docker() {
        return Ok(Outcome::Skipped(why));
    }
    // One after the other: two that start at once both want the ports that people know. A part that a busy machine was too slow for
    // has a second chance; what was said of the first stays in what they say.
    for group in &GROUPS {
        let up = || Ok::<_, Error>(matches!(group.stack(root, "up")?, Outcome::Passed));
        if !(up()? || up()?) {
            return Ok(Outcome::Failed);
        }
    }
    let [one, other] = thread::scope(|scope| {
        let groups = GROUPS.map(|group| scope.spawn(move || group.run(root, nightly)));
        groups.map(|group| group.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    Ok(match (one?, other?) {
        (Outcome::Passed, Outcome::Passed) => Outcome::Passed,
        _ => Outcome::Failed,
    })
}

/// Tests of the containers world that run one after the other.
struct Group {
    /// Their open stack.
    stack: &'static str,
    /// What they say, below the root.
    said: &'static str,
    /// Which tests, as the test binary takes it.
    which: &'static [&'static str],
}

/// Single runs and what can happen to them; and the many: sequences at the broker, a dozen stories.
const GROUPS: [Group; 2] = [
    Group { stack: "test", said: "target/containers/tests.log", which: &["--skip", "conformance::", "--skip", "dozen::"] },
    Group { stack: "test-many", said: "target/containers/tests-many.log", which: &["conformance::", "dozen::"] },
];

impl Group {
    /// Runs them, and removes their stack.
    fn run(&self, root: &Path, nightly: bool) -> Result<Outcome> {
        let app = root.join(BINARIES).join("loupe-app");
        let variables = [
            ("LOUPE_TIER", tier(nightly)),
            ("LOUPE_CONTAINERS", "1"),
            ("LOUPE_STACK", self.stack),
            ("LOUPE_APP_BINARY", &app.to_string_lossy()),
        ];
        let mut test = tested("test");
        test.extend(["--no-fail-fast", "--test", "containers", "--", "--test-threads=1", "--nocapture"]);
        test.extend(self.which);
        let tested = self.quietly(root, command(&["cargo"], &test, root).envs(variables))?;
        Ok(if let Outcome::Passed = self.stack(root, "down")? { tested } else { Outcome::Failed })
    }

    /// Starts or removes their stack.
    fn stack(&self, root: &Path, action: &str) -> Result<Outcome> {
        let real = root.join(BINARIES).join("loupe-real");
        self.quietly(root, Command::new(real).args(["stack", action]).env("LOUPE_STACK", self.stack))
    }

    /// Runs a command, and adds what it says to what they say.
    fn quietly(&self, root: &Path, command: &mut Command) -> Result<Outcome> {
        let said = File::options().create(true).append(true).open(root.join(self.said));
        let said = said.context("cannot keep what the tests say")?;
        ended(command.stdout(said.try_clone()?).stderr(said))
    }
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

fn cargo(root: &Path, arguments: &[&str]) -> Result<Outcome> {
    ended(&mut command(&["cargo"], arguments, root))
}

fn command(program: &[&str], arguments: &[&str], root: &Path) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).args(arguments).current_dir(root);
    command
}

fn ended(command: &mut Command) -> Result<Outcome> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed })
}
