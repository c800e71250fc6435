//! The run over scenario time: arrivals, closings, open orders, alarms and queue depth, as a whole and around each fault.

use std::collections::BTreeMap;

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{case::Case, matching::Pair, report::FaultRow, words};

/// Steps of the whole run at most.
const STEPS: f64 = 180.0;
/// Steps of the time around a fault at most.
const STEPS_AROUND: f64 = 60.0;
/// Faults looked at closely.
const CLOSELY: usize = 8;
/// Room before a fault and behind its first alarm, as a part of what lies between.
const AIR: f64 = 0.25;
/// A fault without an alarm is shown as long again as it lasted, and at least so long, seconds.
const LEAST: f64 = 1.0;
/// How long a step may be, seconds.
const LENGTHS: [f64; 21] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0,
    21_600.0, 43_200.0, 86_400.0,
];

/// The run over scenario time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Timeline {
    /// From the first arrival to the end of the run.
    pub whole: Slice,
    /// The time around each of the first faults, in the order they began.
    pub around: Vec<Around>,
}

/// The time around a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Around {
    /// The fault, by name.
    pub fault: String,
    /// From before it began to behind its end and its first alarm.
    pub slice: Slice,
}

/// A part of the run in equal steps; one number per step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Slice {
    /// Its begin, seconds since the start of the run.
    pub from_s: f64,
    /// How long a step is, seconds.
    pub step_s: f64,
    /// Orders initiated.
    pub arrivals: Vec<u64>,
    /// Orders closed.
    pub closings: Vec<u64>,
    /// Orders alarmed for the first time.
    pub alarms: Vec<u64>,
    /// Orders initiated and not closed, at the end of the step.
    pub open: Vec<u64>,
    /// The most messages at a time that were in a queue or out unacknowledged, by queue.
    pub queues: BTreeMap<String, Vec<u64>>,
}

/// When something happened, nanoseconds since the start of the run, earliest first.
struct Instants {
    arrivals: Vec<u64>,
    closings: Vec<u64>,
    alarms: Vec<u64>,
    /// By queue: how its depth changed, and when.
    queues: BTreeMap<String, Vec<(u64, i64)>>,
}

