//! Reads `[[fault]]`: faults that have something to hit, each with a name.

use std::{ops::Range, time::Duration};

use faults::{Deed, Fault, Given, Kind};

use super::{
    Load,
    fields::{Fields, Value},
    keys::FAULTS,
    problem::{Problem, one_of},
    units,
};

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
    let same = match (earlier.kind.deed(), later.kind.deed()) {
        (Deed::Kill { service: one }, Deed::Kill { service: other }) => one == other,
        (Deed::Outage(_), Deed::Outage(_)) | (Deed::Pricing(_), Deed::Pricing(_)) => true,
        _ => earlier.kind == later.kind,
    };
    same && later.at <= earlier.at + earlier.lasts
}

/// A fault table, once per time that it happens.
fn fault(fields: &Fields, end: Duration) -> Result<Vec<Placed>, Problem> {
    let at = fields.need("at", fields.time("at"))?;
    let lasts = fields.need("for", fields.time("for"))?;
    let kind = kind(fields)?;
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

/// The kind with all that the table says of it.
fn kind(fields: &Fields) -> Result<Kind, Problem> {
    let name = fields.need("kind", fields.text("kind"))?;
    let known = faults::kind(name).zip(FAULTS.iter().find(|(known, _)| *known == name));
    let Some((definition, (_, keys))) = known else {
        return Err(Problem::new(
            fields.place("kind"),
            format!("no fault is called {name}"),
            one_of(FAULTS.iter().map(|row| row.0)),
        ));
    };
    let mut given = Given::default();
    for key in *keys {
        let value: faults::Value = match fields.entries.get(key.name).map(|node| &node.value) {
            Some(Value::Text(text)) => text.as_str().into(),
            Some(Value::Number(number)) => (*number).into(),
            Some(Value::Whole(number)) => (*number).into(),
            Some(Value::Time(time)) => (*time).into(),
            _ => continue,
        };
        given = given.with(key.name, value);
    }
    if given.number("share").is_some_and(|share| share <= 0.0) {
        return Err(Problem::new(fields.place("share"), "`share` is zero: a fault on nothing", "a number above 0, at most 1"));
    }
    Ok(definition.given(given))
}
