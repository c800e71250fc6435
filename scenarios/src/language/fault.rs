//! Reads `[[fault]]`: faults that have something to hit, each with a name.

use std::{ops::Range, time::Duration};

use faults::{Fault, Kind, broker_kill, broker_restart, consumer_kill};

use super::{Load, fields::Fields, problem::Problem, units};

/// A fault and where it stands.
struct Placed {
    fault: Fault,
    place: Range<usize>,
}

/// All faults of a scenario, by begin, each with its name.
pub(super) fn read(fields: &Fields, load: &[Load], end: Duration) -> Result<Vec<Fault>, Problem> {
    let mut placed = Vec::new();
    for table in fields.tables("fault") {
        placed.extend(fault(table, end)?);
    }
    placed.sort_by_key(|placed| placed.fault.at);
    for (index, one) in placed.iter().enumerate() {
        let over = one.fault.at + one.fault.lasts;
        let arrived: f64 = load.iter().map(|load| load.executor.expected(over.min(end))).sum();
        if arrived <= 0.0 {
            let what = format!("no order has come in by {}: a fault on nothing", units::written(over));
            return Err(Problem::new(&one.place, what, "a time after the first arrivals"));
        }
        if let Some(other) = placed[..index].iter().find(|other| hits_again(&other.fault, &one.fault)) {
            let what =
                format!("this {} begins before the one at {} is over", one.fault.kind.name(), units::written(other.fault.at));
            return Err(Problem::new(
                &one.place,
                what,
                format!("a time after {}", units::written(other.fault.at + other.fault.lasts)),
            ));
        }
    }
    let mut faults: Vec<Fault> = Vec::new();
    for Placed { fault, .. } in placed {
        let n = faults.iter().filter(|earlier| earlier.kind.name() == fault.kind.name()).count() + 1;
        faults.push(Fault { name: format!("{}@{n}", fault.kind.name()), ..fault });
    }
    Ok(faults)
}

/// Whether a later fault hits what an earlier one has taken away already.
fn hits_again(earlier: &Fault, later: &Fault) -> bool {
    let same = match (&earlier.kind, &later.kind) {
        (Kind::ConsumerKill { service: one }, Kind::ConsumerKill { service: other }) => one == other,
        (Kind::BrokerKill | Kind::BrokerRestart, Kind::BrokerKill | Kind::BrokerRestart)
        | (Kind::SlowPricing { .. }, Kind::SlowPricing { .. }) => true,
        _ => false,
    };
    same && later.at <= earlier.at + earlier.lasts
}

/// A fault table, once per time that it happens.
fn fault(fields: &Fields, end: Duration) -> Result<Vec<Placed>, Problem> {
    let at = fields.need("at", fields.time("at"))?;
    let lasts = fields.need("for", fields.time("for"))?;
    let kind = match fields.need("kind", fields.text("kind"))? {
        broker_kill::NAME => Kind::BrokerKill,
        broker_restart::NAME => Kind::BrokerRestart,
        consumer_kill::NAME => Kind::ConsumerKill { service: fields.need("service", fields.text("service"))?.to_owned() },
        _ => slow_pricing(fields)?,
    };
    let times = fields.small("times").unwrap_or(1);
    let every = fields.time("every");
    if times > 1 && every.is_none() {
        return Err(Problem::new(fields.place("times"), "`every` is missing", "the time from one to the next"));
    }
    let mut placed = Vec::new();
    for n in 0..times {
        let at = every.unwrap_or_default().checked_mul(n).and_then(|later| later.checked_add(at));
        let Some(at) = at.filter(|at| *at < end) else {
            let begin = at.map_or_else(|| "never".to_owned(), units::written);
            let what = format!("it begins at {begin}, after the last arrival at {}: a fault on nothing", units::written(end));
            return Err(Problem::new(
                fields.place(if n == 0 { "at" } else { "times" }),
                what,
                "a time before `duration` is over",
            ));
        };
        let fault = Fault { name: String::new(), kind: kind.clone(), at, lasts };
        placed.push(Placed { fault, place: fields.place(if n == 0 { "at" } else { "every" }).clone() });
    }
    Ok(placed)
}

fn slow_pricing(fields: &Fields) -> Result<Kind, Problem> {
    let share = fields.need("share", fields.number("share"))?;
    if share <= 0.0 {
        return Err(Problem::new(fields.place("share"), "`share` is zero: a fault on nothing", "a number above 0, at most 1"));
    }
    Ok(Kind::SlowPricing { share, takes: fields.need("takes", fields.time("takes"))? })
}
