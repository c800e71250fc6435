//! The outcome of two runs, and what their telemetry exposes.

use judge::{report::Outcome, words};

use crate::{Row, Summary};

/// An exposure that is so near to another one is the same, written with two decimals.
const SAME: f64 = 0.005;

pub(crate) fn rows(a: &Summary, b: &Summary) -> Vec<Row> {
    let outcome = |summary: &Summary| summary.outcome.name().to_owned();
    let changed = || format!("{} became {}", a.outcome.name(), b.outcome.name());
    let closed = |summary: &Summary| format!("{} of {}", words::count(summary.closed), words::count(summary.initiated));
    let analysed = [a, b].iter().all(|summary| summary.initiated > 0);
    vec![
        Row::new("outcome", outcome(a), outcome(b)).differs_if(a.outcome != b.outcome, changed).noting(told(a, b)),
        Row::new("orders closed", closed(a), closed(b))
            .differs_if(!analysed, || "a run without orders agrees with none".to_owned()),
        share("recall", a.recall, b.recall),
        share("precision", a.precision, b.precision),
        share("hop@1", a.hop_at_1, b.hop_at_1),
        Row::new("false alarms", words::count(a.false_alarms), words::count(b.false_alarms))
            .differs_if((a.false_alarms == 0) != (b.false_alarms == 0), || "false alarms in one of them".to_owned()),
    ]
}

fn told(a: &Summary, b: &Summary) -> &'static str {
    if a.outcome == Outcome::Unknown && b.outcome == Outcome::Unknown { "nobody knows either" } else { "" }
}

fn share(what: &str, a: Option<f64>, b: Option<f64>) -> Row {
    let differs = match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() > SAME,
        (a, b) => a.is_some() != b.is_some(),
    };
    Row::new(what, words::share(a), words::share(b)).differs_if(differs, || format!("{what} changed"))
}
