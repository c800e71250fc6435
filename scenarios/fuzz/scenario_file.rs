//! Whatever a scenario file holds: a scenario that can be scaled and whose orders arrive, or an error that names the place.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use scenarios::{Scenario, language::ScenarioError, load, scale};

fuzz_target!(|bytes: &[u8]| {
    match Scenario::parse(Path::new("my.toml"), bytes) {
        Ok(scenario) => {
            assert!(load::arrivals(&scenario).take(100).count() <= 100);
            if let Ok(scaled) = scale::scaled(&scenario) {
                assert!(load::arrivals(&scaled).take(100).count() <= 100);
            }
            let _ = scale::settings(&scenario);
        }
        Err(ScenarioError::Invalid { line, column, what, expected, .. }) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&line) && (1..=bytes.len() + 1).contains(&column), "{line}:{column}");
            assert!(!what.is_empty() && !expected.is_empty() && !what.contains('\n'), "{what:?}, {expected:?}");
        }
        // A recording that it names may be missing.
        Err(other) => assert!(!other.to_string().is_empty()),
    }
});
