//! `plan.txt`: what a run does, for people; as true before it as after it.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use judge::{
    case::{Run, Setting},
    words,
};
use scenarios::{
    Scenario,
    language::Actor,
    lifecycle::Lifecycle,
    load,
    people::{People, Wait},
    scale::Clock,
};

/// The plan of a run: load, people, faults, how the services are built and what of them shows, deadlines, thresholds. All times
/// are the scenario's, also those of a run that is shortened.
#[must_use]
pub fn text(scenario: &Scenario, lifecycle: &Lifecycle, world: &str) -> String {
    let run = Run::of(scenario, world);
    let mut plan = String::new();
    say(&mut plan, &format!("{}: {}", scenario.name, scenario.title));
    say(&mut plan, &format!("seed {}, {world} world, {}", scenario.seed, run.scale.as_deref().unwrap_or("not shortened")));
    say(&mut plan, &format!("again: {}", judge::again(scenario, world)));
    part(&mut plan, "orders", &orders(scenario, &run.settings));
    part(&mut plan, "people", &people(scenario));
    part(&mut plan, "faults", &faults(scenario));
    for of in ["architecture", "instrumentation"] {
        let preset = if of == "architecture" { &run.architecture } else { &run.instrumentation };
        part(&mut plan, &format!("{of} {preset}"), &toggles(&run.settings, of));
    }
    part(&mut plan, "deadlines", &deadlines(lifecycle, scenario.scaled_by.as_ref()));
    let threshold = |threshold: &scenarios::language::Threshold| {
        let default = if threshold.default { "  in every scenario" } else { "" };
        let expression = scenario.scaled_by.as_ref().map(|clock| clock.threshold(threshold).expression);
        (threshold.metric.clone(), format!("{}{default}", expression.as_ref().unwrap_or(&threshold.expression)))
    };
    part(&mut plan, "thresholds", &scenario.thresholds.iter().map(threshold).collect::<Vec<_>>());
    plan
}

type Rows = Vec<(String, String)>;

fn say(plan: &mut String, line: &str) {
    // Writing into a string cannot fail.
    let _infallible = writeln!(plan, "{}", line.trim_end());
}

/// A heading, and rows whose second column is aligned.
fn part(plan: &mut String, heading: &str, rows: &[(String, String)]) {
    say(plan, &format!("\n{heading}"));
    let wide = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().for_each(|(name, value)| say(plan, &format!("  {name:<wide$}  {value}")));
}

fn time(duration: Duration, factor: f64) -> String {
    words::duration(duration.as_secs_f64() * factor)
}

fn row(name: &str, value: String) -> (String, String) {
    (name.to_owned(), value)
}

fn orders(scenario: &Scenario, settings: &[Setting]) -> Rows {
    let mut counts: BTreeMap<Actor, u64> = BTreeMap::new();
    load::arrivals(scenario).for_each(|arrival| *counts.entry(arrival.actor).or_default() += 1);
    let of_scenario = settings.iter().filter(|setting| setting.of == "scenario");
    let mut rows: Rows = of_scenario.map(|setting| (setting.name.clone(), setting.value.clone())).collect();
    let each: Vec<String> = counts.iter().map(|(actor, count)| format!("{} by {}", words::count(*count), actor.name())).collect();
    rows.push(row("together", format!("{} ({})", words::several(counts.values().sum(), "order"), words::list(&each))));
    rows
}

fn people(scenario: &Scenario) -> Rows {
    let people = &scenario.people;
    let factor = scenario.factors().human;
    let wait = |wait: Wait| format!("{} on average, {} at most", time(wait.mean, factor), time(wait.cap, factor));
    let percent = |share: f64| words::decimals(share * 100.0);
    let pool = |number: u32, one: &str, each: Wait| format!("{}, {} each", words::several(u64::from(number), one), wait(each));
    vec![
        row("upload", format!("{}; {} % build their model", wait(people.upload), percent(people.constructor))),
        row("submit", wait(people.submit)),
        row("approve", pool(people.sellers, "seller", people.seller)),
        row("at the bench", pool(people.operators, "operator", people.bench)),
        row("manufacturing", wait(people.manufacturing)),
        row("packaging", wait(people.packaging)),
        row("shipping", wait(people.shipping)),
        row("carrier", wait(people.carrier)),
        row(
            "no call-back",
            format!("{} % of deliveries, closed by hand after {}", percent(people.uncalled), wait(people.closing)),
        ),
        row(
            "asking",
            format!(
                "{} % of customers, {} times at most, every {}",
                percent(people.askers),
                People::QUESTIONS,
                wait(people.asking)
            ),
        ),
    ]
}

