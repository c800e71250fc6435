//! Orders in doubt: a process was killed that had something to say of them, or was committing something.
//!
//! Whether that was done no trace can tell, with whatever instrumentation: who knew is dead. A detector that says so has not overlooked
//! anything, so such an order is borderline, like one that is too near to a deadline for the clocks. Whatever else is said of it is judged.

use std::collections::BTreeSet;

use detector::Verdict;

use crate::case::Case;

/// Takes those out of the judgement of which the detector says that it does not know.
pub(crate) fn borderline(case: &mut Case) {
    let in_doubt = &case.telemetry.in_doubt;
    let unknown = case.findings.iter().filter(|finding| finding.verdict == Verdict::Unknown).map(|finding| &*finding.order_id);
    let open: BTreeSet<&str> = unknown.filter(|order| in_doubt.contains(*order)).collect();
    for truth in case.truths.iter_mut().filter(|truth| open.contains(&*truth.order_id)) {
        truth.borderline = true;
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
}
