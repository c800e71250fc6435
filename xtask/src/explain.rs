//! `cargo xtask list` and `cargo xtask explain`: what exists, and what each of it means. The pages lie in `reports/explain`.

use std::{fmt::Write as _, path::Path};

use harness::plan;
use scenarios::{
    Scenario,
    language::{Group, ScenarioError, nearest},
    lifecycle::Lifecycle,
};

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Something that goes wrong.
    Fault,
    /// What is said of an order.
    Verdict,
    /// How the services are built.
    Architecture,
    /// What the telemetry shows.
    Instrumentation,
}

/// A page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// What it is about.
    pub about: About,
    /// Its name: as in scenario files, reports and on the command line.
    pub name: &'static str,
    /// The page, Markdown.
    pub text: &'static str,
}

macro_rules! pages {
    ($($about:ident: $($name:literal)+;)+) => {
        /// All pages, in the order of the list.
        pub const PAGES: &[Page] = &[$($(Page {
            about: About::$about,
            name: $name,
            text: include_str!(concat!("../../reports/explain/", $name, ".md")),
        }),+),+];
    };
}

pages! {
    Fault: "crash-before-publish" "phantom-publish" "publish-lost" "confirm-lost" "publish-refused" "binding-removed" "broker-kill" "broker-restart"
        "broker-alarm" "queue-overflow" "queue-purged" "message-expired" "message-delayed" "network-cut" "consumer-forgotten" "consumer-timeout" "consumer-kill"
        "service-paused" "cpu-limit" "crash-before-ack" "ack-lost" "poison-message" "dead-letters-dropped" "database-down" "pool-exhausted" "slow-database" "write-conflicts"
        "rows-overlooked" "table-grown" "lost-update" "files-down" "upload-lost" "service-unreachable" "answer-lost" "slow-calls" "slow-pricing" "pricing-fails"
        "pricing-hangs" "staff-away" "newest-first" "first-page-only" "notice-lost" "call-back-lost" "context-dropped" "head-sampling" "tail-sampling"
        "exporter-overflow" "tracing-outage" "clock-skew" "retention" "service-silent" "personal-data";
    Verdict: "lost" "diverged" "duplicated" "stuck" "parked" "starved" "slow" "in-flight" "ok" "unknown";
    Architecture: "as-is" "to-be" "publisher-confirms" "outbox" "ack-after-work" "idempotent-consumers" "version-check" "row-lock"
        "dead-letters" "mes-consumers" "list-index" "pricing" "picking" "notices";
    Instrumentation: "full" "blind" "silent" "logs" "propagation" "unlinked" "broker" "scrape-interval";
}

/// Why nothing can be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Nothing has this name.
    #[error("nothing is called `{name}`{}; `cargo xtask list` names what exists", hint(nearest.as_deref()))]
    Unknown {
        /// The name.
        name: String,
        /// What looks most like it.
        nearest: Option<String>,
    },
    /// The library cannot be read.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

impl Page {
    /// Its first sentence.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        self.text.lines().nth(2).unwrap_or_default()
    }
}

/// Everything that has a name, a line each.
///
/// # Errors
/// When the library cannot be read.
pub fn list(root: &Path) -> Result<String, ScenarioError> {
    let scenarios = Scenario::library(root)?;
    let names = PAGES.iter().map(|page| page.name).chain(scenarios.iter().map(|scenario| scenario.name.as_str()));
    let wide = names.map(str::len).max().unwrap_or(0);
    let mut text = "scenarios (cargo xtask simulate NAME)".to_owned();
    let mut line = |name: &str, says: &str| {
        // Writing into a string cannot fail.
        let _infallible = if name.is_empty() { writeln!(text, "\n{says}") } else { writeln!(text, "  {name:<wide$}  {says}") };
    };
    for group in Group::ALL.map(Some).into_iter().chain([None]) {
        let of_group = || scenarios.iter().filter(|scenario| scenario.group == group);
        if of_group().next().is_some() {
            line("", group.map_or("other", Group::name));
            of_group().for_each(|scenario| line(&scenario.name, &scenario.title));
        }
    }
    for (about, heading) in [
        (About::Fault, "faults ([[fault]] kind = \"NAME\")"),
        (About::Verdict, "verdicts"),
        (About::Architecture, "architecture: two presets, and toggles that each stand alone"),
        (About::Instrumentation, "instrumentation: two presets, and toggles"),
    ] {
        line("", heading);
        PAGES.iter().filter(|page| page.about == about).for_each(|page| line(page.name, page.sentence()));
    }
    line("", "cargo xtask explain NAME tells more of each.");
    Ok(text)
}

