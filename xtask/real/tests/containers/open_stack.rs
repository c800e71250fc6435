//! The open stack: started once, found again, never mistaken for another, removed.

use std::{
    process::{Command, Output},
    time::{Duration, UNIX_EPOCH},
};

use crate::gate;

/// `loupe-real` with these arguments, at the open stack of this name.
pub(crate) fn command(stack: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loupe-real"));
    command.args(arguments).env("LOUPE_STACK", stack).env("LOUPE_APP_BINARY", gate::app()).env("CI", "true");
    command
}

/// What a command came to: its exit code, its answer, what it said meanwhile.
fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn stack(name: &str, action: &str) -> (Option<i32>, String, String) {
    said(command(name, &["stack", action]).output().unwrap())
}

/// An answer of the engine.
fn docker(arguments: &[&str]) -> String {
    let out = Command::new("docker").args(arguments).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The addresses among the lines of an answer.
fn addresses(answer: &str) -> Vec<&str> {
    answer.split_whitespace().filter(|word| word.contains("127.0.0.1:")).collect()
}

/// An index of a day in the past.
struct Dated {
    url: String,
}

impl Dated {
    /// Makes one in the Elasticsearch that an answer names.
    fn made(answer: &str, days: u64) -> Self {
        let logs = answer.lines().find_map(|line| line.trim().strip_prefix("logs")).unwrap().trim();
        let day = UNIX_EPOCH.elapsed().unwrap() - Duration::from_secs(days * 86_400);
        let date = humantime::format_rfc3339_seconds(UNIX_EPOCH + day).to_string()[..10].replace('-', ".");
        let url = format!("{logs}/logs-crm-api-production-{date}");
        assert_eq!(gate::block_on(async { reqwest::Client::new().put(&url).send().await.unwrap().status() }), 200);
        Self { url }
    }

    /// What has become of it.
    fn now(&self) -> &'static str {
        let (status, text) = gate::block_on(async {
            let answer = reqwest::get(format!("{}/_settings", self.url)).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        });
        match (status, text.contains(r#""blocks":{"write":"true"}"#)) {
            (404, _) => "gone",
            (_, true) => "read only",
            (_, false) => "kept",
        }
    }
}

#[test]
fn it_is_started_once_keeps_its_addresses_and_goes() {
    if !gate::containers() {
        return;
    }
    let name = format!("try-{}", std::process::id());
    assert_eq!(stack(&name, "status").0, Some(1), "it is not up");
    let (code, first, progress) = stack(&name, "up");
    assert_eq!(code, Some(0), "{progress}");
    assert_eq!(addresses(&first).len(), 7, "{first}");
    assert!(first.contains("loupe / loupe"), "{first}");
    let ids = docker(&["ps", "--quiet", "--filter", &format!("label=loupe.stack={name}")]);
    let dated = [29, 31, 89, 91].map(|age| Dated::made(&first, age));
    let (code, second, progress) = stack(&name, "up");
    assert_eq!(code, Some(0), "{progress}");
    assert_eq!(addresses(&first), addresses(&second));
    assert_eq!(ids, docker(&["ps", "--quiet", "--filter", &format!("label=loupe.stack={name}")]), "it was started again");
    let [young, read_only, old, too_old] = dated.map(|index| index.now());
    assert_eq!([young, read_only, old, too_old], ["kept", "read only", "read only", "gone"]);

    docker(&["restart", "--time", "0", &format!("loupe-{name}-postgres-shop")]);
    let (code, status, _) = stack(&name, "status");
    assert_eq!(code, Some(0), "{status}");
    assert!(status.contains("fits Loupe") && status.contains("since 20") && status.contains("image "), "{status}");
    assert_eq!(addresses(&first), addresses(&status));
    docker(&["kill", &format!("loupe-{name}-jaeger")]);
    let (code, status, _) = stack(&name, "status");
    assert!(code == Some(1) && status.contains("is not whole"), "{status}");

    assert_eq!(stack(&name, "down").0, Some(0));
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &format!("label=loupe.stack={name}")]), "");
    assert_eq!(docker(&["network", "ls", "--quiet", "--filter", &format!("label=loupe.stack={name}")]), "");
    let (code, answer, _) = stack(&name, "down");
    assert!(code == Some(0) && answer.contains("is not up"), "{answer}");
}

#[test]
fn one_of_another_version_is_refused_with_one_error_and_nothing_written() {
    if !gate::containers() {
        return;
    }
    let name = format!("old-{}", std::process::id());
    let label = format!("loupe.stack={name}");
    let image = gate::place().images.base;
    let labels = ["--label", &label, "--label", "loupe.part=rabbitmq", "--label", "loupe.version=0.0.1"];
    docker(&[&["create"][..], &labels, &[&image, "true"]].concat());
    let reports = std::env::temp_dir().join(format!("loupe-{name}"));
    let runs = ["simulate", "calm-week", "broker-kill", "--world", "containers", "--report-dir", reports.to_str().unwrap()];
    let (code, answer, error) = said(command(&name, &runs).output().unwrap());
    assert_eq!((code, answer.as_str()), (Some(255), ""), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    for words in ["does not fit Loupe 0.1.0", "Loupe 0.0.1 started it", "cargo xtask stack up", "jaeger is missing"] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    assert_eq!(std::fs::read_dir(&reports).unwrap().count(), 0, "something was written");
    std::fs::remove_dir_all(reports).unwrap();
    let (code, status, _) = stack(&name, "status");
    assert!(code == Some(1) && status.contains("does not fit"), "{status}");
    assert_eq!(stack(&name, "down").0, Some(0));
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let (code, _, error) = said(command("Not/A Name", &["stack", "status"]).output().unwrap());
    assert_eq!(code, Some(254), "{error}");
    assert!(error.contains("LOUPE_STACK=Not/A Name: expected a name"), "{error}");
}
