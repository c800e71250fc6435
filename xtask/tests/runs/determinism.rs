//! Same seed, same bytes: every file of a run folder but `performance.json`, twice in this process and once in a fresh one. The
//! runs are judged as well: all that is bad is exposed, at its hop.

use std::{
    collections::BTreeMap,
    env, fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

use contracts::architecture::Preset;
use harness::{artefacts, options::WorldName, prepare, progress::Progress};
use judge::Judged;
use scenarios::{Scenario, language::InstrumentationPreset};
use xtask::simulated::Simulated;

use crate::{nightly, root, sized};

/// A folder for nobody else.
fn scratch(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("loupe-determinism-{}-{number}-{name}", process::id()))
}

/// Plays a scenario here and leaves its folder below `root`.
fn play(root: &Path, scenario: &Scenario) -> Judged {
    let prepared = prepare::prepared(scenario.clone(), false, false).unwrap();
    let mut progress = Progress::silent();
    let played = harness::Arena::play(&mut Simulated, &prepared, &mut progress).unwrap();
    artefacts::write(&prepared, &played, (root, WorldName::Simulated), &progress).unwrap().0
}

/// Plays a scenario in a process of its own.
fn play_afresh(root: &Path, argument: &str, architecture: &str, seed: u64) {
    let seed = seed.to_string();
    let arguments = ["simulate", argument, "--architecture", architecture, "--seed", &seed, "--report-dir"];
    let out = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).arg(root).output().unwrap();
    assert!(out.status.code().is_some_and(|code| code <= 2), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
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

/// A scenario of the library with about so many orders, in a file of its own: for this process and a fresh one.
struct Thin {
    scenario: Scenario,
    file: PathBuf,
}

impl Thin {
    fn of(whole: &Scenario, orders: f64) -> Self {
        let name = &whole.name;
        let text = fs::read_to_string(root().join("scenarios/library").join(format!("{name}.toml"))).unwrap();
        let folder = scratch("thin");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.toml"));
        fs::write(&file, thinned(&text, whole, orders)).unwrap();
        let recording = root().join("scenarios/library").join(format!("{name}.csv"));
        if recording.is_file() {
            fs::copy(&recording, folder.join(format!("{name}.csv"))).unwrap();
        }
        let scenario = Scenario::load(&file).unwrap().with_architecture(whole.architecture.preset);
        Self { scenario, file }
    }
}

impl Drop for Thin {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(self.file.parent().unwrap()));
    }
}

/// The file of a scenario that brings its orders by `rate`, with about so many of them.
fn thinned(file: &str, scenario: &Scenario, orders: f64) -> String {
    let factor = sized::factor(scenario, orders);
    let thinner = |line: &str| match line.strip_prefix("rate = \"").and_then(|rate| rate.split_once('/')) {
        Some((number, unit)) => format!("rate = \"{:.4}/{unit}\n", number.parse::<f64>().unwrap_or(0.0) * factor),
        None => format!("{line}\n"),
    };
    file.lines().map(thinner).collect()
}

/// Bad orders of several runs, and those of them that were exposed at their hop.
#[derive(Default)]
struct Hops {
    bad: usize,
    right: usize,
}

/// Plays a scenario twice here and once in a fresh process, which knows it by `argument`.
fn same(scenario: &Scenario, argument: &str) -> Judged {
    let (name, architecture) = (&scenario.name, scenario.architecture.preset.name());
    let what = format!("{name} {architecture} seed {}", scenario.seed);
    let [first, second, fresh] = ["first", "second", "fresh"].map(scratch);
    let judged = play(&first, scenario);
    play(&second, scenario);
    play_afresh(&fresh, argument, architecture, scenario.seed);
    let once = bytes(&first, name);
    assert_same(&what, &once, &bytes(&second, name));
    assert_same(&what, &once, &bytes(&fresh, name));
    [first, second, fresh].iter().for_each(|path| drop(fs::remove_dir_all(path)));
    judged
}

/// The library on one architecture, thin: five seeds, at night a thousand, two hundred of them with three times as many orders.
fn library(preset: Preset) {
    let sizes: &[_] = if nightly() { &[(0..200, 300.0), (200..1000, 100.0)] } else { &[(0..5, 100.0)] };
    for whole in Scenario::library(root()).unwrap() {
        let whole = whole.with_architecture(preset);
        sizes.iter().for_each(|(seeds, orders)| some(&Thin::of(&whole, *orders), seeds.clone(), preset));
    }
}

fn some(thin: &Thin, seeds: Range<u64>, preset: Preset) {
    let mut hops = Hops::default();
    for seed in seeds {
        let scenario = Scenario { seed, ..thin.scenario.clone() };
        let judged = same(&scenario, thin.file.to_str().unwrap());
        if !sized::blurred(&scenario) {
            exposes(&format!("{} {} seed {seed}", scenario.name, preset.name()), &judged, &mut hops);
        }
    }
    let Hops { bad, right } = hops;
    assert!(right * 100 >= bad * 99, "{} {}: {right} of {bad} bad orders at their hop", thin.scenario.name, preset.name());
}

/// Every bad order is exposed, and no other.
fn exposes(what: &str, judged: &Judged, hops: &mut Hops) {
    let exposure = &judged.report.exposure;
    let rates = [exposure.recall, exposure.precision];
    assert!(rates.into_iter().flatten().all(|rate| rate >= 1.0), "{what}: {exposure:?}");
    assert_eq!(exposure.false_alarms, 0, "{what}");
    hops.bad += judged.bad_orders.len();
    hops.right += judged.bad_orders.iter().filter(|row| row.order.exposed && row.order.right_hop).count();
}

/// As it stands in the library.
fn whole(name: &str) {
    let scenario = Scenario::resolve(root(), name).unwrap().remove(0);
    let mut hops = Hops::default();
    for preset in Preset::ALL {
        let judged = same(&scenario.clone().with_architecture(preset), name);
        exposes(&format!("{name} {}", preset.name()), &judged, &mut hops);
    }
    assert!(hops.right * 100 >= hops.bad * 99, "{name}: {} of {} bad orders at their hop", hops.right, hops.bad);
}

#[test]
fn as_is_gives_the_same_bytes() {
    library(Preset::AsIs);
}

#[test]
fn to_be_gives_the_same_bytes() {
    library(Preset::ToBe);
}

#[test]
fn the_default_scenario_gives_the_same_bytes() {
    whole(prepare::DEFAULT);
}

#[test]
fn a_week_of_slow_prices_gives_the_same_bytes() {
    whole("slow-pricing");
}

#[test]
fn a_calm_week_gives_the_same_bytes() {
    whole("calm-week");
}

#[test]
fn an_early_ack_and_a_crash_give_the_same_bytes() {
    whole("early-ack-crash");
}

#[test]
fn telemetry_never_changes_what_happens() {
    for library in Scenario::library(root()).unwrap() {
        for preset in Preset::ALL {
            let scenario = sized::to(&library.clone().with_architecture(preset), 200.0);
            let ledger = |instrumentation| {
                let folder = scratch("instrumentation");
                play(&folder, &scenario.clone().with_instrumentation(instrumentation));
                let ledger = bytes(&folder, &scenario.name).remove("ledger.jsonl").unwrap();
                drop(fs::remove_dir_all(&folder));
                ledger
            };
            let same = ledger(InstrumentationPreset::Full) == ledger(InstrumentationPreset::Blind);
            assert!(same, "{} {}: the ledger knows what is traced", scenario.name, preset.name());
        }
    }
}
