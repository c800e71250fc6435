//! What was run, as the scenario says it.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use scenarios::{
    Scenario,
    language::{Executor, Load, Rate},
    lifecycle::LIFECYCLE,
    scale::Clock,
};
use serde::{Deserialize, Serialize};

use crate::{
    case::{Run, Setting},
    words,
};

impl Run {
    /// The run of a scenario in a world. The clock, the versions and where the traces are kept come from elsewhere.
    #[must_use]
    pub fn of(scenario: &Scenario, world: &str) -> Self {
        let (architecture, instrumentation) = (scenario.architecture.preset, scenario.instrumentation.preset);
        let mut settings = timeline(scenario);
        settings.extend(toggles("architecture", &scenario.architecture, &architecture.architecture()));
        settings.extend(toggles("instrumentation", &scenario.instrumentation, &instrumentation.instrumentation()));
        Self {
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            world: world.to_owned(),
            seed: scenario.seed,
            architecture: architecture.name().to_owned(),
            instrumentation: instrumentation.name().to_owned(),
            quiet: scenario.quiet,
            envelope: envelope(scenario),
            replay: replay(scenario, world, &format!("{}{}", scenario.name, if scenario.in_library() { "" } else { ".toml" })),
            scale: scenario.scaled_by.as_ref().map(shortened),
            scaled_by: scenario.scaled_by.as_ref().map(|clock| (clock.factors.machine, clock.factors.human)),
            settings,
            routes: routes(),
            ..Self::default()
        }
    }
}

/// The kinds of fault under which no order may be lost: those that the architecture promises, and those that touch no order.
fn envelope(scenario: &Scenario) -> Vec<String> {
    let promised = scenario.architecture.preset.envelope().iter().map(|kind| (*kind).to_owned());
    let telemetry = scenario.faults.iter().map(|fault| &fault.kind).filter(|kind| kind.unknown_at_most().is_some());
    promised.chain(telemetry.map(|kind| kind.name().to_owned())).collect()
}

/// How a run was shortened, in words.
fn shortened(clock: &Clock) -> String {
    let time = |duration: Duration| words::duration(duration.as_secs_f64());
    let part = clock.window.map(|window| format!("{} of it from {} on, ", time(window), time(clock.from)));
    let faster = |factor: f64| words::thousands(factor);
    format!(
        "{}machines {} times and people {} times faster; each deadline has {} of the run on top for a real stack's own time",
        part.unwrap_or_default(),
        faster(clock.factors.machine),
        faster(clock.factors.human),
        time(clock.floor)
    )
}

/// The command that repeats a run from where it was begun. A report does not know where that was, and names the file alone.
#[must_use]
pub fn again(scenario: &Scenario, world: &str) -> String {
    replay(scenario, world, &scenario.called)
}

/// The command that repeats a run. What the scenario file says itself is not repeated.
fn replay(scenario: &Scenario, world: &str, called: &str) -> String {
    let mut command = format!("cargo xtask simulate {} --seed {}", word(called), scenario.seed);
    if scenario.architecture != scenario.written {
        command += &format!(" --architecture {}", scenario.architecture.preset.name());
    }
    if scenario.instrumentation != scenario.written_instrumentation {
        command += &format!(" --instrumentation {}", scenario.instrumentation.preset.name());
    }
    if world != "simulated" {
        command += &format!(" --world {world}");
    } else if scenario.scaled_by.is_some() {
        command += " --scaled";
    }
    command
}

/// As one word of a shell.
fn word(text: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+".contains(letter);
    if text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")).into() }
}

fn timeline(scenario: &Scenario) -> Vec<Setting> {
    let time = |duration: Duration| words::duration(duration.as_secs_f64() * scenario.factors().machine);
    let setting = |name: &str, value: String| Setting { of: "scenario".to_owned(), name: name.to_owned(), value, preset: None };
    let mut settings = vec![setting("duration", time(scenario.duration))];
    settings.extend(scenario.load.iter().map(|load| setting("load", load_in_words(load, scenario.factors().machine))));
    let pricing = format!("mean {}, {} at most", time(scenario.pricing.mean), time(scenario.pricing.max));
    settings.push(setting("pricing", pricing));
    settings.push(setting(
        "consumer timeout",
        format!("{}, looked at every {}", time(scenario.broker.consumer_timeout), time(scenario.broker.tick)),
    ));
    settings
}

