//! The hops of one order, truth and testimony side by side.

use detector::HopSeen;
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words;

/// One hop: when it truly was, and when the telemetry says it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct HopRow {
    /// Its name.
    pub hop: String,
    /// What passes the time there.
    pub kind: HopKind,
    /// Whether it happened, and whether that shows.
    pub shown: Shown,
    /// True begin, seconds since the start of the run; null when it never began.
    pub truth_from_s: Option<f64>,
    /// True end; null when it never ended.
    pub truth_to_s: Option<f64>,
    /// Begin by the telemetry.
    pub seen_from_s: Option<f64>,
    /// End by the telemetry.
    pub seen_to_s: Option<f64>,
}

/// What passes the time at a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum HopKind {
    /// From the commit to the sending of a message.
    Send,
    /// Waiting in a queue.
    Queue,
    /// A machine works.
    Work,
    /// The message is settled.
    Settle,
    /// A person is waited for.
    Person,
}

/// Whether a hop happened, and whether that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// Both ends.
    Whole,
    /// One end only.
    Half,
    /// It happened, or began, and nothing shows it.
    Missing,
    /// The order never came there.
    NotReached,
}

/// What passes the time at a hop of this name.
#[must_use]
pub fn kind(hop: &str) -> HopKind {
    match hop.rsplit_once(' ').map_or(hop, |(_, segment)| segment) {
        "commit-send" => HopKind::Send,
        "transit" | "work-wait" => HopKind::Queue,
        "settle" => HopKind::Settle,
        "wait" => HopKind::Person,
        _ => HopKind::Work,
    }
}

/// Puts the true hops and the seen ones side by side. Both come in the order of the lifecycle; either may lack some, and a
/// hop may come twice.
#[must_use]
pub fn side_by_side(truth: &[(String, u64, Option<u64>)], seen: &[HopSeen], epoch_ns: u64) -> Vec<HopRow> {
    let mut rows: Vec<HopRow> = seen.iter().map(|hop| row(&hop.hop, None, Some(hop), epoch_ns)).collect();
    // Where the next hop that only the truth knows of belongs: behind the true hop before it.
    let mut next = 0;
    for hop in truth {
        let same = |row: &HopRow| row.hop == hop.0 && row.truth_from_s.is_none();
        let at = rows[next..].iter().position(same).map(|at| at + next).or_else(|| rows.iter().position(same));
        let begin = Some((hop.1, hop.2));
        if let Some(at) = at {
            let with = HopSeen { hop: hop.0.clone(), from_ns: None, to_ns: None };
            let true_row = row(&hop.0, begin, Some(&with), epoch_ns);
            rows[at].truth_from_s = true_row.truth_from_s;
            rows[at].truth_to_s = true_row.truth_to_s;
            next = at + 1;
        } else {
            rows.insert(next, row(&hop.0, begin, None, epoch_ns));
            next += 1;
        }
    }
    for row in &mut rows {
        row.shown = shown(row);
    }
    rows
}

fn row(hop: &str, truth: Option<(u64, Option<u64>)>, seen: Option<&HopSeen>, epoch_ns: u64) -> HopRow {
    let since = |at: Option<u64>| at.map(|at| words::since(at, epoch_ns));
    HopRow {
        hop: hop.to_owned(),
        kind: kind(hop),
        shown: Shown::NotReached,
        truth_from_s: since(truth.map(|truth| truth.0)),
        truth_to_s: since(truth.and_then(|truth| truth.1)),
        seen_from_s: since(seen.and_then(|seen| seen.from_ns)),
        seen_to_s: since(seen.and_then(|seen| seen.to_ns)),
    }
}

fn shown(row: &HopRow) -> Shown {
    match (row.seen_from_s, row.seen_to_s) {
        (Some(_), Some(_)) => Shown::Whole,
        (None, None) if row.truth_from_s.is_none() => Shown::NotReached,
        (None, None) => Shown::Missing,
        _ => Shown::Half,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn seen(hop: &str, from_s: Option<u64>, to_s: Option<u64>) -> HopSeen {
        HopSeen { hop: hop.to_owned(), from_ns: from_s.map(|s| s * SECOND), to_ns: to_s.map(|s| s * SECOND) }
    }

    fn truth(hop: &str, from_s: u64, to_s: Option<u64>) -> (String, u64, Option<u64>) {
        (hop.to_owned(), from_s * SECOND, to_s.map(|s| s * SECOND))
    }

    fn names(rows: &[HopRow]) -> Vec<(&str, Shown)> {
        rows.iter().map(|row| (row.hop.as_str(), row.shown)).collect()
    }

    #[test]
    fn a_hop_that_only_the_truth_knows_stands_behind_the_true_hop_before_it() {
        let rows = side_by_side(
            &[truth("a", 0, Some(1)), truth("b", 1, Some(2)), truth("c", 2, None)],
            &[seen("a", Some(0), Some(1)), seen("c", Some(2), None), seen("d", None, None)],
            0,
        );
        let expected = [("a", Shown::Whole), ("b", Shown::Missing), ("c", Shown::Half), ("d", Shown::NotReached)];
        assert_eq!(names(&rows), expected);
        assert_eq!((rows[1].truth_from_s, rows[1].seen_from_s), (Some(1.0), None));
    }

    #[test]
    fn a_hop_made_twice_is_paired_once_each() {
        let rows = side_by_side(
            &[truth("pricing work", 0, Some(1)), truth("pricing work", 5, Some(6))],
            &[seen("pricing work", Some(0), Some(1)), seen("pricing work", Some(5), Some(6))],
            0,
        );
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].truth_from_s, rows[1].truth_from_s), (Some(0.0), Some(5.0)));
    }

    #[test]
    fn an_order_without_a_trace_shows_its_true_hops_as_missing() {
        let rows = side_by_side(&[truth("a", 3, Some(4))], &[], 2 * SECOND);
        assert_eq!(names(&rows), [("a", Shown::Missing)]);
        assert_eq!(rows[0].truth_from_s, Some(1.0));
    }

    #[test]
    fn the_last_word_of_a_hop_says_what_passes_the_time() {
        assert_eq!(kind("order.submitted transit"), HopKind::Queue);
        assert_eq!(kind("pricing work-wait"), HopKind::Queue);
        assert_eq!(kind("pricing work"), HopKind::Work);
        assert_eq!(kind("MANUFACTURING_APPROVED wait"), HopKind::Person);
    }
}
