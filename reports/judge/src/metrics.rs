//! What thresholds are set on: each metric's numbers in one run, and how a threshold sums them up.

use scenarios::{
    language::{Aggregation, Comparison, Threshold},
    truth::Class,
};

use crate::{
    case::Case,
    matching::Pair,
    report::{Standing, Unit},
    states, words,
};

/// The tag of the whole way, in place of a state.
const PROMISE: &str = "promise";

/// The numbers of one metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// How many times out of how many.
    Rate {
        /// Times it was so.
        hits: u64,
        /// Times it could have been.
        of: u64,
    },
    /// Durations, sorted, nanoseconds.
    Times(Vec<u64>),
}

/// A metric of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its numbers.
    pub series: Series,
    /// It speaks of what the telemetry exposes: unknown when the telemetry is.
    pub testimony: bool,
    /// The ref of the order that makes it worst.
    pub worst: Option<String>,
}

/// The metric of a threshold; `None` when the run has no such metric.
#[must_use]
pub fn metric(threshold: &Threshold, case: &Case, pairs: &[Pair<'_>]) -> Option<Metric> {
    match (threshold.name, threshold.tag.as_deref()) {
        ("lead_time", _) => Some(ledger(Series::Times(case.lead_times.times_ns.clone()), case.lead_times.slowest.as_deref())),
        ("sla_breaches", Some(PROMISE)) => {
            let lead = &case.lead_times;
            Some(ledger(Series::Rate { hits: lead.overdue, of: lead.due }, lead.slowest.as_deref()))
        }
        (name @ ("order_latency" | "sla_breaches"), Some(tag)) => {
            let state = case.states.iter().find(|state| state.state == tag)?;
            let series = match name {
                "order_latency" => Series::Times(state.times_ns.clone()),
                _ => Series::Rate { hits: state.breaches, of: state.due },
            };
            Some(ledger(series, state.slowest.as_deref()))
        }
        ("orders_initiated", _) => Some(orders(pairs, |_| true, |_| true).without_worst()),
        ("orders_refused", _) => {
            let refused = case.refused();
            Some(ledger(Series::Rate { hits: refused, of: refused + pairs.len() as u64 }, None))
        }
        ("orders_closed", _) => Some(orders(pairs, |_| true, |pair| pair.truth.closed_ns.is_some()).without_worst()),
        ("orders_in_flight", _) => Some(orders(pairs, |_| true, |pair| pair.truth.class == Class::InFlight)),
        ("orders", Some(tag)) => Some(orders(pairs, |_| true, |pair| !pair.truth.borderline && pair.truth.class.name() == tag)),
        ("verdicts", Some(tag)) => {
            let metric = orders(pairs, |_| true, |pair| pair.verdict().name() == tag);
            Some(Metric { testimony: true, ..metric })
        }
        (name, _) => testimony(name, pairs),
    }
}

fn ledger(series: Series, worst: Option<&str>) -> Metric {
    Metric { series, testimony: false, worst: worst.map(str::to_owned) }
}

fn testimony<'a>(name: &str, pairs: &[Pair<'a>]) -> Option<Metric> {
    let unexposed = |pair: &Pair<'a>| pair.bad() && !pair.exposed();
    let metric = match name {
        "lost_unexposed" => orders(pairs, Pair::bad, |pair| unexposed(pair) && pair.truth.class == Class::Lost),
        "exposure_recall" => orders(pairs, Pair::bad, Pair::exposed).worst_of(pairs, unexposed),
        "exposure_precision" => {
            orders(pairs, Pair::alarmed, Pair::exposed).worst_of(pairs, |pair| pair.alarmed() && !pair.exposed())
        }
        "hop_at_1" => {
            orders(pairs, Pair::hop_judged, Pair::right_hop).worst_of(pairs, |pair| pair.hop_judged() && !pair.right_hop())
        }
        "cause_accuracy" => orders(pairs, |pair| pair.right_cause().is_some(), |pair| pair.right_cause() == Some(true))
            .worst_of(pairs, |pair| pair.right_cause() == Some(false)),
        "unknown" => orders(pairs, Pair::bad, |pair| pair.standing == Some(Standing::Unknown)),
        "time_to_expose" => {
            let mut times_ns: Vec<u64> = pairs.iter().filter_map(Pair::exposed_after_ns).collect();
            times_ns.sort_unstable();
            let latest = pairs.iter().max_by_key(|pair| pair.exposed_after_ns());
            ledger(Series::Times(times_ns), latest.map(|pair| &*pair.truth.order_ref))
        }
        _ => return None,
    };
    Some(Metric { testimony: true, ..metric })
}