/// What a name means: its page, and the scenario of that name with its plan.
///
/// # Errors
/// When nothing is called so, or the library cannot be read.
pub fn explain(root: &Path, name: &str) -> Result<String, ExplainError> {
    let scenarios = Scenario::library(root)?;
    let mut parts: Vec<String> = PAGES.iter().filter(|page| page.name == name).map(|page| page.text.to_owned()).collect();
    parts.extend(scenarios.iter().filter(|scenario| scenario.name == name).map(told));
    if parts.is_empty() {
        let names = PAGES.iter().map(|page| page.name).chain(scenarios.iter().map(|scenario| scenario.name.as_str()));
        return Err(ExplainError::Unknown { name: name.to_owned(), nearest: nearest(name, names).map(str::to_owned) });
    }
    Ok(parts.join("\n"))
}

fn told(scenario: &Scenario) -> String {
    let plan = Lifecycle::for_sla(&scenario.sla).map(|lifecycle| plan::text(scenario, &lifecycle, "simulated"));
    format!("# {0}, a scenario of the library\n\n{1}", scenario.name, plan.unwrap_or_else(|_| scenario.title.clone() + "\n"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use contracts::architecture::Preset;
    use detector::Verdict;
    use scenarios::language::{InstrumentationPreset, schema};

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    fn pages(about: About) -> BTreeSet<String> {
        PAGES.iter().filter(|page| page.about == about).map(|page| page.name.to_owned()).collect()
    }

    /// The keys of a table of a scenario file, its presets instead of the key `preset`.
    fn keys(table: &str, presets: [&str; 2]) -> BTreeSet<String> {
        let schema = schema::schema();
        let keys = schema["properties"][table]["properties"].as_object().unwrap().keys().map(String::as_str);
        keys.filter(|key| *key != "preset").chain(presets).map(str::to_owned).collect()
    }

    #[test]
    fn each_name_has_a_page_and_each_page_a_name() {
        assert_eq!(pages(About::Fault), faults::CATALOGUE.iter().map(|definition| definition.name.to_owned()).collect());
        assert_eq!(pages(About::Verdict), Verdict::ALL.map(|verdict| verdict.name().to_owned()).into());
        assert_eq!(pages(About::Architecture), keys("architecture", Preset::ALL.map(Preset::name)));
        assert_eq!(
            pages(About::Instrumentation),
            keys("instrumentation", InstrumentationPreset::ALL.map(InstrumentationPreset::name))
        );
        let files = fs::read_dir(root().join("reports/explain")).unwrap().map(|entry| entry.unwrap().path());
        let files: BTreeSet<String> = files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(files, PAGES.iter().map(|page| page.name.to_owned()).collect());
    }

    #[test]
    fn each_page_answers_the_same_questions() {
        for page in PAGES {
            assert!(page.text.starts_with(&format!("# {}\n\n{}\n\n## ", page.name, page.sentence())), "{}", page.name);
            assert!(page.sentence().ends_with('.'), "{}", page.name);
            let asked = ["## What a correct trace shows", "## What hides it", "## How it is localised", "## Worlds"];
            assert!(asked.iter().all(|question| page.text.contains(question)), "{}", page.name);
            let worlds = page.text.split_once("## Worlds\n\n").map(|(_, worlds)| worlds.trim_end());
            assert!(worlds.is_some_and(|worlds| worlds.split(", ").all(|world| ["simulated", "containers"].contains(&world))));
            if let Some(definition) = faults::kind(page.name).filter(|_| page.about == About::Fault) {
                let able: Vec<&str> = definition.worlds.iter().map(|world| world.name()).collect();
                assert_eq!(worlds, Some(&*able.join(", ")), "{}", page.name);
            }
        }
    }

    #[test]
    fn a_name_may_belong_to_a_fault_and_to_a_scenario() {
        let text = explain(root(), "broker-kill").unwrap();
        assert!(text.starts_with("# broker-kill\n") && text.contains("\n# broker-kill, a scenario of the library\n"), "{text}");
        assert!(explain(root(), "calm-week").unwrap().contains("again: cargo xtask simulate calm-week"));
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        let said = |name: &str| explain(root(), name).unwrap_err().to_string();
        assert!(said("broker-kil").contains("did you mean `broker-kill`?"));
        assert!(said("in_flght").contains("did you mean `in-flight`?"));
        assert_eq!(said("xyzzyxyzzy"), "nothing is called `xyzzyxyzzy`; `cargo xtask list` names what exists");
    }

    #[test]
    fn the_list_names_everything_once() {
        let list = list(root()).unwrap();
        for name in PAGES.iter().map(|page| page.name) {
            assert!(list.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
        }
        assert!(list.contains("calm-week"));
    }
}
