//! Wrong command lines and wrong scenario files: one clear error each, exit 254, no panic, nothing written.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::Duration,
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
    refused(&["simulate", "--seed", "-1"], &["--seed", "a whole number from 0"]);
    for seeds in ["0", "-3", "many", "100001", "99999999999999999999999"] {
        refused(&["simulate", "--seeds", seeds], &["--seeds", seeds, "a whole number from 1 to 100000"]);
    }
    refused(&["simulate", "--repot-dir", "x"], &["--repot-dir", "--report-dir"]);
    refused(&["simulate", "--instrumentation", "ful"], &["'full'"]);
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
fn what_is_no_scenario_file_is_refused_at_once_however_long_it_is() {
    let folder = scratch("no-file");
    let named = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(named("empty.toml"), "").unwrap();
    refused(&["simulate", &named("empty.toml")], &["empty.toml:1:1", "`title` is missing"]);
    let mut bytes = FILE.as_bytes().to_vec();
    bytes.insert(11, 0xff);
    fs::write(named("bytes.toml"), bytes).unwrap();
    refused(&["simulate", &named("bytes.toml")], &["bytes.toml:1:12", "no UTF-8"]);
    fs::write(named("long.toml"), FILE.to_owned() + &"# on and on\n".repeat(100_000)).unwrap();
    refused(&["simulate", &named("long.toml")], &["long.toml", "longer than any scenario", "1 MiB"]);
    // Neither ever ends.
    std::os::unix::fs::symlink("/dev/zero", named("device.toml")).unwrap();
    refused(&["simulate", &named("device.toml")], &["device.toml", "cannot be read", "expected a scenario file"]);
    assert!(Command::new("mkfifo").arg(named("pipe.toml")).status().unwrap().success());
    refused(&["simulate", &named("pipe.toml")], &["pipe.toml", "cannot be read", "expected a scenario file"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_nobody_may_read_is_refused() {
    let folder = scratch("unreadable");
    let file = folder.join("case.toml");
    fs::write(&file, FILE).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions do not hold for root: then the file is simply read, and there is nothing to see.
    if fs::read(&file).is_err() {
        refused(&["simulate", file.to_str().unwrap()], &["case.toml", "cannot be read", "denied"]);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn scenarios_that_would_write_the_same_report_are_refused() {
    let folder = scratch("twice");
    let files = ["one", "two"].map(|name| folder.join(name).join("same.toml"));
    for file in &files {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, FILE).unwrap();
    }
    let [one, two] = files.each_ref().map(|file| file.to_str().unwrap());
    refused(&["simulate", one, two], &["two scenarios are called `same`", "expected a name of its own"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_report_directory_that_takes_no_files_is_refused_before_the_run() {
    let folder = scratch("report");
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    refused(&["simulate", "calm-week", "--report-dir", file.to_str().unwrap()], &["cannot write the report", "file"]);
    fs::write(folder.join("calm-week"), "").unwrap();
    refused(&["simulate", "calm-week", "--report-dir", folder.to_str().unwrap()], &["cannot write the report", "calm-week"]);
    fs::create_dir_all(folder.join("broker-kill/latest")).unwrap();
    refused(&["simulate", "broker-kill", "--report-dir", folder.to_str().unwrap()], &["broker-kill/latest", "no link"]);
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
    broken("seed = 1", "seed = -1", "case.toml:2:8", &["a whole number from 0"]);
    broken("duration = \"1d\"", "duration = \"999999999d\"", "case.toml:3:12", &["longer than ten years"]);
    broken("{ preset = \"as-is\" }", "\"as-is\"", "case.toml:4:16", &["a table with `preset`"]);
    broken("rate = \"10/h\"", "rate = \"1e300/h\"", "case.toml:9:8", &["is no number"]);
    broken("rate = \"10/h\"", "rate = \"999999/s\"", "case.toml:6:1", &["at most 2000000 orders"]);
    broken(
        "constant-arrival-rate\"\nrate = \"10/h\"",
        "burst\"\nat = \"0s\"\ncount = 1000000000000\nwithin = \"1h\"",
        "case.toml:10:9",
        &["from 1 to 2000000"],
    );
    broken(
        "kind = \"broker-kill\"",
        "kind = \"consumer-kill\"\nservice = \"mes-api\"\ntimes = 1000000000\nevery = \"5m\"",
        "case.toml:14:9",
        &["from 1 to 1000"],
    );
    broken("title = \"A day\"", &format!("title = {}{}", "[".repeat(100_000), "]".repeat(100_000)), "case.toml:1:", &["no TOML"]);
}

#[test]
fn a_file_in_another_version_of_the_language_is_told_so() {
    let (title, versioned) = ("title = \"A day\"", |version: &str| format!("titel = 1\nschema_version = {version}"));
    broken(title, &versioned("2"), "case.toml:2:18", &["`schema_version` is `2`", "expected `1`"]);
    broken(title, &versioned("\"next\""), "case.toml:2:18", &["expected `1`"]);
    let folder = scratch("schema");
    let own = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/schema.json")).unwrap();
    let next = own.replace("\"const\": 1", "\"const\": 2");
    assert_ne!(own, next);
    fs::write(folder.join("next.json"), next).unwrap();
    let file = folder.join("case.toml");
    fs::write(&file, format!("#:schema next.json\n{FILE}")).unwrap();
    refused(
        &["simulate", file.to_str().unwrap()],
        &["case.toml:1:10", "next.json", "version 2", "expected a schema of version 1"],
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_bad_recording_is_refused_by_line_and_column() {
    let folder = scratch("recording");
    let (file, rows, out) = (folder.join("case.toml"), folder.join("day.csv"), folder.join("out"));
    let (before, _) = FILE.split_once("[[load]]").unwrap();
    fs::write(&file, format!("{before}[[load]]\nexecutor = \"replay\"\nfile = \"day.csv\"\n")).unwrap();
    let refused = |words: &[&str]| {
        refused(&["simulate", file.to_str().unwrap(), "--report-dir", out.to_str().unwrap()], words);
        assert!(!out.join("case").exists());
    };
    refused(&["case.toml:8:8", "day.csv", "cannot be read", "a CSV file beside the scenario"]);
    let good = "time,actor,model_size\n0s,customer,7\n1h,api-user,9\n";
    for (bad, place, words) in [
        (good.replace("1h", "1x"), "day.csv:3: column 1: ", "`x`"),
        (good.replace("api-user", "api-usr"), "day.csv:3: column 2: ", "did you mean `api-user`?"),
        (good.replace(",7", ",many"), "day.csv:2: column 3: ", "a whole number of bytes"),
        (good.replace("1h,api-user,9", "1h"), "day.csv:3: ", "a row of 1 cells"),
        (good.replace("model_size", "size"), "day.csv:1: column 3: ", "unknown column `size`"),
        (String::new(), "day.csv:1: ", "a column is missing"),
    ] {
        fs::write(&rows, bad).unwrap();
        refused(&[place, words, "expected"]);
    }
    fs::remove_file(&rows).unwrap();
    // It never ends.
    std::os::unix::fs::symlink("/dev/zero", &rows).unwrap();
    refused(&["case.toml:8:8", "no file of its own", "expected a recording file"]);
    fs::remove_file(&rows).unwrap();
    fs::write(&rows, good).unwrap();
    let run =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["simulate", file.to_str().unwrap(), "--report-dir"]).arg(&out).output();
    assert!(run.unwrap().status.code().is_some_and(|code| code <= 2), "the good one runs");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_scenario_that_cannot_be_scaled_says_so() {
    let folder = scratch("scale");
    let file = folder.join("case.toml");
    fs::write(&file, FILE).unwrap();
    refused(&["simulate", file.to_str().unwrap(), "--scaled"], &["case.toml: ", "[scale]"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_is_left_below_the_report_directory_after_a_refusal() {
    let folder = scratch("left");
    refused(&["simulate", "no-such-scenario", "--report-dir", folder.to_str().unwrap()], &["no-such-scenario"]);
    assert_eq!(fs::read_dir(Path::new(&folder)).unwrap().count(), 0);
    fs::remove_dir_all(folder).unwrap();
}

/// Names of the files that `latest` leads to; none where there is no `latest`.
fn latest(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder.join("case/latest")).into_iter().flatten();
    files.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// What Ctrl-C sends, with its number. Who was started in the background has it ignored, and so has every child: then the
/// next best.
fn interrupt() -> (i32, &'static str) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    if ignored & 0b10 == 0 { (2, "-INT") } else { (15, "-TERM") }
}

/// Whenever it is told to stop, a run stops, and `latest` is as it was: nothing, or the whole report of the run before.
#[test]
#[expect(clippy::disallowed_methods, reason = "another process is given some real time")]
fn a_run_that_is_interrupted_leaves_no_half_report() {
    let (number, signal) = interrupt();
    let folder = scratch("interrupted");
    let file = folder.join("case.toml");
    fs::write(&file, FILE.replace("10/h", "100/h")).unwrap();
    let start = || {
        let mut run = Command::new(env!("CARGO_BIN_EXE_xtask"));
        run.args(["simulate", file.to_str().unwrap(), "--report-dir", folder.to_str().unwrap()]);
        run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let interrupted = |after: Duration| {
        let mut run = start();
        thread::sleep(after);
        // A run that is over already has nothing to be interrupted in.
        let _told = Command::new("kill").args([signal, &run.id().to_string()]).stderr(Stdio::null()).status().unwrap();
        run.wait().unwrap().signal() == Some(number)
    };
    assert!(interrupted(Duration::from_millis(5)));
    assert_eq!(latest(&folder), BTreeSet::new());
    assert!(start().wait().unwrap().success());
    let whole = latest(&folder);
    assert!(whole.contains("report.json"), "{whole:?}");
    let stopped = (0..60).filter(|turn| interrupted(Duration::from_millis(5 * turn))).count();
    assert!(stopped > 0, "no run was interrupted");
    assert_eq!(latest(&folder), whole);
    // The next run sweeps away what was being written.
    assert!(start().wait().unwrap().success());
    assert_eq!(fs::read_dir(folder.join("case")).unwrap().count(), 2, "the run and latest");
    fs::remove_dir_all(folder).unwrap();
}
