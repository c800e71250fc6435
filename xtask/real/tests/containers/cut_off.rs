//! Runs that are cut off: killed at whatever moment, they leave nothing for long, and those that live are left alone.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use world::random::Random;

use crate::{gate, open_stack};

/// Ten seconds of orders with a broker that is away for two of them.
const SHORT: &str = r#"
title = "Ten minutes in ten seconds"
seed = 7
duration = "10m"
architecture = { preset = "to-be" }
[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "120/h"
[pricing]
mean = "10s"
max = "30s"
[[fault]]
kind = "broker-kill"
at = "4m"
for = "2m"
[scale]
machine = 60
human = 400000
unstudied = ["seller", "operator"]
"#;
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A run in a process of its own.
struct Started {
    run: Child,
    progress: BufReader<ChildStderr>,
    heard: String,
    folder: PathBuf,
}

impl Started {
    /// At the open stack of this name, or apart when it is not up.
    fn at(stack: &str, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("loupe-cut-off-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("short.toml");
        std::fs::write(&file, SHORT).unwrap();
        let arguments = ["simulate", file.to_str().unwrap(), "--world", "containers", "--report-dir", folder.to_str().unwrap()];
        let mut command = open_stack::command(stack, &arguments);
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let progress = BufReader::new(run.stderr.take().unwrap());
        Self { run, progress, heard: String::new(), folder }
    }

    /// Waits until it says that it is so far.
    fn until(&mut self, words: &str) {
        while !self.heard.contains(words) {
            let read = self.progress.read_line(&mut self.heard).unwrap();
            assert!(read > 0, "it ended before {words:?}:\n{}", self.heard);
        }
    }

    /// Whether something of it is there: containers, network, volume, virtual host or database.
    fn is_there(&self) -> bool {
        !gate::leftovers_of(self.run.id()).is_empty()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.run.id().to_string()]).status().unwrap().success());
    }

    /// Lets it end; gives its exit code.
    fn end(&mut self) -> Option<i32> {
        while self.progress.read_line(&mut self.heard).unwrap() > 0 {}
        self.run.wait().unwrap().code()
    }

    fn kill(&mut self) {
        let people = self.people();
        self.signal("-KILL");
        assert_eq!(self.run.wait().unwrap().code(), None);
        assert!(self.is_there(), "it had nothing yet, or nothing any more");
        wait("the end of its people", || people.is_none_or(|people| !Path::new(&format!("/proc/{people}")).exists()));
    }

    /// The process of its people, while there is one.
    fn people(&self) -> Option<u32> {
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let is_theirs = |process: &u32| {
            // `<number> (<name>) <state> <number of the parent> ...`
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let mut fields = stat.split(' ').skip(1);
            fields.next() == Some("(loupe-people)") && fields.nth(1) == Some(&self.run.id().to_string())
        };
        let mut processes = processes;
        processes.find(is_theirs)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.run.kill());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Waits until something is so.
#[expect(clippy::disallowed_methods, reason = "real containers are waited for in real time")]
fn wait(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what} never came about");
        thread::sleep(Duration::from_millis(50));
    }
}

fn stack() -> String {
    gate::variable("LOUPE_STACK").unwrap_or_else(|| "none".to_owned())
}

/// Whether the broker of a run, or of the open stack, is dead.
fn broker_is_dead() -> bool {
    let filters = ["--filter", "label=loupe.part=rabbitmq", "--filter", "status=exited"];
    let listed = Command::new("docker").args(["ps", "--all", "--quiet"]).args(filters).output().unwrap();
    !listed.stdout.is_empty()
}

