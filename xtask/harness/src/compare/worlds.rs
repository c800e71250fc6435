//! The real world against the simulated one: first many seeds of each scenario, then one run on the real stack.
//!
//! The seeds are played by the process that can simulate, which leaves what they show in `worlds.json`; the real runs by the one that
//! has containers to remove, and that one says the answer.

use std::{collections::BTreeMap, path::Path};

use compare::{
    Aims, Summary,
    worlds::{Held, Seen},
};
use faults::World;
use judge::{Judged, report::Outcome};
use scenarios::{Scenario, scale};

use super::{Options, aims::aims};
use crate::{
    Exit,
    arena::{Arena, can_inflict},
    beside, conclude, folder,
    options::{Options as Simulate, WorldName},
    prepare,
    simulate::{self, Terminal},
};

/// What the seeds of each scenario show, by its name.
type BySeed = BTreeMap<String, Seen>;

const FILE: &str = "worlds.json";

/// Plays the seeds of all scenarios that can run for real, and leaves what they show beside the reports.
pub fn seeds(root: &Path, options: &Options, arena: &dyn Arena) -> Exit {
    let scenarios = match chosen(root, &options.runs) {
        Ok(scenarios) => scenarios,
        Err(error) => return complain(&error, Exit::Usage),
    };
    let mut shown = BySeed::new();
    for scenario in &scenarios {
        say(&format!("{}  {}", scenario.name, judge::words::several(options.seeds, "seed")));
        match seen(scenario, options.seeds, arena) {
            Ok(seen) => drop(shown.insert(scenario.name.clone(), seen)),
            Err(error) => return complain(&format!("{}: {error}", scenario.name), Exit::Failure),
        }
    }
    let kept = folder::probe(&options.report_dir).map_err(|error| error.to_string()).and_then(|()| {
        let text = serde_json::to_string(&shown).map_err(|error| error.to_string())?;
        folder::replace_file(&options.report_dir.join(FILE), &text).map_err(|error| error.to_string())
    });
    kept.map_or_else(|error| complain(&error, Exit::Usage), |()| Exit::Pass)
}

/// Scenarios that can run for real. Those that cannot are told of and left out, but for one that is asked for by name.
fn chosen(root: &Path, names: &[String]) -> Result<Vec<Scenario>, String> {
    let default = [prepare::DEFAULT.to_owned()];
    let names = if names.is_empty() { &default[..] } else { names };
    let mut chosen = Vec::new();
    for name in names {
        let found = Scenario::resolve(root, name).map_err(|error| error.to_string())?;
        let one = !Path::new(name).is_dir();
        for scenario in found {
            let fits = can_inflict(&scenario, World::Containers).map_err(|error| error.to_string());
            let fits = fits.and_then(|()| scale::scaled(&scenario).map(drop).map_err(|error| error.to_string()));
            match fits.map_err(|why| format!("{}: {why}", scenario.called)) {
                Ok(()) => chosen.push(scenario),
                Err(why) if one => return Err(why),
                Err(why) => say(&format!("left out    {why}")),
            }
        }
    }
    if chosen.is_empty() { Err("none of these scenarios can run for real".to_owned()) } else { Ok(chosen) }
}

/// What so many seeds of a scenario show, shortened as the real run is.
fn seen(scenario: &Scenario, seeds: u64, arena: &dyn Arena) -> Result<Seen, String> {
    let turns = (0..seeds).map(|turn| Scenario { seed: scenario.seed.wrapping_add(turn), ..scenario.clone() });
    let runs: Result<Vec<_>, _> = turns.map(|scenario| prepare::prepared(scenario, true, false)).collect();
    let runs = runs.map_err(|error| error.to_string())?;
    let mut shown = Ok(Seen::default());
    beside::play(&runs, beside::arenas(arena, runs.len()), |at, played| {
        let judged = played.map_err(|error| error.to_string()).and_then(|played| {
            let judged = conclude::judged(&runs[at], &played, WorldName::Simulated).map_err(|error| error.to_string())?;
            Ok((judged, aims(&played.ledger)))
        });
        match (&mut shown, judged) {
            (Ok(seen), Ok((judged, aims))) => seen.add(&summary(&judged), aims),
            (shown @ Ok(_), Err(error)) => *shown = Err(error),
            (Err(_), _) => {}
        }
    });
    shown
}

/// A judged run in short.
#[must_use]
pub fn summary(judged: &Judged) -> Summary {
    let bad: Vec<_> = judged.bad_orders.iter().map(|bad| bad.order.clone()).collect();
    Summary::of(&judged.report, &bad)
}

/// Plays the scenarios for real and holds each against its seeds.
#[expect(clippy::print_stdout, reason = "the answer")]
pub fn hold(root: &Path, options: &Options, arena: &mut dyn Arena, terminal: Terminal) -> Exit {
    let shown = match shown(&options.report_dir) {
        Ok(shown) => shown,
        Err(error) => return complain(&error, Exit::Failure),
    };
    let scenarios = match chosen(root, &options.runs) {
        Ok(scenarios) => scenarios,
        Err(error) => return complain(&error, Exit::Usage),
    };
    if let Some(scenario) = scenarios.iter().find(|scenario| !shown.contains_key(&scenario.name)) {
        return complain(&format!("{FILE} knows no seeds of {}", scenario.name), Exit::Failure);
    }
    let mut held = Vec::new();
    let mut hear = |judged: &Judged, aims: &Aims| {
        let name = &*judged.report.scenario;
        let why = scenarios.iter().find(|scenario| scenario.name == name).and_then(unlike);
        held.extend(shown.get(name).map(|seen| seen.hold(&summary(judged), aims, why)));
    };
    let asked = for_real_run(options, scenarios.iter().map(|scenario| scenario.called.clone()).collect());
    let played = simulate::simulate_and_hear(root, &asked, arena, terminal, &mut hear);
    // How a run ended is held against the seeds below; here it counts only that there is one.
    let exit = if matches!(played, Exit::Failure | Exit::Usage) { played } else { Exit::Pass };
    println!("\n{}", Held::head());
    held.iter().for_each(|held| println!("{}", held.row()));
    let agree = held.iter().filter(|held| held.agrees()).count();
    println!("\n{agree} of {} agree", scenarios.len());
    held.iter().map(exit_of).fold(exit, Exit::worst)
}

/// Why more may happen for real than any seed of a scenario shows.
#[must_use]
pub fn unlike(scenario: &Scenario) -> Option<&str> {
    scenario.scale.as_ref()?.unlike.as_deref()
}

fn exit_of(held: &Held) -> Exit {
    match held.agrees() {
        false => Exit::Red,
        true if held.outcome == Outcome::Unknown => Exit::Unknown,
        true => Exit::Pass,
    }
}

fn for_real_run(options: &Options, scenarios: Vec<String>) -> Simulate {
    Simulate {
        scenarios,
        world: WorldName::Containers,
        seed: None,
        seeds: 1,
        architecture: None,
        instrumentation: None,
        scaled: true,
        report_dir: options.report_dir.clone(),
        junit: None,
        otlp: false,
        plan: false,
        open: false,
    }
}

fn shown(reports: &Path) -> Result<BySeed, String> {
    let path = reports.join(FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

#[expect(clippy::print_stderr, reason = "progress and what is wrong")]
fn say(text: &str) {
    eprintln!("{text}");
}

fn complain(text: &str, exit: Exit) -> Exit {
    say(&format!("error: {text}"));
    exit
}
