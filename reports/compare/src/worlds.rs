//! A run on the real stack against the same scenario under many seeds of the simulated world.
//!
//! The real world draws its own luck: who is hit by a fault that aims at nobody differs from run to run. What happened for real has
//! to be among what the seeds show; where it is not, the model is wrong, or the difference has a reason that is written down. A fault
//! that draws by the name of an event has no luck: with the same seed it meets the same events in both worlds.

use std::collections::{BTreeMap, BTreeSet};

use judge::{report::Outcome, words};
use serde::{Deserialize, Serialize};

use crate::{
    Aims, Summary,
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
    /// By seed: whom the faults met.
    aims: BTreeMap<u64, Aims>,
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
    /// Some seed ends like it.
    pub ended_alike: bool,
    /// What happened for real and under no seed.
    pub strange: Vec<String>,
    /// Why that may be; `None`: it may not.
    pub unlike: Option<String>,
    /// What the faults met in one world alone, with the same seed.
    pub astray: Vec<String>,
}

fn fate(class: &Class) -> String {
    format!("{} {}", class.client, at(&class.fate, class.hop.as_deref()))
}

impl Seen {
    /// Adds a simulated run.
    pub fn add(&mut self, summary: &Summary, aims: Aims) {
        self.seeds += 1;
        self.aims.insert(summary.which.seed, aims);
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

    /// Holds a real run against them, in which more may happen where the scenario says why it is unlike them.
    #[must_use]
    pub fn hold(&self, real: &Summary, aims: &Aims, unlike: Option<&str>) -> Held {
        let mut strange = Vec::new();
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
            ended_alike: self.outcomes.contains(&real.outcome),
            strange,
            unlike: unlike.map(str::to_owned),
            astray: self.aims.get(&real.which.seed).map(|simulated| simulated.differing(aims)).unwrap_or_default(),
        }
    }

    /// How many times the real run has, and those that no seed comes near: quicker than all of them, or slower by more than the real
    /// stack's own time, which a deadline allows for.
    fn times_apart(&self, real: &Summary) -> (usize, Vec<(String, String)>) {
        let bands = real.times.0.iter().filter_map(|(name, band)| Some((name, band, band.p50_s.zip(band.p95_s)?)));
        let bands: Vec<_> = bands.collect();
        let apart = bands.iter().filter(|(name, band, (p50, p95))| {
            let shown = self.times.get(*name);
            shown.is_none_or(|(least, most)| p95 < least || (most < p50 && !band.in_time()))
        });
        let says = |p50: f64, p95: f64| format!("{} to {}", words::duration(p50), words::duration(p95));
        (bands.len(), apart.map(|(name, _, (p50, p95))| ((*name).clone(), says(*p50, *p95))).collect())
    }
}

