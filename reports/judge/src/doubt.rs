//! Orders in doubt: a process was killed that had something to say of them, or it, or its connection to the database, died as something was
//! committed.
//!
//! Whether that was done no trace can tell, with whatever instrumentation: who knew is dead, or never heard. A detector that says so has not overlooked
//! anything, so such an order is borderline, like one that is too near to a deadline for the clocks. Whatever else is said of it is judged,
//! but for one thing: an order that was lost further on its way than the traces reach is exposed, and its hop is not judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use detector::{Finding, Verdict};
use scenarios::{
    lifecycle::{LIFECYCLE, Lifecycle},
    truth::Truth,
};

use crate::case::{Case, Telemetry};

/// Takes those out of the judgement of which the detector says that it does not know.
pub(crate) fn borderline(case: &mut Case) {
    let in_doubt = &case.telemetry.in_doubt;
    let unknown = case.findings.iter().filter(|finding| finding.verdict == Verdict::Unknown).map(|finding| &*finding.order_id);
    let open: BTreeSet<&str> = unknown.filter(|order| in_doubt.contains(*order)).collect();
    for truth in case.truths.iter_mut().filter(|truth| open.contains(&*truth.order_id)) {
        truth.borderline = true;
    }
}

/// The hops of orders in doubt.
pub(crate) struct Hops<'a> {
    in_doubt: &'a BTreeSet<String>,
    /// The place of each on an order's way; of none where nothing is in doubt.
    places: BTreeMap<Arc<str>, usize>,
}

impl<'a> Hops<'a> {
    pub(crate) fn of(telemetry: &'a Telemetry) -> Self {
        let in_doubt = &telemetry.in_doubt;
        let lifecycle = (!in_doubt.is_empty()).then(|| Lifecycle::parse(LIFECYCLE).ok()).flatten();
        let hops = lifecycle.into_iter().flat_map(|lifecycle| lifecycle.hops);
        Self { in_doubt, places: hops.enumerate().map(|(place, hop)| (hop.name, place)).collect() }
    }

    /// Whether the killed process may have taken with it that an order had come to its true hop: the one that is said is before it.
    pub(crate) fn open(&self, truth: &Truth, finding: &Finding) -> bool {
        let place = |hop: &Option<String>| self.places.get(hop.as_deref()?);
        let [said, is] = [&finding.hop, &truth.hop].map(place);
        self.in_doubt.contains(&*truth.order_id) && said.zip(is).is_some_and(|(said, is)| said < is)
    }
}

#[cfg(test)]
mod tests {
    use detector::Verdict;

    use crate::{
        judge,
        sample::{self, Shape},
    };

    #[test]
    fn doubt_excuses_that_something_is_unknown_and_nothing_else() {
        let mut case = sample::case(Shape { orders: 300, lost: 3, unseen: 0, slow: 0, false_alarms: 0 });
        let of_lost = [0, 1, 2].map(|at: usize| case.findings[at].order_id.to_string());
        let [unknown, missed, not_in_doubt] = &of_lost;
        case.telemetry.in_doubt = [unknown.clone(), missed.clone()].into();
        for (order, verdict) in [(unknown, Verdict::Unknown), (missed, Verdict::Ok), (not_in_doubt, Verdict::Unknown)] {
            case.findings.iter_mut().filter(|finding| *finding.order_id == **order).for_each(|finding| finding.verdict = verdict);
        }
        let report = judge(case).report;
        assert_eq!((report.orders.borderline, report.orders.bad), (1, 2));
        assert_eq!((report.exposure.missed, report.exposure.unknown), (1, 1));
    }

    #[test]
    fn a_hop_is_not_judged_where_the_traces_of_an_order_in_doubt_end_before_it() {
        let said_of_three = |hops: [&str; 3], in_doubt: usize| {
            let mut case = sample::case(Shape { orders: 300, lost: 3, unseen: 0, slow: 0, false_alarms: 0 });
            for (finding, hop) in case.findings.iter_mut().zip(hops) {
                finding.hop = Some(hop.to_owned());
            }
            case.telemetry.in_doubt = case.findings.iter().take(in_doubt).map(|finding| finding.order_id.to_string()).collect();
            let exposure = judge(case).report.exposure;
            assert_eq!((exposure.recall, exposure.precision), (Some(1.0), Some(1.0)));
            (exposure.hop_at_1, exposure.hop_in_doubt)
        };
        let [before, is, behind] = ["order.submitted commit-send", "order.submitted transit", "order.submitted process"];
        assert_eq!(said_of_three([before, is, is], 1), (Some(1.0), 1), "who knew more is dead");
        assert_eq!(said_of_three([before, is, is], 0), (Some(2.0 / 3.0), 0), "nobody died");
        assert_eq!(said_of_three([is, before, is], 1), (Some(2.0 / 3.0), 0), "another order is in doubt");
        assert_eq!(said_of_three([behind, is, is], 1), (Some(2.0 / 3.0), 0), "what was not done nobody can have seen");
        assert_eq!(said_of_three([before, before, before], 3), (None, 3), "there is none to judge");
    }
}
