//! Scenarios drawn at random, of up to four faults on architectures that nobody would build: whatever goes wrong is exposed as what it is,
//! where it is, and no cause is claimed that the ledger refutes.
//!
//! `LOUPE_DRAWN=17` draws the seventeenth alone.

use judge::report::Report;
use scenarios::Scenario;
use world::random::Random;

use crate::{
    nightly,
    sweep::{FAULTS, Places},
};

/// The seed of all that is drawn.
const SEED: u64 = 20_000;
const TOGGLES: [&str; 9] = [
    "publisher-confirms",
    "outbox",
    "ack-after-work",
    "idempotent-consumers",
    "version-check",
    "row-lock",
    "dead-letters",
    "list-index",
    "notices",
];

/// Draws one thing after the other.
struct Draw(Random);

impl Draw {
    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.0.below(all.len() as u64)).unwrap()]
    }

    fn from(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.below(most - least + 1)
    }

    fn happens(&mut self, share: f64) -> bool {
        self.0.unit() < share
    }

    fn architecture(&mut self) -> String {
        let mut keys = vec![format!(r#"preset = "{}""#, self.one_of(&["as-is", "to-be"]))];
        if self.happens(0.6) {
            keys.push(format!("mes-consumers = {}", self.one_of(&[1, 2, 4, 8])));
        }
        if self.happens(0.5) {
            for toggle in TOGGLES {
                if self.happens(0.25) {
                    keys.push(format!("{toggle} = {}", self.happens(0.5)));
                }
            }
        }
        format!("architecture = {{ {} }}\n", keys.join(", "))
    }

    /// Up to four faults, no two of which take away the same thing.
    fn faults(&mut self) -> String {
        let mut kinds: Vec<(&str, Places, &str)> = Vec::new();
        for _ in 0..self.from(1, 4) {
            let drawn = self.one_of(FAULTS);
            let family = |kind: &str| {
                ["broker-", "pricing-", "slow-pricing"].iter().position(|family| kind.starts_with(family)).map(|at| at.min(1))
            };
            let same =
                |(kind, ..): &(&str, Places, &str)| *kind == drawn.0 || family(kind).is_some() && family(kind) == family(drawn.0);
            if !kinds.iter().any(same) {
                kinds.push(drawn);
            }
        }
        kinds.into_iter().map(|(kind, places, keys)| self.fault(kind, places, keys)).collect()
    }

    fn fault(&mut self, kind: &str, (key, values): Places, keys: &str) -> String {
        let place = if key.is_empty() { String::new() } else { format!("{key} = \"{}\"\n", self.one_of(values)) };
        let lasts = match kind {
            "broker-kill" | "broker-restart" | "broker-alarm" | "consumer-kill" => format!("{}m", self.from(1, 60)),
            _ if self.happens(0.3) => format!("{}m", self.from(5, 59)),
            _ => format!("{}h", self.from(1, 24)),
        };
        let at = self.from(1, 20);
        format!("[[fault]]\nkind = \"{kind}\"\nat = \"{at}h\"\nfor = \"{lasts}\"\n{place}{}\n", keys.replace(", ", "\n"))
    }

    fn scenario(&mut self) -> String {
        let mut text = format!("title = \"t\"\nseed = {}\nduration = \"{}\"\n", self.from(1, 9999), self.one_of(&["1d", "36h"]));
        text += &self.architecture();
        for (actor, share, most) in [("customer", 1.0, 14), ("api-user", 0.7, 4)] {
            if self.happens(share) {
                let rate = self.from(2, most);
                text += &format!("[[load]]\nactor = \"{actor}\"\nexecutor = \"constant-arrival-rate\"\nrate = \"{rate}/h\"\n");
            }
        }
        if self.happens(0.3) {
            let (at, count, within) = (self.from(2, 20), self.from(10, 80), self.from(10, 90));
            text += &format!(
                "[[load]]\nactor = \"api-user\"\nexecutor = \"burst\"\nat = \"{at}h\"\ncount = {count}\nwithin = \"{within}s\"\n"
            );
        }
        text += &format!("[pricing]\nmean = \"{}s\"\nmax = \"{}m\"\n", self.one_of(&[60, 150, 200]), self.one_of(&[10, 20, 30]));
        if self.happens(0.4) {
            text +=
                "[people]\nbench = \"20m\"\nmanufacturing = \"3h\"\npackaging = \"20m\"\nshipping = \"1h\"\ncarrier = \"3h\"\n";
        }
        text += &self.faults();
        text + "[thresholds]\n\"verdicts{verdict:lost}\" = [\"count>=0\"]\n"
    }
}

/// What is wrong with a run, in words.
fn wrong(report: &Report) -> Vec<String> {
    let exposure = &report.exposure;
    let rates = [
        ("recall", exposure.recall),
        ("precision", exposure.precision),
        ("hop@1", exposure.hop_at_1),
        ("causes", exposure.cause_accuracy),
    ];
    let mut wrong: Vec<String> =
        rates.iter().filter_map(|(name, rate)| rate.filter(|rate| *rate < 1.0).map(|rate| format!("{name} {rate:.3}"))).collect();
    if exposure.fine_but_unknown > 0 {
        wrong.push(format!("{} are fine, and nobody knows", exposure.fine_but_unknown));
    }
    if report.orders.analysed != report.orders.initiated || report.orders.initiated == 0 {
        wrong.push(format!("{} of {} analysed", report.orders.analysed, report.orders.initiated));
    }
    wrong.extend(report.reasons.iter().filter(|reason| reason.contains("come to rest")).cloned());
    wrong
}

#[test]
fn whatever_is_drawn_is_exposed() {
    let alone = std::env::var("LOUPE_DRAWN").ok().map(|number| number.parse::<u64>().unwrap());
    let all = if nightly() { 0..1000 } else { 0..40 };
    let mut found = Vec::new();
    for number in alone.map_or(all, |number| number..number + 1) {
        let text = Draw(Random::new(SEED, "drawn", &number.to_string())).scenario();
        let scenario = Scenario::parse("drawn.toml".as_ref(), text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let report = xtask::simulated::judged(&scenario).report;
        let wrong = wrong(&report);
        if !wrong.is_empty() {
            found.push(format!(
                "LOUPE_DRAWN={number}: {}: {:?}, said {:?}\n{text}",
                wrong.join(", "),
                report.truth,
                report.verdicts
            ));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
