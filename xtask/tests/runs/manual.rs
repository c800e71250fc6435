//! Every example in the manual of the scenario language is played.

use std::fs;

use scenarios::Scenario;

use crate::root;

/// What an example lacks, it gets from here.
const TITLE: &str = "title = \"An example\"\nduration = \"3d\"\n";
const LOAD: &str = "[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"2/h\"\n";

/// The fenced blocks of a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A whole scenario of an example. Keys of the scenario itself come before every table.
fn whole(example: &str) -> String {
    let (top, tables) = if example.starts_with('[') { (TITLE, example) } else { (example, "") };
    let load = if tables.starts_with("[[load]]") { "" } else { LOAD };
    format!("{top}{load}{tables}")
}

#[test]
fn every_example_of_the_manual_is_a_scenario_that_runs() {
    let manual = fs::read_to_string(root().join("scenarios/README.md")).unwrap();
    let folder = std::env::temp_dir().join(format!("loupe-manual-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let recording = blocks(&manual, "csv");
    fs::write(folder.join("recorded-day.csv"), recording[0]).unwrap();
    let examples = blocks(&manual, "toml");
    assert!(examples.len() >= 14, "{} examples", examples.len());
    for example in examples {
        let text = whole(example);
        let scenario = Scenario::parse(&folder.join("example.toml"), text.as_bytes());
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let report = xtask::simulated::judged(&scenario).report;
        assert!(report.orders.initiated > 0, "{text}");
        if scenario.scale.is_some() {
            let scaled = scenarios::scale::scaled(&scenario).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(scaled.duration < scenario.duration);
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}
