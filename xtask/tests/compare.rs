//! `cargo xtask compare` as people and CI use it: runs side by side, and a baseline that a worse run does not pass.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

/// A day of orders, some of which wait for long calculations.
const SCENARIO: &str = r#"title = "A day"
seed = 1
duration = "1d"
architecture = { preset = "as-is" }

[[load]]
actor = "customer"
executor = "constant-arrival-rate"
rate = "8/h"

[[fault]]
kind = "broker-kill"
at = "2h"
for = "4m"

[thresholds]
unknown = ["count==0"]
"#;

/// A folder of its own for each test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("loupe-compare-{name}-{}", process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("day.toml"), SCENARIO).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Exit code and what is said on stdout and stderr.
    fn xtask(&self, arguments: &[&str]) -> (i32, String) {
        let reports = self.path("reports");
        let out = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).args(["--report-dir", &reports]).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        (out.status.code().unwrap(), said)
    }

    fn simulate(&self, seed: &str) {
        let (_, said) = self.xtask(&["simulate", &self.path("day.toml"), "--seed", seed]);
        assert!(Path::new(&self.path("reports/day/latest/report.json")).exists(), "{said}");
    }

    fn baseline(&self) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.path("baseline.json")).unwrap()).unwrap()
    }

    fn gate(&self) -> (i32, String) {
        self.xtask(&["compare", "--baseline", &self.path("baseline.json")])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_run_agrees_with_itself_and_another_seed_is_held_to_the_same_kinds_of_things() {
    let place = Place::new("two");
    place.simulate("1");
    place.simulate("2");
    let (code, said) = place.xtask(&["compare", "day", "day"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("AGREE  the same run again"), "{said}");
    let (_, said) = place.xtask(&["compare", "day/simulated-as-is-full-seed-1", "day"]);
    assert!(said.contains("seed 1\n") && said.contains("other draws"), "{said}");
}

#[test]
fn a_baseline_passes_what_it_was_written_from() {
    let place = Place::new("pass");
    place.simulate("1");
    let file = place.path("baseline.json");
    assert_eq!(place.xtask(&["compare", "--baseline", &file, "--renew"]).0, 0);
    let (code, said) = place.gate();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 of 1 agree"), "{said}");
}

/// What a baseline says is changed by hand, as a worse build would change the runs.
fn broken(name: &str, change: impl FnOnce(&mut serde_json::Value)) -> (i32, String) {
    let place = Place::new(name);
    place.simulate("1");
    place.xtask(&["compare", "--baseline", &place.path("baseline.json"), "--renew"]);
    let mut baseline = place.baseline();
    change(&mut baseline["runs"]);
    fs::write(place.path("baseline.json"), baseline.to_string()).unwrap();
    place.gate()
}

#[test]
fn a_changed_verdict_is_exit_1() {
    let (code, said) = broken("verdict", |runs| runs[0]["outcome"] = "fail".into());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("outcome: fail became "), "{said}");
}

#[test]
fn a_step_that_became_slower_is_exit_1_beyond_the_tolerance() {
    let slower = |by: f64| {
        move |runs: &mut serde_json::Value| {
            let time = &mut runs[0]["times"]["SUBMITTED"]["p95_s"];
            *time = (time.as_f64().unwrap() / by).into();
        }
    };
    let (code, said) = broken("slower", slower(1.2));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("20 % slower, 10 % allowed"), "{said}");
    assert_eq!(broken("a-little-slower", slower(1.05)).0, 0);
}

#[test]
fn a_run_that_the_baseline_does_not_know_is_no_pass_and_one_that_is_missing_is_red() {
    let (code, said) = broken("new", |runs| *runs = serde_json::json!([]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("NEW      day  simulated"), "{said}");
    let (code, said) = broken("missing", |runs| {
        let mut other = runs[0].clone();
        other["which"]["scenario"] = "night".into();
        runs.as_array_mut().unwrap().push(other);
    });
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("MISSING  night  simulated"), "{said}");
}

#[test]
fn what_is_no_run_and_no_baseline_is_named_with_its_place() {
    let place = Place::new("wrong");
    place.simulate("1");
    let refused = |arguments: &[&str], words: &[&str]| {
        let (code, said) = place.xtask(arguments);
        assert_eq!(code, 254, "{said}");
        words.iter().for_each(|word| assert!(said.contains(word), "no {word:?} in {said}"));
    };
    refused(&["compare", "day"], &["1 run is named", "expected two"]);
    refused(&["compare", "day", "dya"], &["`dya`", "did you mean `day`"]);
    refused(&["compare", "day", "day", "--tolerance", "much"], &["much", "percentage"]);
    fs::write(place.path("baseline.json"), "{\n  \"schema_version\": 1,\n  \"rums\": []\n}").unwrap();
    let file = place.path("baseline.json");
    refused(&["compare", "--baseline", &file], &["baseline.json:3:8: unknown field `rums`", "--renew"]);
    refused(&["compare", "--baseline", &place.path("nowhere.json")], &["nowhere.json", "No such file"]);
}
