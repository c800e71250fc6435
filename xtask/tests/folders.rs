//! What a command leaves on disk: several runs together, a browser, a plan; and nothing at all where it cannot write.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "what is skipped is said")]
#![expect(clippy::disallowed_methods, reason = "CI says by an environment variable that nothing may be skipped")]

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{self, Command},
};

const DAY: &str = r#"title = "A day"
duration = "1d"

[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "6/h"
"#;
/// Quiet, and yet something is to go wrong: it is red.
const RED: &str = r#"title = "A red day"
duration = "1d"

[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "6/h"

[thresholds]
orders_initiated = ["count<3"]
"#;

/// A directory of its own, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("loupe-folders-{name}-{}", process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(path.join("scenarios")).unwrap();
        fs::write(path.join("scenarios/red-day.toml"), RED).unwrap();
        fs::write(path.join("scenarios/some-day.toml"), format!("quiet = true\n{DAY}")).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

fn said(command: &mut Command) -> Said {
    let out = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: out.status.code(), out: text(out.stdout), error: text(out.stderr) }
}

fn simulate(scenarios: &Path, reports: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("simulate").arg(scenarios).arg("--report-dir").arg(reports).env("CI", "true");
    command
}

#[test]
fn several_runs_leave_one_index_whose_links_lead_to_their_reports() {
    let scratch = Scratch::new("index");
    let (reports, junit) = (scratch.path("reports"), scratch.path("junit.xml"));
    let said = said(simulate(&scratch.path("scenarios"), &reports).args(["--seeds", "2", "--junit"]).arg(&junit));
    assert_eq!(said.code, Some(1), "{}", said.error);
    let rows = said.out.lines().take_while(|line| !line.is_empty()).count();
    assert_eq!(rows, 3, "a head and a row for each scenario: {}", said.out);
    assert!(said.out.lines().nth(1).is_some_and(|row| row.starts_with("red-day") && row.contains("0 of 2")), "{}", said.out);
    assert!(said.out.contains("2 of 4 pass") && said.out.contains("index.html"), "{}", said.out);
    let index = fs::read_to_string(reports.join("index.html")).unwrap();
    let links: Vec<&str> = index.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.len(), 6, "two red runs are named twice");
    assert!(links.iter().all(|link| reports.join(link).is_file()), "{links:?}");
    assert!(index.contains("threshold orders_initiated count&lt;3"), "the sentence of what is red");
    let junit = fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testsuite ").count(), 4);
    assert_eq!(fs::read_dir(&reports).unwrap().count(), 3, "two scenarios and the index");
}

#[test]
fn a_plan_is_told_and_nothing_is_done() {
    let scratch = Scratch::new("plan");
    let said = said(simulate(&scratch.path("scenarios/red-day.toml"), &scratch.path("reports")).arg("--plan"));
    assert_eq!((said.code, said.error.as_str()), (Some(0), ""));
    assert!(said.out.starts_with("red-day: A red day\n") && said.out.contains("\ndeadlines\n"), "{}", said.out);
    assert!(!scratch.path("reports").exists());
}

#[test]
fn the_plan_before_a_run_is_the_plan_in_its_folder() {
    let scratch = Scratch::new("same-plan");
    let (scenario, reports) = (scratch.path("scenarios/some-day.toml"), scratch.path("reports"));
    let before = said(simulate(&scenario, &reports).arg("--plan"));
    said(&mut simulate(&scenario, &reports));
    assert_eq!(fs::read_to_string(reports.join("some-day/latest/plan.txt")).unwrap(), before.out);
}