/// The timeline of a run.
#[must_use]
pub fn timeline(case: &Case, pairs: &[Pair<'_>], faults: &[FaultRow]) -> Timeline {
    let instants = Instants::of(case, pairs);
    let end_s = words::since(case.run.end_ns, case.run.epoch_ns);
    let around = |fault: &FaultRow| {
        let last =
            fault.first_alarm_s.map_or(2.0 * fault.window.to_s - fault.window.from_s, |alarm| alarm.max(fault.window.to_s));
        let air = ((last - fault.window.from_s) * AIR).max(LEAST);
        Around {
            fault: fault.name.clone(),
            slice: instants.slice((fault.window.from_s - air).max(0.0), last + air, STEPS_AROUND),
        }
    };
    Timeline { whole: instants.slice(0.0, end_s, STEPS), around: faults.iter().take(CLOSELY).map(around).collect() }
}

impl Instants {
    fn of(case: &Case, pairs: &[Pair<'_>]) -> Self {
        let since = |at_ns: u64| at_ns.saturating_sub(case.run.epoch_ns);
        let sorted = |at: &dyn Fn(&Pair<'_>) -> Option<u64>| {
            let mut instants: Vec<u64> = pairs.iter().filter_map(at).map(since).collect();
            instants.sort_unstable();
            instants
        };
        let changes = |stays: &Vec<(u64, u64)>| {
            let mut changes: Vec<(u64, i64)> =
                stays.iter().flat_map(|(from, to)| [(since(*from), 1), (since(*to), -1)]).collect();
            // At the same instant what comes is counted before what goes: a message that goes at once was there.
            changes.sort_unstable_by_key(|(at, change)| (*at, -change));
            changes
        };
        Self {
            arrivals: sorted(&|pair| Some(pair.truth.initiated_ns)),
            closings: sorted(&|pair| pair.truth.closed_ns),
            alarms: sorted(&|pair| pair.finding.filter(|finding| finding.verdict.alarms())?.alarmed_ns),
            queues: case.queues.iter().map(|(queue, stays)| (queue.clone(), changes(stays))).collect(),
        }
    }

    fn slice(&self, from_s: f64, to_s: f64, most: f64) -> Slice {
        let wanted = ((to_s - from_s) / most).max(0.0);
        let longest = LENGTHS[LENGTHS.len() - 1];
        let step_s = LENGTHS.into_iter().find(|length| *length >= wanted).unwrap_or((wanted / longest).ceil() * longest);
        let begin_s = (from_s / step_s).floor() * step_s;
        let steps = ((to_s - begin_s) / step_s).ceil().max(1.0) as u64;
        // Steps are whole tenths of a second.
        let [begin, step] = [begin_s, step_s].map(|seconds| (seconds * 10.0).round() as u64 * 100_000_000);
        let ends: Vec<u64> = (1..=steps).map(|n| begin + n * step).collect();
        let counted = |instants: &[u64]| -> Vec<u64> {
            let before = |at: u64| instants.partition_point(|instant| *instant < at) as u64;
            ends.iter().map(|end| before(*end) - before(end - step)).collect()
        };
        let open = |end: u64| {
            let before = |instants: &[u64]| instants.partition_point(|instant| *instant < end);
            before(&self.arrivals).saturating_sub(before(&self.closings)) as u64
        };
        Slice {
            from_s: begin_s,
            step_s,
            arrivals: counted(&self.arrivals),
            closings: counted(&self.closings),
            alarms: counted(&self.alarms),
            open: ends.iter().map(|end| open(*end)).collect(),
            queues: self.queues.iter().map(|(queue, changes)| (queue.clone(), deepest(changes, &ends, begin))).collect(),
        }
    }
}

/// The greatest depth in each step.
fn deepest(changes: &[(u64, i64)], ends: &[u64], begin: u64) -> Vec<u64> {
    let mut depth: i64 = 0;
    let mut rest = changes.iter().peekable();
    while let Some((_, change)) = rest.next_if(|(at, _)| *at < begin) {
        depth += change;
    }
    let step = |end: &u64| {
        let mut most = depth;
        while let Some((_, change)) = rest.next_if(|(at, _)| at < end) {
            depth += change;
            most = most.max(depth);
        }
        u64::try_from(most).unwrap_or(0)
    };
    ends.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate::judge, sample};

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn every_order_is_counted_once() {
        let report = judge(sample::broker_kill()).report;
        let whole = report.timeline.whole;
        assert_eq!(whole.arrivals.iter().sum::<u64>(), 5_412);
        assert_eq!(whole.closings.iter().sum::<u64>(), 5_383);
        assert_eq!(whole.alarms.iter().sum::<u64>(), 41);
        assert_eq!(whole.open.last(), Some(&29), "lost orders stay open");
        assert!(whole.arrivals.len() <= 181, "{} steps", whole.arrivals.len());
    }

    #[test]
    fn the_time_around_a_fault_holds_the_fault_and_its_first_alarm() {
        let report = judge(sample::broker_kill()).report;
        for (around, fault) in report.timeline.around.iter().zip(&report.faults) {
            let slice = &around.slice;
            let to_s = slice.from_s + slice.step_s * slice.arrivals.len() as f64;
            assert_eq!(around.fault, fault.name);
            assert!(slice.from_s < fault.window.from_s && fault.window.to_s < to_s);
            assert!(fault.first_alarm_s.is_some_and(|alarm| alarm < to_s));
        }
    }

    #[test]
    fn a_queue_is_as_deep_as_it_ever_was_within_a_step() {
        let mut case = sample::calm_week();
        let at = |second: u64| sample::EPOCH_NS + second * SECOND;
        // Two messages at a time for a second, one for an hour, and one that is gone at once.
        let stays = vec![(at(10), at(11)), (at(10), at(3_610)), (at(9_000), at(9_000))];
        case.queues = BTreeMap::from([("mes.orders".to_owned(), stays)]);
        case.run.end_ns = at(10_800);
        let whole = judge(case).report.timeline.whole;
        let depth = |second: f64| whole.queues["mes.orders"][((second - whole.from_s) / whole.step_s) as usize];
        assert_eq!([10.0, 1_800.0, 3_700.0, 9_000.0].map(depth), [2, 1, 0, 1]);
    }
}