fn load_in_words(load: &Load, machine: f64) -> String {
    let per_hour = |rate: Rate| format!("{}/h", words::decimals(rate.0 * 3_600.0 / machine));
    let time = |duration: Duration| words::duration(duration.as_secs_f64() * machine);
    let when = match &load.executor {
        Executor::ConstantArrivalRate { rate } => format!("{} throughout", per_hour(*rate)),
        Executor::RampingArrivalRate { start, stages } => {
            let stage =
                |stage: &scenarios::language::RampStage| format!("to {} in {}", per_hour(stage.target), time(stage.duration));
            format!("from {} {}", per_hour(*start), stages.iter().map(stage).collect::<Vec<_>>().join(", "))
        }
        Executor::Burst { at, count, within } => {
            format!("{} at {} within {}", words::several(u64::from(*count), "order"), time(*at), time(*within))
        }
        Executor::Replay { file, orders } => format!("{} of {file}", words::several(orders.len() as u64, "order")),
    };
    format!("{} {when}", load.actor.map_or("replay", scenarios::language::Actor::name))
}

/// One setting per key, by name, beside what the preset says.
fn toggles(of: &str, set: &impl Serialize, preset: &impl Serialize) -> Vec<Setting> {
    let (set, preset) = (keys(set), keys(preset));
    set.into_iter()
        .filter(|(name, _)| name != "preset")
        .map(|(name, value)| Setting { of: of.to_owned(), preset: preset.get(&name).cloned(), name, value })
        .collect()
}

fn keys(set: &impl Serialize) -> BTreeMap<String, String> {
    let Ok(serde_json::Value::Object(keys)) = serde_json::to_value(set) else { return BTreeMap::new() };
    keys.into_iter().map(|(name, value)| (name, in_words(&value))).collect()
}

fn in_words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Bool(true) => "yes".to_owned(),
        serde_json::Value::Bool(false) => "no".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) if items.is_empty() => "none".to_owned(),
        serde_json::Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Sender and receiver of each message, from the lifecycle that all scenarios share.
fn routes() -> BTreeMap<String, (String, String)> {
    #[derive(Deserialize)]
    struct File {
        message: Vec<Message>,
    }
    #[derive(Deserialize)]
    struct Message {
        key: String,
        from: String,
        to: String,
    }
    let messages = toml::from_str::<File>(LIFECYCLE).map(|file| file.message).unwrap_or_default();
    messages.into_iter().map(|message| (message.key, (message.from, message.to))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_a_sender_and_a_receiver() {
        assert_eq!(routes().get("order.submitted"), Some(&("crm-api".to_owned(), "mes-api".to_owned())));
        assert_eq!(routes().len(), 7);
    }

    #[test]
    fn a_run_is_begun_again_from_where_it_was_and_its_report_names_the_file_alone() {
        let text = "title = \"t\"\nseed = 1\nduration = \"3d\"\n[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"30/h\"\n";
        let parsed = |file: &str| Scenario::parse(file.as_ref(), text.as_bytes()).unwrap();
        let both = |scenario: &Scenario| [again(scenario, "simulated"), Run::of(scenario, "simulated").replay];
        let [here, anywhere] = ["my/a.toml", "a.toml"].map(|file| format!("cargo xtask simulate {file} --seed 1"));
        assert_eq!(both(&parsed("my/a.toml")), [here, anywhere]);
        let [here, anywhere] = [r"'it'\''s/a b.toml'", "'a b.toml'"].map(|file| format!("cargo xtask simulate {file} --seed 1"));
        assert_eq!(both(&parsed("it's/a b.toml")), [here, anywhere]);
        let library = Scenario { called: "a".to_owned(), ..parsed("my/a.toml") };
        assert_eq!(both(&library), ["cargo xtask simulate a --seed 1"; 2]);
    }

    #[test]
    fn a_toggle_stands_beside_what_its_preset_says() {
        #[derive(Serialize)]
        struct Toggles {
            preset: &'static str,
            outbox: bool,
            consumers: u16,
            silent: Vec<&'static str>,
        }
        let set = Toggles { preset: "as-is", outbox: true, consumers: 4, silent: vec![] };
        let preset = Toggles { preset: "as-is", outbox: false, consumers: 4, silent: vec!["mes"] };
        let shown: Vec<_> = toggles("architecture", &set, &preset)
            .into_iter()
            .map(|setting| format!("{}={} ({})", setting.name, setting.value, setting.preset.unwrap_or_default()))
            .collect();
        assert_eq!(shown, ["consumers=4 (4)", "outbox=yes (no)", "silent=none (mes)"]);
    }
}
