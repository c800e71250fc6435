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
    let of_machine = played.versions.keys().filter(|part| *part != "loupe").count() + played.settings.len();
    assert_eq!(of_machine, 0, "a simulated run knows nothing of the machine: {:?}", played.versions);
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
    fn of(whole: &Scenario, orders: u32) -> Self {
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

/// The file of a scenario with about so many orders: its rates are lower by one factor, and no burst is larger than that.
fn thinned(file: &str, scenario: &Scenario, orders: u32) -> String {
    let factor = sized::factor(scenario, f64::from(orders));
    let mut thin = String::with_capacity(file.len());
    for line in file.lines() {
        let rates = ["rate = \"", "target = \""]
            .into_iter()
            .find_map(|key| line.split_once(key).map(|(before, rest)| (before, key, rest)));
        let slower = rates.and_then(|(before, key, rest)| {
            let (number, unit) = rest.split_once('/')?;
            Some(format!("{before}{key}{:.4}/{unit}", number.parse::<f64>().ok()? * factor))
        });
        let burst = line.strip_prefix("count = ").and_then(|count| count.parse::<u32>().ok());
        let smaller = burst.map(|count| format!("count = {}", count.min(orders)));
        thin += &slower.or(smaller).unwrap_or_else(|| line.to_owned());
        thin.push('\n');
    }
    thin
}

/// Bad orders of several runs, and those of them that were exposed at their hop.
#[derive(Default)]
struct Hops {
    bad: usize,
    right: usize,
}

/// How often a scenario is played.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plays {
    /// Twice here and once in a fresh process.
    Thrice,
    /// Here and in a fresh process, which says the most.
    Twice,
}

/// Plays a scenario here and in a fresh process, which knows it by `argument`.
fn same(scenario: &Scenario, argument: &str, plays: Plays) -> Judged {
    let (name, architecture) = (&scenario.name, scenario.architecture.preset.name());
    let what = format!("{name} {architecture} seed {}", scenario.seed);
    let [first, second, fresh] = ["first", "second", "fresh"].map(scratch);
    let judged = play(&first, scenario);
    let once = bytes(&first, name);
    if plays == Plays::Thrice {
        play(&second, scenario);
        assert_same(&what, &once, &bytes(&second, name));
    }
    play_afresh(&fresh, argument, architecture, scenario.seed);
    assert_same(&what, &once, &bytes(&fresh, name));
    [first, second, fresh].iter().for_each(|path| drop(fs::remove_dir_all(path)));
    judged
}

/// So many seeds of each scenario, with about so many orders.
#[derive(Clone)]
struct Share {
    seeds: Range<u64>,
    orders: u32,
    plays: Plays,
}

/// The library on one architecture, thin: five seeds, at night a thousand, two hundred of them with many more orders.
fn library(preset: Preset) {
    let whole = Share { seeds: 0..200, orders: 300, plays: Plays::Thrice };
    let night = [whole, Share { seeds: 200..1_000, orders: 30, plays: Plays::Twice }];
    let day = [Share { seeds: 0..5, orders: 100, plays: Plays::Thrice }];
    let shares: &[Share] = if nightly() { &night } else { &day };
    let wrong: Vec<_> = Scenario::library(root())
        .unwrap()
        .into_iter()
        .map(|whole| whole.with_architecture(preset))
        .flat_map(|whole| shares.iter().flat_map(move |share| some(&Thin::of(&whole, share.orders), share)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Plays a scenario under some seeds, and says under which something was not exposed.
#[expect(clippy::print_stderr, reason = "a night says how far it is")]
fn some(thin: &Thin, share: &Share) -> Vec<String> {
    let (name, preset) = (&thin.scenario.name, thin.scenario.architecture.preset.name());
    let mut hops = Hops::default();
    let mut wrong = Vec::new();
    for seed in share.seeds.clone() {
        let scenario = Scenario { seed, ..thin.scenario.clone() };
        let judged = same(&scenario, thin.file.to_str().unwrap(), share.plays);
        if !sized::blurred(&scenario) {
            wrong.extend(hidden(&judged, &mut hops).map(|what| format!("{name} {preset} seed {seed}: {what}")));
        }
    }
    let Hops { bad, right } = hops;
    if right * 100 < bad * 99 {
        wrong.push(format!("{name} {preset}: {right} of {bad} bad orders at their hop"));
    }
    if nightly() {
        eprintln!(
            "{name} {preset} seeds {:?}: the same bytes, {right} of {bad} bad orders at their hop {}",
            share.seeds,
            wrong.join("; ")
        );
    }
    wrong
}

/// What is wrong unless every bad order is exposed, and no other.
fn hidden(judged: &Judged, hops: &mut Hops) -> Option<String> {
    let exposure = &judged.report.exposure;
    hops.bad += judged.bad_orders.len();
    hops.right += judged.bad_orders.iter().filter(|row| row.order.exposed && row.order.right_hop).count();
    let whole = [exposure.recall, exposure.precision].into_iter().flatten().all(|rate| rate >= 1.0);
    (!whole || exposure.false_alarms > 0).then(|| format!("{exposure:?}"))
}

/// As it stands in the library.
fn whole(name: &str) {
    let scenario = Scenario::resolve(root(), name).unwrap().remove(0);
    let mut hops = Hops::default();
    for preset in Preset::ALL {
        let judged = same(&scenario.clone().with_architecture(preset), name, Plays::Thrice);
        assert_eq!(hidden(&judged, &mut hops), None, "{name} {}", preset.name());
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
