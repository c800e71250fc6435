//! What the parts of a real stack used of the machine while a run went on: processor and memory, look by look.
//!
//! A slow run on a busy machine says little about the system; here a reader sees which it was. No verdict comes of it.

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signals::usage::{Look, Usage};

/// So many points of a part's course are kept at most: a page cannot show more.
const POINTS: usize = 120;
const SECOND_NS: f64 = 1e9;

/// A part in the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PartRow {
    /// The part: a container, or the harness itself.
    pub part: String,
    /// Other runs used it too, and their doing is in the numbers.
    pub shared: bool,
    /// Processor cores that it kept busy on average; null when it was looked at only once.
    pub cpu_mean: Option<f64>,
    /// The most of them from one look to the next.
    pub cpu_peak: Option<f64>,
    /// The most memory that it held, bytes.
    pub memory_peak_bytes: u64,
    /// Its course.
    pub course: Vec<PartPoint>,
}

/// A point of a part's course.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct PartPoint {
    /// When, in seconds of the clock on the wall since the run began, also in a run that was shortened.
    pub at_s: f64,
    /// Processor cores that it kept busy since the point before.
    pub cpu: f64,
    /// Memory that it held, bytes.
    pub memory_bytes: u64,
}

/// The parts as the report shows them; `epoch_ns` is when the run began.
pub(crate) fn rows(used: &[Usage], epoch_ns: u64) -> Vec<PartRow> {
    used.iter().filter(|used| !used.looks.is_empty()).map(|used| row(used, epoch_ns)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "shares of a core, to look at")]
fn row(used: &Usage, epoch_ns: u64) -> PartRow {
    let steps: Vec<Step> = used.looks.windows(2).filter_map(|pair| Step::between(pair[0], pair[1])).collect();
    let (busy_ns, wall_ns) = steps.iter().fold((0, 0), |(busy, wall), step| (busy + step.busy_ns, wall + step.wall_ns));
    let peak = steps.iter().map(Step::cores).reduce(f64::max);
    PartRow {
        part: used.part.clone(),
        shared: used.shared,
        cpu_mean: (wall_ns > 0).then(|| thousandths(busy_ns as f64 / wall_ns as f64)),
        cpu_peak: peak.map(thousandths),
        memory_peak_bytes: used.looks.iter().map(|look| look.memory_bytes).max().unwrap_or(0),
        course: course(&steps, epoch_ns),
    }
}

/// From one look to the next.
#[derive(Clone, Copy)]
struct Step {
    until: Look,
    busy_ns: u64,
    wall_ns: u64,
}

impl Step {
    /// A part that was started again counts from zero.
    fn between(from: Look, until: Look) -> Option<Self> {
        let wall_ns = until.at_ns.checked_sub(from.at_ns).filter(|wall_ns| *wall_ns > 0)?;
        Some(Self { until, busy_ns: until.cpu_ns.checked_sub(from.cpu_ns).unwrap_or(until.cpu_ns), wall_ns })
    }

    #[expect(clippy::cast_precision_loss, reason = "shares of a core, to look at")]
    fn cores(&self) -> f64 {
        self.busy_ns as f64 / self.wall_ns as f64
    }
}

fn thousandths(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// At most [`POINTS`] points, each for as many steps as it takes.
#[expect(clippy::cast_precision_loss, reason = "seconds to look at")]
fn course(steps: &[Step], epoch_ns: u64) -> Vec<PartPoint> {
    let each = steps.len().div_ceil(POINTS).max(1);
    let point = |steps: &[Step]| {
        let (busy_ns, wall_ns) = steps.iter().fold((0, 0), |(busy, wall), step| (busy + step.busy_ns, wall + step.wall_ns));
        let until = steps.last()?.until;
        Some(PartPoint {
            at_s: thousandths((until.at_ns as f64 - epoch_ns as f64) / SECOND_NS),
            cpu: thousandths(busy_ns as f64 / wall_ns as f64),
            memory_bytes: steps.iter().map(|step| step.until.memory_bytes).max()?,
        })
    };
    steps.chunks(each).filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn used(looks: &[(u64, u64, u64)]) -> Usage {
        let looks = looks.iter().map(|(at_s, cpu_ms, memory_bytes)| Look {
            at_ns: at_s * SECOND,
            cpu_ns: cpu_ms * 1_000_000,
            memory_bytes: *memory_bytes,
        });
        Usage { part: "mes-api".into(), shared: false, looks: looks.collect() }
    }

    #[test]
    fn what_a_part_used_is_told_from_look_to_look() {
        let row = &rows(&[used(&[(100, 500, 10), (102, 1_500, 30), (104, 1_700, 20)])], 100 * SECOND)[0];
        assert_eq!((row.cpu_mean, row.cpu_peak, row.memory_peak_bytes), (Some(0.3), Some(0.5), 30));
        assert_eq!(row.course[1], PartPoint { at_s: 4.0, cpu: 0.1, memory_bytes: 20 });
    }

    #[test]
    fn a_part_that_was_started_again_counts_from_zero() {
        let row = &rows(&[used(&[(0, 9_000, 1), (1, 250, 1)])], 0)[0];
        assert_eq!(row.cpu_mean, Some(0.25));
    }

    #[test]
    fn one_look_shows_memory_and_no_work_and_none_shows_nothing() {
        let row = &rows(&[used(&[(1, 1, 7)])], 0)[0];
        assert_eq!((row.cpu_mean, row.cpu_peak, row.memory_peak_bytes, row.course.len()), (None, None, 7, 0));
        assert!(rows(&[used(&[])], 0).is_empty());
    }

    #[test]
    fn a_long_course_is_told_in_few_points_and_loses_no_work() {
        let looks: Vec<_> = (0..1_001).map(|second| (second, second * 100, 1)).collect();
        let row = &rows(&[used(&looks)], 0)[0];
        assert!(row.course.len() <= POINTS);
        assert_eq!(row.course.last().map(|point| point.at_s), Some(1_000.0));
        assert!(row.course.iter().all(|point| (point.cpu - 0.1).abs() < 1e-9));
    }
}
