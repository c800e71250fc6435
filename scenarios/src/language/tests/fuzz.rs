//! Nothing that a file can hold makes the language panic.

use std::fs;

use proptest::{prelude::*, strategy::ValueTree};

use super::*;

/// A library file with a few slips: pieces cut out, doubled, swapped for something else.
fn slips() -> impl Strategy<Value = String> {
    let texts: Vec<String> = ["broker-kill", "calm-week", "early-ack-crash", "slow-pricing"]
        .map(|name| fs::read_to_string(root().join(format!("scenarios/library/{name}.toml"))).unwrap())
        .to_vec();
    let pieces = [
        "\"",
        "\n",
        "[",
        "]]",
        "=",
        "-1",
        "0",
        "1e400",
        "\"9999999w\"",
        "\"0/h\"",
        "é",
        "{}",
        "nan",
        "burst",
        "99999999999999999999",
    ];
    let slip = (any::<prop::sample::Index>(), 0..12usize, prop::sample::select(pieces.to_vec()));
    (prop::sample::select(texts), prop::collection::vec(slip, 1..6)).prop_map(|(mut text, slips)| {
        for (at, length, piece) in slips {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            if places.is_empty() {
                continue;
            }
            let at = at.index(places.len());
            let end = places.get(at + length).copied().unwrap_or(text.len());
            text.replace_range(places[at]..end, piece);
        }
        text
    })
}

/// Whatever came in, what comes out is a scenario that works, or an error with a place in the file.
fn survives(bytes: &[u8]) -> bool {
    match Scenario::parse(Path::new("my.toml"), bytes) {
        Ok(scenario) => {
            let arrived = crate::load::arrivals(&scenario).take(100).count();
            let _scaled = crate::scale::scaled(&scenario).map(|scaled| crate::load::arrivals(&scaled).take(100).count());
            let _settings = crate::scale::settings(&scenario);
            arrived <= 100
        }
        Err(ScenarioError::Invalid { line, column, what, expected, .. }) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            line <= lines && column <= bytes.len() + 1 && !what.is_empty() && !expected.is_empty() && !what.contains('\n')
        }
        Err(_) => false,
    }
}

#[test]
fn slips_reach_scenarios_as_well_as_errors() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let works = |_| slips().new_tree(&mut runner).is_ok_and(|tree| parse(&tree.current()).is_ok());
    let working = (0..300).map(works).filter(|works| *works).count();
    assert!((20..280).contains(&working), "{working} of 300");
}

#[test]
fn no_depth_overflows_the_stack() {
    for deep in ["title = [", "[[load]]\nstages = [{ target = "] {
        let (head, piece) = deep.split_once("= ").unwrap();
        assert!(survives(format!("{head}= {}", piece.repeat(100_000)).as_bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(survives(&bytes));
    }

    #[test]
    fn no_slip_of_the_pen_makes_it_panic(text in slips()) {
        prop_assert!(survives(text.as_bytes()), "{text}");
    }
}