impl Held {
    /// The run ended as one of the seeds does, the faults met whom they meet under this seed, and nothing happened for real that no
    /// seed shows, or it is said why it may: then it may pass where no seed has anything to observe, too.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let said = self.unlike.is_some();
        let ended = self.ended_alike || (said && self.outcome == Outcome::Pass);
        ended && self.astray.is_empty() && (said || self.strange.is_empty())
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
        let verdict = match (self.agrees(), self.ended_alike && self.strange.is_empty()) {
            (true, true) => "AGREE",
            (true, false) => "UNLIKE",
            (false, _) => "DIFFER",
        };
        let Self { scenario, outcome, bad, seeds, fates, times, .. } = self;
        let row = format!(
            "{scenario:<26} {:<8} {:>6} {seeds:>8} {:>12} {:>12}  {verdict}",
            outcome.name(),
            words::count(*bad),
            of(*fates),
            of(*times),
        );
        let ended = (!self.ended_alike).then(|| format!("  under no seed: outcome {}", outcome.name()));
        let strange = self.strange.iter().map(|what| format!("  under no seed: {what}"));
        let why = self
            .unlike
            .iter()
            .filter(|_| !(self.ended_alike && self.strange.is_empty()))
            .map(|why| format!("  which may be: {why}"));
        let astray = self.astray.iter().map(|what| format!("  {what}"));
        std::iter::once(row).chain(ended).chain(strange).chain(why).chain(astray).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Band, Fault, Which};

    fn summary(hop: &str, (p50, p95): (f64, f64), effects: u64) -> Summary {
        let named = |text: &str| text.to_owned();
        let which = Which {
            scenario: named("day"),
            world: named("simulated"),
            architecture: named("as-is"),
            instrumentation: named("full"),
            seed: 1,
            scaled: true,
        };
        let said = [(format!("lost at {hop}"), 2)].into();
        let class = Class { client: named("retail"), fate: named("lost"), hop: Some(named(hop)), orders: 2, said };
        let band = Band { orders: 50, p50_s: Some(p50), p95_s: Some(p95), deadline_s: Some(60.0) };
        Summary {
            which,
            outcome: Outcome::Pass,
            initiated: 50,
            closed: 48,
            false_alarms: 0,
            recall: Some(1.0),
            precision: Some(1.0),
            hop_at_1: Some(1.0),
            classes: vec![class],
            faults: vec![Fault { name: named("broker-kill@1"), effects, orders: 2, exposed: 2 }],
            hops: [(named("transit"), 50)].into_iter().collect(),
            times: [(named("SUBMITTED"), band)].into_iter().collect(),
        }
    }

    fn held(real: &Summary, unlike: Option<&str>) -> Held {
        let mut seen = Seen::default();
        seen.add(&summary("transit", (10.0, 20.0), 3), Aims::default());
        seen.add(&summary("process", (15.0, 25.0), 3), Aims::default());
        seen.hold(real, &Aims::default(), unlike)
    }

    fn strange(real: &Summary) -> Vec<String> {
        held(real, None).strange
    }

    #[test]
    fn what_any_of_the_seeds_shows_may_happen_for_real() {
        assert_eq!(strange(&summary("transit", (24.0, 30.0), 9)), [""; 0]);
        assert_eq!(strange(&summary("process", (11.0, 12.0), 1)), [""; 0]);
    }

    #[test]
    fn what_no_seed_shows_is_strange() {
        assert_eq!(strange(&summary("settle", (10.0, 20.0), 3)), ["2 orders retail lost at settle"]);
        assert_eq!(strange(&summary("transit", (10.0, 20.0), 0)), ["broker-kill@1 had 0 effects"]);
        let failed = Summary { outcome: Outcome::Fail, ..summary("transit", (10.0, 20.0), 3) };
        assert!(!held(&failed, None).agrees());
    }

    #[test]
    fn a_reason_excuses_what_no_seed_shows_and_not_how_the_run_ended() {
        let settle = summary("settle", (10.0, 20.0), 3);
        let why = Some("Heartbeats are not shortened.");
        assert_eq!((held(&settle, None).agrees(), held(&settle, why).agrees()), (false, true));
        assert!(held(&settle, None).row().contains("DIFFER\n  under no seed: 2 orders retail lost at settle"));
        let excused = held(&settle, why).row();
        assert!(
            excused.contains("UNLIKE\n") && excused.ends_with("\n  which may be: Heartbeats are not shortened."),
            "{excused}"
        );
        let failed = held(&Summary { outcome: Outcome::Fail, ..settle }, why);
        assert!(!failed.agrees() && failed.row().contains("\n  under no seed: outcome fail\n"), "{}", failed.row());
        assert!(
            held(&summary("transit", (10.0, 20.0), 3), why).row().ends_with("AGREE"),
            "the reason is said where it is needed"
        );
    }

    #[test]
    fn a_reason_excuses_a_pass_where_the_seeds_have_nothing_to_observe() {
        let passed =
            Held { ended_alike: false, ..held(&summary("transit", (10.0, 20.0), 3), Some("It is the network's doing.")) };
        assert!(passed.agrees());
        assert!(!Held { unlike: None, ..passed }.agrees());
    }

    #[test]
    fn a_step_may_be_slower_for_real_within_its_deadline() {
        assert_eq!(strange(&summary("transit", (30.0, 60.0), 3)), [""; 0]);
        assert_eq!(strange(&summary("transit", (30.0, 61.0), 3)), ["SUBMITTED took 30 s to 1 min 1 s"]);
        assert_eq!(strange(&summary("transit", (1.0, 9.0), 3)), ["SUBMITTED took 1 s to 9 s"]);
    }
}
