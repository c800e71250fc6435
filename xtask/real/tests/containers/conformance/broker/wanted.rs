//! Which sequences are played.

use std::ops::Range;

use crate::gate;

/// Numbers of a seed's sequences.
pub(super) struct Wanted {
    pub(super) seed: u64,
    pub(super) numbers: Range<usize>,
}

impl Wanted {
    /// What this tier plays: 1,000, at night 20,000. `LOUPE_SEQUENCES` says how many instead, `LOUPE_SEQUENCE_SEED` under which
    /// seed, and `LOUPE_SEQUENCE` names one alone as a failure does: `1-428`.
    pub(super) fn here() -> Self {
        if let Some(name) = gate::variable("LOUPE_SEQUENCE") {
            let (seed, nth) = name.split_once('-').expect("a seed and a number");
            let nth: usize = number(nth);
            return Self { seed: number(seed), numbers: nth..nth + 1 };
        }
        let count =
            gate::variable("LOUPE_SEQUENCES").map_or(if gate::nightly() { 20_000 } else { 1_000 }, |count| number(&count));
        let seed = gate::variable("LOUPE_SEQUENCE_SEED").map_or(1, |seed| number(&seed));
        Self { seed, numbers: 0..count }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}