#[test]
fn a_run_killed_at_any_moment_leaves_nothing_behind_the_next() {
    if !gate::containers() {
        return;
    }
    let mut dead = Vec::new();
    let moments: [(&str, &str); 5] = [
        ("none", "starting RabbitMQ"),
        (&stack(), "starting the services"),
        (&stack(), "orders arrive"),
        (&stack(), "orders arrive"),
        (&stack(), "reading traces and logs back"),
    ];
    for (turn, (stack, moment)) in moments.into_iter().enumerate() {
        let mut run = Started::at(stack, &turn.to_string());
        run.until(moment);
        match turn {
            3 => wait("the death of the broker", broker_is_dead),
            // It is nearly at its end: there is no time to lose.
            4 => {}
            _ => wait("something of the run", || run.is_there()),
        }
        run.kill();
        let left: Vec<_> = dead.iter().filter(|run: &&Started| run.is_there()).map(|run| run.run.id()).collect();
        assert!(left.is_empty() || turn == 0, "still there when the next run is at {moment:?}: {left:?}");
        dead.push(run);
    }
    let mut last = Started::at(&stack(), "last");
    let code = last.end();
    assert_eq!(code, Some(0), "{}", last.heard);
    assert!(!last.is_there());
    for run in &dead {
        assert!(!run.is_there(), "{:?}", gate::leftovers_of(run.run.id()));
    }
}

/// At night: so many runs, and the longest that one of them lives.
const RANDOM_KILLS: u64 = 20;
const LONGEST_LIFE_MS: u64 = 45_000;

#[test]
#[expect(clippy::disallowed_methods, reason = "real containers are waited for in real time")]
fn twenty_runs_killed_at_random_at_night_leave_nothing_behind_the_next() {
    if !gate::nightly() || !gate::containers() {
        return;
    }
    let mut dead: Vec<Started> = Vec::new();
    for turn in 0..RANDOM_KILLS {
        let mut run = Started::at(&stack(), &format!("night-{turn}"));
        let life_ms = Random::new(turn, "cut-off", "life").below(LONGEST_LIFE_MS);
        thread::sleep(Duration::from_millis(life_ms));
        eprintln!("run {turn} is killed after {life_ms} ms");
        // One that is through already has nothing to leave.
        drop(run.run.kill());
        drop(run.run.wait());
        dead.push(run);
    }
    let mut last = Started::at(&stack(), "night-last");
    assert_eq!(last.end(), Some(0), "{}", last.heard);
    for run in dead.iter().chain([&last]) {
        assert!(!run.is_there(), "{:?}", gate::leftovers_of(run.run.id()));
    }
}

#[test]
fn a_run_whose_people_die_fails_and_says_so() {
    if !gate::containers() {
        return;
    }
    let mut run = Started::at(&stack(), "unpeopled");
    run.until("orders arrive");
    wait("the people", || run.people().is_some());
    let people = run.people().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &people]).status().unwrap().success());
    assert_eq!(run.end(), Some(255), "{}", run.heard);
    assert!(run.heard.contains("error: short: the people's process ended before the run did (signal: 9"), "{}", run.heard);
    assert!(!run.is_there(), "{:?}", gate::leftovers_of(run.run.id()));
}

#[test]
fn two_runs_that_kill_the_broker_side_by_side_do_not_touch_each_other() {
    if !gate::containers() {
        return;
    }
    let mut one = Started::at(&stack(), "one");
    one.until("starting the services");
    let mut two = Started::at(&stack(), "two");
    two.until("starting the services");
    assert!(one.is_there() && two.is_there());
    let codes = (one.end(), two.end());
    assert_eq!(codes, (Some(0), Some(0)), "{}\n{}", one.heard, two.heard);
    assert!(!one.is_there() && !two.is_there());
    if gate::standing().is_some() {
        let own = |run: &Started| run.heard.contains("another run uses the open stack's RabbitMQ");
        assert!(!own(&one) && own(&two), "{}\n{}", one.heard, two.heard);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "real containers are waited for in real time")]
fn ctrl_c_removes_everything_however_often_it_comes() {
    if !gate::containers() {
        return;
    }
    let mut run = Started::at(&stack(), "interrupted");
    run.until("starting the services");
    wait("something of the run", || run.is_there());
    run.signal("-INT");
    run.signal("-INT");
    thread::sleep(Duration::from_millis(300));
    run.signal("-TERM");
    assert_eq!(run.end(), Some(255), "{}", run.heard);
    assert!(run.heard.contains("interrupted; its containers are removed"), "{}", run.heard);
    assert!(!run.is_there(), "{:?}", gate::leftovers_of(run.run.id()));
    assert!(!run.folder.join("short/latest").exists());
}
