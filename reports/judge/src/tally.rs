//! One scenario under many seeds: what all its runs say together.

use crate::{
    exposure::share,
    report::{Outcome, Report},
};

/// What the runs of one scenario add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Its name.
    pub scenario: String,
    /// Its architecture's preset.
    pub architecture: String,
    /// How many runs.
    pub runs: u64,
    /// Of those: passed.
    pub passed: u64,
    /// Orders in which something went wrong, over all runs.
    pub bad: u64,
    /// Of those: with the right verdict.
    pub exposed: u64,
    /// Of those: of which the telemetry does not say.
    pub unknown: u64,
    /// Of those: at the right hop.
    pub right_hop: u64,
    /// Of those: whose hop died with a killed process.
    pub hop_in_doubt: u64,
    /// Alarms, right and wrong.
    pub alarms: u64,
    /// Alarms for orders that are fine.
    pub false_alarms: u64,
    /// Causes that the ledger can prove or refute.
    pub causes: u64,
    /// Of those: true.
    pub right_causes: u64,
}

impl Tally {
    /// An empty one for the scenario of a run.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self { scenario: report.scenario.clone(), architecture: report.architecture.clone(), ..Self::default() }
    }

    /// Whether a run is of this scenario.
    #[must_use]
    pub fn is_of(&self, report: &Report) -> bool {
        self.scenario == report.scenario && self.architecture == report.architecture
    }

    /// Adds a run.
    pub fn add(&mut self, report: &Report) {
        let exposure = &report.exposure;
        self.runs += 1;
        self.passed += u64::from(report.outcome == Outcome::Pass);
        self.bad += report.orders.bad;
        self.exposed += exposure.exposed;
        self.unknown += exposure.unknown;
        self.right_hop += report.hops.iter().map(|hop| hop.exposure.right_hop).sum::<u64>();
        self.hop_in_doubt += exposure.hop_in_doubt;
        self.alarms += exposure.exposed + exposure.misjudged + exposure.false_alarms;
        self.false_alarms += exposure.false_alarms;
        self.causes += exposure.causes_judged;
        self.right_causes += exposure.causes_right;
    }

    /// Exposed among the bad orders; `None` without any.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.exposed, self.bad)
    }

    /// Right alarms among all; `None` without any.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.exposed, self.alarms)
    }

    /// Those at the right hop among the bad orders whose hop a trace could tell; `None` without any.
    #[must_use]
    pub fn hop_at_1(&self) -> Option<f64> {
        share(self.right_hop, self.bad - self.hop_in_doubt)
    }

    /// True causes among those that can be proved or refuted; `None` without any.
    #[must_use]
    pub fn cause_accuracy(&self) -> Option<f64> {
        share(self.right_causes, self.causes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn runs_of_one_scenario_add_up() {
        let report = crate::judge(sample::blind_hop()).report;
        let mut tally = Tally::of(&report);
        tally.add(&report);
        let (once, recall) = (tally.clone(), report.exposure.recall);
        tally.add(&report);
        assert_eq!((tally.runs, tally.bad, tally.right_hop), (2, 2 * once.bad, 2 * once.right_hop));
        assert_eq!((tally.recall(), tally.precision()), (recall, report.exposure.precision));
        assert_eq!(tally.hop_at_1(), report.exposure.hop_at_1);
        assert!(tally.is_of(&report));
        assert!(!tally.is_of(&Report { architecture: "another".into(), ..report }));
    }
}
