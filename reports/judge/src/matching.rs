//! Truth and finding of each order, side by side.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use detector::{Finding, Verdict};
use scenarios::truth::Truth;

use crate::{
    case::Case,
    causes, doubt,
    report::{Miss, Standing},
};

/// One order: what became of it, and what the detector says.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The truth.
    pub truth: &'a Truth,
    /// The detector's word; `None` when the telemetry does not name the order.
    pub finding: Option<&'a Finding>,
    /// How they stand to each other; `None` for an order that is fine, and not alarmed, or not judged.
    pub standing: Option<Standing>,
    /// Why it was not exposed, where full instrumentation was tried.
    pub miss: Option<Miss>,
    /// The verdict is right, and which hop it was nobody can tell: the traces end before it, at a process or a connection that died.
    pub hop_in_doubt: bool,
}

impl Pair<'_> {
    /// Something went wrong with the order, and it counts.
    #[must_use]
    pub fn bad(&self) -> bool {
        self.truth.class.bad() && !self.truth.borderline
    }

    /// The verdict is the truth.
    #[must_use]
    pub fn exposed(&self) -> bool {
        self.standing == Some(Standing::Exposed)
    }

    /// The detector raised an alarm, and it counts.
    #[must_use]
    pub fn alarmed(&self) -> bool {
        !self.truth.borderline && self.finding.is_some_and(|finding| finding.verdict.alarms())
    }

    /// An alarm names the true hop.
    #[must_use]
    pub fn right_hop(&self) -> bool {
        self.bad() && self.alarmed() && self.finding.is_some_and(|finding| finding.hop == self.truth.hop)
    }

    /// The order is bad, and a trace could tell where.
    #[must_use]
    pub fn hop_judged(&self) -> bool {
        self.bad() && !self.hop_in_doubt
    }

    /// Whether an alarm for a bad order names the true cause; `None` where it names none, or the ledger cannot say.
    #[must_use]
    pub fn right_cause(&self) -> Option<bool> {
        let finding = self.finding.filter(|_| self.exposed() && self.right_hop())?;
        causes::is_true(finding.cause?, &self.truth.proof)
    }

    /// The detector's verdict; `unknown` where it says nothing.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.finding.map_or(Verdict::Unknown, |finding| finding.verdict)
    }

    /// From going wrong to the alarm, nanoseconds. Never less than nothing: a detector may see trouble coming.
    #[must_use]
    pub fn exposed_after_ns(&self) -> Option<u64> {
        let alarmed_ns = self.finding.filter(|_| self.exposed())?.alarmed_ns?;
        Some(alarmed_ns.saturating_sub(self.truth.since_ns?))
    }
}

/// All orders of a run.
#[derive(Debug)]
pub struct Matched<'a> {
    /// One per truth: worst standing first, then by class, then by when it went wrong, then by ref.
    pub pairs: Vec<Pair<'a>>,
    /// Orders that the telemetry names and the ledger does not know.
    pub strangers: Vec<&'a Finding>,
}

/// Brings truths and findings together by order id.
#[must_use]
pub fn matched(case: &Case) -> Matched<'_> {
    let full = case.exposed_when_full.as_ref();
    let in_doubt = doubt::Hops::of(&case.telemetry);
    let mut by_id: BTreeMap<&str, &Finding> = case.findings.iter().map(|finding| (&*finding.order_id, finding)).collect();
    let mut pairs: Vec<Pair<'_>> = case
        .truths
        .iter()
        .map(|truth| {
            let finding = by_id.remove(&*truth.order_id);
            let standing = standing(truth, finding);
            let hop_in_doubt =
                standing == Some(Standing::Exposed) && finding.is_some_and(|finding| in_doubt.open(truth, finding));
            Pair { truth, finding, standing, miss: full.and_then(|full| miss(truth, standing, full)), hop_in_doubt }
        })
        .collect();
    pairs.sort_by_key(|pair| {
        let truth = pair.truth;
        // Those without a standing last.
        (Reverse(pair.standing.map(Reverse)), truth.class, truth.since_ns, &truth.order_ref, &truth.order_id)
    });
    Matched { pairs, strangers: by_id.into_values().collect() }
}

fn standing(truth: &Truth, finding: Option<&Finding>) -> Option<Standing> {
    if truth.borderline {
        return None;
    }
    let verdict = finding.map_or(Verdict::Unknown, |finding| finding.verdict);
    match (truth.class.bad(), verdict) {
        (false, verdict) => verdict.alarms().then_some(Standing::FalseAlarm),
        (true, Verdict::Unknown) => Some(Standing::Unknown),
        // The class and the verdict that exposes it have the same name.
        (true, verdict) if verdict.name() == truth.class.name() => Some(Standing::Exposed),
        (true, verdict) if verdict.alarms() => Some(Standing::Misjudged),
        (true, _) => Some(Standing::Missed),
    }
}

fn miss(truth: &Truth, standing: Option<Standing>, full: &BTreeSet<String>) -> Option<Miss> {
    match standing? {
        Standing::Exposed | Standing::FalseAlarm => None,
        _ if full.contains(&*truth.order_ref) => Some(Miss::NotExposableWithThisInstrumentation),
        _ => Some(Miss::ExposableButMissed),
    }
}
