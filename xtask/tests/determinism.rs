//! Same seed, same bytes: every file of a run folder but `performance.json`, twice in this process and once in a fresh one.
#![expect(clippy::disallowed_methods, reason = "the tier comes in by an environment variable")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sized;

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use contracts::architecture::Preset;
use harness::{artefacts, conclude, options::WorldName, prepare, progress::Progress};
use scenarios::{Scenario, language::InstrumentationPreset};
use xtask::simulated::Simulated;

const ARCHITECTURES: [(Preset, &str); 2] = [(Preset::AsIs, "as-is"), (Preset::ToBe, "to-be")];

fn scratch(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("loupe-determinism-{name}-{}", process::id()));
    drop(fs::remove_dir_all(&path));
    path
}

/// Plays a scenario here and leaves its folder below `root`.
fn play(root: &Path, scenario: &Scenario) {
    let prepared = prepare::prepared(scenario.clone(), false, false).unwrap();
    let mut progress = Progress::silent();
    let played = harness::Arena::play(&mut Simulated, &prepared, &mut progress).unwrap();
    let judged = conclude::judged(&prepared, &played, WorldName::Simulated).unwrap();
    artefacts::write(&prepared, &played, &judged, (root, WorldName::Simulated), progress.elapsed()).unwrap();
}

/// Name and content of every file that must not differ.
fn bytes(root: &Path, scenario: &str) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(root.join(scenario).join("latest")).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()));
    named.filter(|(name, _)| name != "performance.json").collect()
}

fn assert_same(what: &str, left: &BTreeMap<String, Vec<u8>>, right: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>(), "{what}");
    assert!(left.len() >= 6, "{what}: hardly a file");
    for (name, content) in left {
        assert!(*content == right[name], "{what}: {name} differs");
    }
}

/// One scenario, both architectures, some seeds.
fn check(name: &str) {
    let nightly = env::var("LOUPE_TIER").is_ok_and(|tier| tier == "nightly");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let library = Scenario::resolve(root, name).unwrap().remove(0);
    let seeds = if nightly { 200 } else { 5 };
    for (preset, argument) in ARCHITECTURES {
        for seed in 0..seeds {
            let scenario = Scenario { seed, ..library.clone().with_architecture(preset) };
            let scenario = if nightly { sized::to(&scenario, 300.0) } else { scenario };
            let what = format!("{name} {argument} seed {seed}");
            let [first, second, fresh] = ["first", "second", "fresh"].map(|turn| scratch(&format!("{name}-{turn}")));
            play(&first, &scenario);
            play(&second, &scenario);
            let once = bytes(&first, name);
            assert_same(&what, &once, &bytes(&second, name));
            // The fresh process has the scenario by name, so it can only play it at its full size.
            if !nightly {
                let seed = seed.to_string();
                let arguments = ["simulate", name, "--architecture", argument, "--seed", &seed, "--report-dir"];
                let out = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).arg(&fresh).output().unwrap();
                assert!(out.status.code().is_some_and(|code| code <= 2), "{what}: {}", String::from_utf8_lossy(&out.stderr));
                assert_same(&what, &once, &bytes(&fresh, name));
            }
            [first, second, fresh].iter().for_each(|path| drop(fs::remove_dir_all(path)));
        }
    }
}

#[test]
fn calm_week_gives_the_same_bytes() {
    check("calm-week");
}

#[test]
fn broker_kill_gives_the_same_bytes() {
    check("broker-kill");
}

#[test]
fn slow_pricing_gives_the_same_bytes() {
    check("slow-pricing");
}

#[test]
fn early_ack_crash_gives_the_same_bytes() {
    check("early-ack-crash");
}

#[test]
fn telemetry_never_changes_what_happens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for library in Scenario::library(root).unwrap() {
        for (preset, argument) in ARCHITECTURES {
            let scenario = sized::to(&library.clone().with_architecture(preset), 400.0);
            let ledger = |instrumentation| {
                let folder = scratch("instrumentation");
                play(&folder, &scenario.clone().with_instrumentation(instrumentation));
                let ledger = bytes(&folder, &scenario.name).remove("ledger.jsonl").unwrap();
                drop(fs::remove_dir_all(&folder));
                ledger
            };
            let same = ledger(InstrumentationPreset::Full) == ledger(InstrumentationPreset::Blind);
            assert!(same, "{} {argument}: the ledger knows what is traced", scenario.name);
        }
    }
}