fn faults(scenario: &Scenario) -> Rows {
    if scenario.faults.is_empty() {
        return vec![row("none", String::new())];
    }
    let factor = scenario.factors().machine;
    let time = |duration: Duration| time(duration, factor);
    let fault = |fault: &faults::Fault| {
        (format!("{} for {}", time(fault.at), time(fault.lasts)), format!("{}: {}", fault.name, fault.kind.says(time)))
    };
    scenario.faults.iter().map(fault).collect()
}

/// What differs from the preset says so.
fn toggles(settings: &[Setting], of: &str) -> Rows {
    let toggle = |setting: &Setting| match &setting.preset {
        Some(preset) if *preset != setting.value => (setting.name.clone(), format!("{}  (preset: {preset})", setting.value)),
        _ => (setting.name.clone(), setting.value.clone()),
    };
    settings.iter().filter(|setting| setting.of == of).map(toggle).collect()
}

fn deadlines(lifecycle: &Lifecycle, clock: Option<&Clock>) -> Rows {
    let of_state = |state: &str| clock.map_or(1.0, |clock| clock.state(state));
    let (machine, whole) = clock.map_or((1.0, 1.0), |clock| (clock.factors.machine, clock.whole));
    let states = lifecycle.states.iter().filter_map(|state| Some((state.status.name(), state.deadline?)));
    let state = |(state, deadline)| row(state, format!("{} from the state before", time(deadline, of_state(state))));
    let mut rows: Rows = states.map(state).collect();
    let messages = lifecycle.messages.iter().filter_map(|message| Some((&message.key, message.deadline?)));
    rows.extend(messages.map(|(key, deadline)| row(key, format!("{} from commit to commit", time(deadline, machine)))));
    rows.push(row("promise", format!("{} from INITIATED to CLOSED", time(lifecycle.promise, whole))));
    rows
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn plan(file: &str) -> String {
        let scenario = Scenario::parse(Path::new("case.toml"), file.as_bytes()).unwrap();
        let lifecycle = Lifecycle::for_sla(&scenario.sla).unwrap();
        text(&scenario, &lifecycle, "simulated")
    }

    const FILE: &str = r#"
title = "A day"
seed = 1
duration = "1d"
architecture = { preset = "as-is", outbox = true }

[[load]]
actor = "customer"
executor = "burst"
at = "1h"
count = 3
within = "10s"

[[fault]]
kind = "slow-pricing"
at = "2h"
for = "4m"
share = 0.5
takes = "30m"
"#;

    #[test]
    fn it_tells_what_will_happen_and_what_differs_from_the_preset() {
        let plan = plan(FILE);
        for said in [
            "case: A day\nseed 1, simulated world, not shortened\nagain: cargo xtask simulate case.toml --seed 1\n",
            "  together          3 orders (3 by customer)\n",
            "  2 h for 4 min  slow-pricing@1: 50 % of the calculations begun meanwhile take 30 min\n",
            "  outbox                yes  (preset: no)\n",
            "  publisher-confirms    no\n",
            "  promise                        21 d from INITIATED to CLOSED\n",
        ] {
            assert!(plan.contains(said), "{said:?} is not in\n{plan}");
        }
    }

    #[test]
    fn a_run_without_faults_says_so() {
        let (calm, _) = FILE.split_once("[[fault]]").unwrap();
        assert!(plan(calm).contains("\nfaults\n  none\n"));
    }
}
