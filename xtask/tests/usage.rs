//! Wrong command lines and wrong scenario files: one clear error each, exit 254, no panic, nothing written.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

struct Said {
    code: Option<i32>,
    error: String,
}

fn xtask(arguments: &[&str]) -> Said {
    let out = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
    assert!(out.stdout.is_empty(), "{arguments:?} prints an answer");
    Said { code: out.status.code(), error: String::from_utf8(out.stderr).unwrap() }
}

/// The error must hold each of these words.
fn refused(arguments: &[&str], words: &[&str]) {
    let said = xtask(arguments);
    assert_eq!(said.code, Some(254), "{arguments:?}: {}", said.error);
    assert!(!said.error.contains("panicked"), "{arguments:?}: {}", said.error);
    for word in words {
        assert!(said.error.contains(word), "{arguments:?}: no {word:?} in {}", said.error);
    }
}

/// A scratch directory of this test.
fn scratch(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("loupe-usage-{name}-{}", process::id()));
    drop(fs::remove_dir_all(&path));
    fs::create_dir_all(&path).unwrap();
    path
}

const FILE: &str = r#"title = "A day"
seed = 1
duration = "1d"
architecture = { preset = "as-is" }

[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "10/h"

[[fault]]
kind = "broker-kill"
at = "2h"
for = "4m"
"#;

/// Replaces `from` by `to` in a good file; the error must name line and column and hold the words.
fn broken(from: &str, to: &str, place: &str, words: &[&str]) {
    assert!(FILE.contains(from));
    let folder = scratch("broken");
    let file = folder.join("case.toml");
    fs::write(&file, FILE.replace(from, to)).unwrap();
    let path = file.to_str().unwrap();
    let mut all = vec![place, "expected"];
    all.extend(words);
    refused(&["simulate", path, "--report-dir", folder.join("out").to_str().unwrap()], &all);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_command_line_that_means_nothing_is_refused_with_the_nearest_word() {
    refused(&["simulte"], &["simulate"]);
    refused(&["simulate", "--wurld", "simulated"], &["--wurld", "--world"]);
    refused(&["simulate", "--world", "simulatd"], &["simulatd", "simulated"]);
    refused(&["simulate", "--seed", "x"], &["--seed"]);
    refused(&["simulate", "--seeds", "0"], &["--seeds"]);
    refused(&["simulate", "--architecture", "tobe"], &["to-be"]);
    refused(&["explain", "broker-kil"], &["broker-kil", "did you mean `broker-kill`"]);
    refused(&["simulate", "broker-kil"], &["broker-kil", "did you mean `broker-kill`"]);
}

#[test]
fn scenarios_that_are_not_there_are_refused() {
    let empty = scratch("empty");
    refused(&["simulate", empty.to_str().unwrap()], &["no scenario in it", ".toml"]);
    refused(&["simulate", empty.join("no.toml").to_str().unwrap()], &["no.toml", "no such file"]);
    let unreadable = empty.join("unreadable.toml");
    fs::create_dir(&unreadable).unwrap();
    refused(&["simulate", empty.to_str().unwrap()], &["unreadable.toml", "cannot be read"]);
    fs::remove_dir_all(empty).unwrap();
}

#[test]
fn a_report_directory_that_takes_no_files_is_refused_before_the_run() {
    let folder = scratch("report");
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    refused(&["simulate", "calm-week", "--report-dir", file.to_str().unwrap()], &["cannot write the report", "file"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_wrong_scenario_file_is_refused_with_line_column_and_what_was_expected() {
    broken("seed = 1", "sede = 1", "case.toml:2:1", &["sede", "did you mean `seed`"]);
    broken("duration = \"1d\"", "duration = \"1x\"", "case.toml:3:12", &["`x`"]);
    broken("duration = \"1d\"", "duration = 7", "case.toml:3:12", &["duration"]);
    broken("preset = \"as-is\"", "preset = \"asis\"", "case.toml:4:27", &["asis", "as-is"]);
    broken("actor = \"customer\"", "actor = \"costumer\"", "case.toml:7:9", &["did you mean `customer`"]);
    broken("rate = \"10/h\"", "rate = \"-10/h\"", "case.toml:9:8", &["10/h"]);
    broken("rate = \"10/h\"", "rate = \"10\"", "case.toml:9:8", &["/h"]);
    broken("kind = \"broker-kill\"", "kind = \"broker-kil\"", "case.toml:12:8", &["did you mean `broker-kill`"]);
    broken("at = \"2h\"", "at = \"2d\"", "case.toml:13:6", &["2d"]);
    broken(
        "kind = \"broker-kill\"",
        "kind = \"consumer-kill\"\nservice = \"mes-apo\"",
        "case.toml:13:11",
        &["did you mean `mes-api`"],
    );
    broken("[[fault]]", "[[fault]", "case.toml:11:", &[]);
}

#[test]
fn a_scenario_that_cannot_be_scaled_says_so() {
    let folder = scratch("scale");
    let file = folder.join("case.toml");
    fs::write(&file, FILE).unwrap();
    refused(&["simulate", file.to_str().unwrap(), "--scaled"], &["case", "[scale]"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_left_below_the_report_directory_after_a_refusal() {
    let folder = scratch("left");
    refused(&["simulate", "no-such-scenario", "--report-dir", folder.to_str().unwrap()], &["no-such-scenario"]);
    assert_eq!(fs::read_dir(Path::new(&folder)).unwrap().count(), 0);
    fs::remove_dir_all(folder).unwrap();
}
