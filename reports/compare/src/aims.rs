//! Whom the faults met that draw by an event's name: with one seed the same in each world.

use std::collections::{BTreeMap, BTreeSet};

use judge::words;
use serde::{Deserialize, Serialize};

/// Events by the name of the fault that was aimed at them. Faults that draw otherwise are not here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aims(pub BTreeMap<String, Aimed>);

/// The events that one fault met or let pass. What came too early or too late for it, or on a connection that was gone, is neither.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aimed {
    /// Those that it hit.
    pub hit: BTreeSet<String>,
    /// Those that passed it while it lasted.
    pub spared: BTreeSet<String>,
}

/// How many of them are named in words.
const NAMED: usize = 3;

impl Aims {
    /// What differs from another world's run with the same seed, in words.
    #[must_use]
    pub fn differing(&self, real: &Self) -> Vec<String> {
        let shared = real.0.iter().filter_map(|(fault, aimed)| Some((fault, self.0.get(fault)?, aimed)));
        shared.flat_map(|(fault, here, real)| here.differing(fault, real)).collect()
    }
}

impl Aimed {
    fn differing(&self, fault: &str, real: &Self) -> Vec<String> {
        let only = |hit: &BTreeSet<String>, spared: &BTreeSet<String>, which: &str| {
            let both: Vec<&str> = hit.intersection(spared).map(String::as_str).collect();
            let named = both.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = if both.len() > NAMED { ", ..." } else { "" };
            let events = words::several(both.len() as u64, "event");
            (!both.is_empty()).then(|| format!("{fault} hit {events} {which} alone, with the same seed: {named}{more}"))
        };
        let [for_real, simulated] =
            [only(&real.hit, &self.spared, "for real"), only(&self.hit, &real.spared, "in the simulated world")];
        for_real.into_iter().chain(simulated).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aims(hit: &[&str], spared: &[&str]) -> Aims {
        let [hit, spared] = [hit, spared].map(|events| events.iter().map(|event| (*event).to_owned()).collect());
        Aims([("publish-lost@1".to_owned(), Aimed { hit, spared })].into())
    }

    #[test]
    fn the_same_seed_hits_the_same_events() {
        let simulated = aims(&["c-1:SUBMITTED"], &["c-2:SUBMITTED", "c-3:SUBMITTED"]);
        assert_eq!(simulated.differing(&aims(&["c-1:SUBMITTED"], &["c-2:SUBMITTED"])), [""; 0]);
        let other = simulated.differing(&aims(&["c-2:SUBMITTED"], &["c-1:SUBMITTED"]));
        assert_eq!(
            other,
            [
                "publish-lost@1 hit 1 event for real alone, with the same seed: c-2:SUBMITTED",
                "publish-lost@1 hit 1 event in the simulated world alone, with the same seed: c-1:SUBMITTED",
            ]
        );
    }

    #[test]
    fn what_did_not_come_by_in_both_worlds_says_nothing() {
        let simulated = aims(&["c-1:SUBMITTED"], &[]);
        assert_eq!(simulated.differing(&aims(&["c-9:SUBMITTED"], &["c-8:SUBMITTED"])), [""; 0]);
        assert_eq!(simulated.differing(&Aims::default()), [""; 0]);
    }
}
