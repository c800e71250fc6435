//! A run on the real stack against the same scenario under many seeds of the simulated world.
//!
//! The real world draws its own luck: who is hit by a fault that aims at nobody differs from run to run. What happened for real has
//! to be among what the seeds show; where it is not, the model is wrong, or the difference has a reason that is written down.

use std::collections::{BTreeMap, BTreeSet};

use judge::{report::Outcome, words};
use serde::{Deserialize, Serialize};

use crate::{
    Summary,
    summary::{Class, at},
};

/// What the seeds of a scenario show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    seeds: u64,
    outcomes: BTreeSet<Outcome>,
    fates: BTreeSet<String>,
    hops: BTreeSet<String>,
    faults: BTreeMap<String, bool>,
    times: BTreeMap<String, (f64, f64)>,
}

/// A real run held against them.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The scenario's name.
    pub scenario: String,
    /// How the real run ended.
    pub outcome: Outcome,
    /// How many seeds it was held against.
    pub seeds: u64,
    /// Bad orders of the real run.
    pub bad: u64,
    /// Its fates, and those of them that the seeds show.
    pub fates: (usize, usize),
    /// Its times, and those of them whose band overlaps one that the seeds show.
    pub times: (usize, usize),
    /// What happened for real and under no seed.
    pub strange: Vec<String>,
}

fn fate(class: &Class) -> String {
    format!("{} {}", class.client, at(&class.fate, class.hop.as_deref()))
}

impl Seen {
    /// Adds a simulated run.
    pub fn add(&mut self, summary: &Summary) {
        self.seeds += 1;
        self.outcomes.insert(summary.outcome);
        self.fates.extend(summary.classes.iter().map(fate));
        self.hops.extend(summary.hops.0.iter().filter(|(_, orders)| *orders > 0).map(|(hop, _)| hop.clone()));
        for fault in &summary.faults {
            *self.faults.entry(fault.name.clone()).or_default() |= fault.effects > 0;
        }
        for (name, band) in &summary.times.0 {
            let Some((p50, p95)) = band.p50_s.zip(band.p95_s) else { continue };
            let widest = self.times.entry(name.clone()).or_insert((p50, p95));
            *widest = (widest.0.min(p50), widest.1.max(p95));
        }
    }

    /// Holds a real run against them.
    #[must_use]
    pub fn hold(&self, real: &Summary) -> Held {
        let mut strange = Vec::new();
        if !self.outcomes.contains(&real.outcome) {
            strange.push(format!("outcome {}", real.outcome.name()));
        }
        let known = real.classes.iter().filter(|class| self.fates.contains(&fate(class))).count();
        let unknown = real.classes.iter().filter(|class| !self.fates.contains(&fate(class)));
        strange.extend(unknown.map(|class| format!("{} {}", words::several(class.orders, "order"), fate(class))));
        let hops = real.hops.0.iter().filter(|(hop, orders)| *orders > 0 && !self.hops.contains(hop));
        strange.extend(hops.map(|(hop, _)| format!("orders came to {hop}")));
        let faults = real.faults.iter().filter(|fault| self.faults.get(&fault.name) != Some(&(fault.effects > 0)));
        strange.extend(faults.map(|fault| format!("{} had {}", fault.name, words::several(fault.effects, "effect"))));
        let (measured, apart) = self.times_apart(real);
        strange.extend(apart.iter().map(|(name, took)| format!("{name} took {took}")));
        Held {
            scenario: real.which.scenario.clone(),
            outcome: real.outcome,
            seeds: self.seeds,
            bad: real.classes.iter().map(|class| class.orders).sum(),
            fates: (real.classes.len(), known),
            times: (measured, measured - apart.len()),
            strange,
        }
    }

    /// How many times the real run has, and those that no seed comes near.
    fn times_apart(&self, real: &Summary) -> (usize, Vec<(String, String)>) {
        let bands = real.times.0.iter().filter_map(|(name, band)| Some((name, band.p50_s.zip(band.p95_s)?)));
        let bands: Vec<_> = bands.collect();
        let apart =
            bands.iter().filter(|(name, (p50, p95))| self.times.get(*name).is_none_or(|(least, most)| p95 < least || most < p50));
        let says = |p50: f64, p95: f64| format!("{} to {}", words::duration(p50), words::duration(p95));
        (bands.len(), apart.map(|(name, (p50, p95))| ((*name).clone(), says(*p50, *p95))).collect())
    }
}

impl Held {
    /// Nothing happened for real that no seed shows.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.strange.is_empty()
    }

    /// The head of a table of them.
    #[must_use]
    pub fn head() -> String {
        format!("{:<26} {:<8} {:>6} {:>8} {:>12} {:>12}", "scenario", "for real", "bad", "seeds", "fates known", "times near")
    }

    /// Its row, and a line for whatever is strange.
    #[must_use]
    pub fn row(&self) -> String {
        let of = |(all, some): (usize, usize)| format!("{some} of {all}");
        let verdict = if self.agrees() { "AGREE" } else { "DIFFER" };
        let Self { scenario, outcome, bad, seeds, fates, times, .. } = self;
        let row = format!(
            "{scenario:<26} {:<8} {:>6} {seeds:>8} {:>12} {:>12}  {verdict}",
            outcome.name(),
            words::count(*bad),
            of(*fates),
            of(*times),
        );
        let strange = self.strange.iter().map(|what| format!("  under no seed: {what}"));
        std::iter::once(row).chain(strange).collect::<Vec<_>>().join("\n")
    }
}
