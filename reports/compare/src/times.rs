//! How long things took: bands from the median to the 95th percentile.

use judge::{ordered::Ordered, words};

use crate::{Likeness, Row, Terms, summary::Band};

/// With fewer orders a percentile is one order's luck.
const ENOUGH: u64 = 20;

pub(crate) fn rows(a: &Ordered<Band>, b: &Ordered<Band>, terms: Terms) -> Vec<Row> {
    let only_b = b.0.iter().filter(|(name, _)| a.get(name).is_none());
    let names = a.0.iter().chain(only_b).map(|(name, _)| name);
    names.map(|name| row(name, a.get(name), b.get(name), terms)).collect()
}

fn row(name: &str, a: Option<&Band>, b: Option<&Band>, terms: Terms) -> Row {
    let row = Row::new(name, says(a), says(b));
    let [Some(one), Some(other)] = [a, b].map(|band| band.and_then(ends)) else {
        return row.differs_if(a.and_then(ends).is_some() != b.and_then(ends).is_some(), || "in one of them alone".to_owned());
    };
    if [a, b].into_iter().flatten().any(|band| band.orders < ENOUGH) {
        return row.noting("too few orders to compare");
    }
    match terms.likeness {
        Likeness::Same => {
            let change = worst(one, other);
            let why = || format!("{} slower, {} allowed", percent(change), percent(terms.tolerance));
            let faster = if change < -terms.tolerance { format!("{} faster", percent(-change)) } else { String::new() };
            row.differs_if(change > terms.tolerance, why).noting(faster)
        }
        Likeness::Alike => {
            let shared = overlap(one, other);
            let slower = if one.0 > other.0 { a } else { b };
            if shared.is_none() && terms.two_worlds && slower.is_some_and(Band::in_time) {
                return row.noting("slower by the real stack's own time, and within the deadline");
            }
            row.differs_if(shared.is_none(), || "the bands do not overlap".to_owned())
                .noting(shared.map_or_else(String::new, |shared| format!("{} overlap", percent(shared))))
        }
    }
}

/// Median and 95th percentile, seconds.
fn ends(band: &Band) -> Option<(f64, f64)> {
    band.p50_s.zip(band.p95_s)
}

/// By how much the second one is slower, as a share of the first one; negative where all of it is faster.
fn worst(a: (f64, f64), b: (f64, f64)) -> f64 {
    /// Reports give times to the millisecond.
    const ROUNDED_S: f64 = 0.001;
    let change = |a: f64, b: f64| if (b - a).abs() <= ROUNDED_S { 0.0 } else { (b - a) / a.max(ROUNDED_S) };
    change(a.0, b.0).max(change(a.1, b.1))
}

/// Which share of the wider band both have, 0 to 1; `None`: nothing.
fn overlap(a: (f64, f64), b: (f64, f64)) -> Option<f64> {
    let shared = a.1.min(b.1) - a.0.max(b.0);
    let widest = (a.1 - a.0).max(b.1 - b.0);
    match shared {
        shared if shared < 0.0 => None,
        _ if widest <= 0.0 => Some(1.0),
        shared => Some(shared / widest),
    }
}

fn says(band: Option<&Band>) -> String {
    match band.and_then(ends) {
        Some((p50, p95)) => format!("{} to {}", words::duration(p50), words::duration(p95)),
        None => "-".to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 100.0).round())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(a: (f64, f64), b: (f64, f64), likeness: Likeness) -> Row {
        let band = |(p50, p95), orders| Band { orders, p50_s: Some(p50), p95_s: Some(p95), deadline_s: Some(40.0) };
        row("SUBMITTED", Some(&band(a, 100)), Some(&band(b, 100)), Terms { tolerance: 0.1, likeness, two_worlds: false })
    }

    #[test]
    fn the_same_run_may_be_slower_by_the_tolerance_and_no_more() {
        assert_eq!(row_of((10.0, 20.0), (11.0, 22.0), Likeness::Same).differs, None);
        let slower = row_of((10.0, 20.0), (10.0, 22.1), Likeness::Same).differs;
        assert_eq!(slower.as_deref(), Some("11 % slower, 10 % allowed"));
    }

    #[test]
    fn what_became_faster_is_said_and_is_no_difference() {
        let faster = row_of((10.0, 20.0), (5.0, 10.0), Likeness::Same);
        assert_eq!((faster.differs, faster.note.as_str()), (None, "50 % faster"));
    }

    #[test]
    fn bands_that_touch_overlap() {
        assert_eq!(row_of((10.0, 20.0), (20.0, 30.0), Likeness::Alike).differs, None);
        let apart = row_of((10.0, 20.0), (20.1, 30.0), Likeness::Alike).differs;
        assert_eq!(apart.as_deref(), Some("the bands do not overlap"));
        assert_eq!(row_of((10.0, 20.0), (15.0, 20.0), Likeness::Alike).note, "50 % overlap");
    }

    #[test]
    fn a_real_stack_may_take_its_own_time_within_the_deadline_and_no_more() {
        let band = |(p50, p95)| Band { orders: 100, p50_s: Some(p50), p95_s: Some(p95), deadline_s: Some(40.0) };
        let terms = Terms { tolerance: 0.1, likeness: Likeness::Alike, two_worlds: true };
        let differs = |real| row("SUBMITTED", Some(&band((10.0, 20.0))), Some(&band(real)), terms).differs;
        assert_eq!(differs((25.0, 40.0)), None);
        assert_eq!(differs((25.0, 40.1)).as_deref(), Some("the bands do not overlap"));
    }

    #[test]
    fn a_few_orders_prove_nothing() {
        let band = |p50| Band { orders: 19, p50_s: Some(p50), p95_s: Some(p50), deadline_s: None };
        let terms = Terms { tolerance: 0.1, likeness: Likeness::Alike, two_worlds: false };
        let few = row("SUBMITTED", Some(&band(1.0)), Some(&band(9.0)), terms);
        assert_eq!((few.differs, few.note.as_str()), (None, "too few orders to compare"));
    }
}