fn orders<'a>(pairs: &[Pair<'a>], base: impl Fn(&Pair<'a>) -> bool, hit: impl Fn(&Pair<'a>) -> bool) -> Metric {
    let of = pairs.iter().filter(|pair| base(pair)).count() as u64;
    let hits = pairs.iter().filter(|pair| base(pair) && hit(pair)).count() as u64;
    Metric { series: Series::Rate { hits, of }, testimony: false, worst: None }.worst_of(pairs, hit)
}

impl Metric {
    /// Names the first order of a kind as the worst: pairs come worst first.
    fn worst_of<'a>(self, pairs: &[Pair<'a>], worst: impl Fn(&Pair<'a>) -> bool) -> Self {
        let first = pairs.iter().find(|pair| worst(pair));
        Self { worst: first.map(|pair| pair.truth.order_ref.to_string()), ..self }
    }

    /// Where no order is worse than another.
    fn without_worst(self) -> Self {
        Self { worst: None, ..self }
    }

    /// What a threshold looks at; `None` when there was nothing to observe.
    #[must_use]
    pub fn observed(&self, aggregation: Aggregation) -> Option<(f64, Unit)> {
        match &self.series {
            Series::Rate { of: 0, .. } => None,
            Series::Rate { hits, of } if aggregation == Aggregation::Rate => Some((*hits as f64 / *of as f64, Unit::Share)),
            Series::Rate { hits, .. } => Some((*hits as f64, Unit::Count)),
            Series::Times(times) if times.is_empty() => None,
            Series::Times(times) => match aggregation {
                Aggregation::Count | Aggregation::Rate => Some((times.len() as f64, Unit::Count)),
                Aggregation::Avg => states::mean_s(times).map(|mean| (mean, Unit::Seconds)),
                Aggregation::Min => times.first().map(|ns| (words::seconds(*ns), Unit::Seconds)),
                Aggregation::Max => times.last().map(|ns| (words::seconds(*ns), Unit::Seconds)),
                Aggregation::Med => percentile(times, 50.0).map(|ns| (words::seconds(ns), Unit::Seconds)),
                Aggregation::P(percent) => percentile(times, percent).map(|ns| (words::seconds(ns), Unit::Seconds)),
            },
        }
    }
}

/// The smallest of the sorted values that at least `percent` % do not exceed: a value that occurred, never one in between.
#[must_use]
pub fn percentile(sorted: &[u64], percent: f64) -> Option<u64> {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// Whether an observed value is as a threshold wants it.
#[must_use]
pub fn holds(observed: f64, comparison: Comparison, limit: f64) -> bool {
    match comparison {
        Comparison::Less => observed < limit,
        Comparison::LessOrEqual => observed <= limit,
        Comparison::Greater => observed > limit,
        Comparison::GreaterOrEqual => observed >= limit,
        Comparison::Equal => observed == limit,
        Comparison::NotEqual => observed != limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hits: u64, of: u64) -> Metric {
        Metric { series: Series::Rate { hits, of }, testimony: true, worst: None }
    }

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<u64> = (1..=20).collect();
        let of = |percent| percentile(&values, percent);
        assert_eq!([of(0.0), of(50.0), of(95.0), of(95.1), of(100.0)], [Some(1), Some(10), Some(19), Some(20), Some(20)]);
        assert_eq!((percentile(&[], 50.0), percentile(&[7], 99.0)), (None, Some(7)));
    }

    #[test]
    fn a_rate_of_nothing_is_not_observed() {
        assert_eq!(rate(0, 0).observed(Aggregation::Rate), None);
        assert_eq!(rate(0, 0).observed(Aggregation::Count), None);
        assert_eq!(rate(0, 3).observed(Aggregation::Count), Some((0.0, Unit::Count)));
        assert_eq!(rate(3, 4).observed(Aggregation::Rate), Some((0.75, Unit::Share)));
    }

    #[test]
    fn durations_are_summed_up_in_seconds() {
        let times =
            Metric { series: Series::Times(vec![1_000_000_000, 2_000_000_000, 6_000_000_000]), testimony: false, worst: None };
        let of = |aggregation| times.observed(aggregation).map(|(value, _)| value);
        assert_eq!(of(Aggregation::Avg), Some(3.0));
        assert_eq!(of(Aggregation::Med), Some(2.0));
        assert_eq!([of(Aggregation::Min), of(Aggregation::Max), of(Aggregation::P(90.0))], [Some(1.0), Some(6.0), Some(6.0)]);
        assert_eq!(of(Aggregation::Count), Some(3.0));
    }

    #[test]
    fn a_limit_itself_is_within_or_without_as_the_sign_says() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let signs = [Less, LessOrEqual, Greater, GreaterOrEqual, Equal, NotEqual];
        assert_eq!(signs.map(|sign| holds(10.0, sign, 10.0)), [false, true, false, true, true, false]);
        assert_eq!(signs.map(|sign| holds(9.0, sign, 10.0)), [true, true, false, false, false, true]);
    }
}