/// A command line in which the only browser is `launcher`, a shell script; without one there is none.
fn opened(scratch: &Scratch, launcher: Option<&str>) -> Said {
    let bin = scratch.path("bin");
    fs::create_dir_all(&bin).unwrap();
    if let Some(launcher) = launcher {
        fs::write(bin.join("xdg-open"), format!("#!/bin/sh\n{launcher}\n")).unwrap();
        fs::set_permissions(bin.join("xdg-open"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    said(simulate(&scratch.path("scenarios/some-day.toml"), &scratch.path("reports")).arg("--open").env("PATH", &bin))
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_is_opened_in_the_browser() {
    let scratch = Scratch::new("open");
    let note = scratch.path("opened");
    let said = opened(&scratch, Some(&format!("echo \"$1\" > {}", note.display())));
    assert_eq!(said.code, Some(0), "{}", said.error);
    let opened = fs::read_to_string(note).unwrap();
    assert!(opened.trim_end().ends_with("report.html") && Path::new(opened.trim_end()).is_file(), "{opened}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_browser_it_says_where_the_report_is_and_the_outcome_stands() {
    let scratch = Scratch::new("no-browser");
    for launcher in [None, Some("exit 3")] {
        let said = opened(&scratch, launcher);
        assert_eq!(said.code, Some(0));
        assert!(said.error.contains("no browser can be opened") && said.error.contains("report.html"), "{}", said.error);
    }
}

/// A small file system in memory; `None` where nobody may mount one, with the reason on stderr.
struct Mounted(PathBuf);

impl Mounted {
    fn new(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let out = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(at).output();
        let why = match out {
            Ok(out) if out.status.success() => return Some(Self(at.to_owned())),
            Ok(out) => String::from_utf8_lossy(&out.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(env::var("CI").as_deref() != Ok("true"), "with CI=true nothing is skipped: {why}");
        eprintln!("skipped: no file system can be mounted here: {why}");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

/// One line of error, and nothing left below `folder`.
fn assert_one_error(said: &Said, code: i32, words: &[&str], folder: &Path) {
    assert_eq!(said.code, Some(code), "{}", said.error);
    let errors: Vec<&str> = said.error.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", said.error);
    assert!(words.iter().all(|word| errors[0].contains(word)), "{errors:?}");
    assert_eq!(said.out, "", "there is no answer");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one_error_and_leaves_nothing() {
    let scratch = Scratch::new("full");
    let Some(disk) = Mounted::new(&scratch.path("disk"), "size=128k") else { return };
    let said = said(&mut simulate(&scratch.path("scenarios/some-day.toml"), &disk.0));
    assert_one_error(&said, 255, &["cannot write the report", "No space left on device"], &disk.0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_run_before_under_latest() {
    let scratch = Scratch::new("full-again");
    let Some(disk) = Mounted::new(&scratch.path("disk"), "size=32m") else { return };
    assert_eq!(said(&mut simulate(&scratch.path("scenarios/some-day.toml"), &disk.0)).code, Some(0));
    let latest = disk.0.join("some-day/latest/report.json");
    let before = fs::read(&latest).unwrap();
    let rest = vec![0_u8; 32 << 20];
    drop(fs::write(disk.0.join("filler"), rest));
    let said = said(&mut simulate(&scratch.path("scenarios/some-day.toml"), &disk.0));
    assert_eq!(said.code, Some(255), "{}", said.error);
    assert!(fs::read(&latest).unwrap() == before);
    assert_eq!(fs::read_dir(disk.0.join("some-day")).unwrap().count(), 2, "the run before and latest");
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_file_system_is_refused_before_the_run() {
    let scratch = Scratch::new("read-only");
    let Some(disk) = Mounted::new(&scratch.path("disk"), "ro") else { return };
    for below in ["", "below"] {
        let said = said(&mut simulate(&scratch.path("scenarios/some-day.toml"), &disk.0.join(below)));
        assert_one_error(&said, 254, &["cannot write the report", "Read-only file system"], &disk.0);
    }
    let said = said(simulate(&scratch.path("scenarios"), &scratch.path("reports")).arg("--junit").arg(disk.0.join("junit.xml")));
    assert_one_error(&said, 254, &["Read-only file system"], &disk.0);
}
