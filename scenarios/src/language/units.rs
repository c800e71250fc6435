//! Durations (`1d 12h`) and rates (`30/h`) as scenario files write them.

use std::{fmt, time::Duration};

use super::Rate;

/// Units of time, largest first, in milliseconds.
pub(crate) const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// What durations look like, for errors and the schema.
pub(crate) const DURATION: &str = "a duration like \"150s\", \"30m\" or \"1d 12h\" (units ms, s, m, h, d, w)";
/// What rates look like.
pub(crate) const RATE: &str = "a rate like \"30/h\", \"500/m\" or \"2/s\" (units s, m, h, d, w)";

/// No scenario thinks further than ten years.
pub(crate) const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);
/// More orders per second than any shop has.
const FASTEST: f64 = 1e6;

/// Why a text is no duration or rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misread {
    /// What is wrong with it.
    pub(crate) what: String,
    /// What was probably meant.
    pub(crate) nearest: Option<String>,
}

impl Misread {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), nearest: None }
    }
}

/// Reads a duration: whole numbers with units, each unit at most once.
pub(crate) fn duration(text: &str) -> Result<Duration, Misread> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Misread::new("an empty duration"));
    }
    if rest.starts_with('-') {
        return Err(Misread::new(format!("`{text}` is negative")));
    }
    let (mut total, mut used) = (0u64, Vec::new());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (name, millis) = part(text, number, unit)?;
        if used.contains(&name) {
            return Err(Misread::new(format!("`{text}` has the unit `{name}` twice")));
        }
        used.push(name);
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(millis))
            .and_then(|part| part.checked_add(total))
            .filter(|total| u128::from(*total) <= LONGEST.as_millis())
            .ok_or_else(|| Misread::new(format!("`{text}` is longer than ten years")))?;
        rest = after.trim_start();
    }
    Ok(Duration::from_millis(total))
}

/// The unit of one part of a duration, with its length in milliseconds.
fn part(text: &str, number: &str, unit: &str) -> Result<(&'static str, u64), Misread> {
    if number.is_empty() {
        return Err(Misread::new(format!("`{text}` is no duration")));
    }
    if unit.is_empty() {
        let digits_only = text.chars().all(|c| c.is_ascii_digit());
        let nearest = digits_only.then(|| format!("{text}s"));
        let what = if digits_only { format!("`{text}` has no unit") } else { format!("`{text}` is no duration") };
        return Err(Misread { what, nearest });
    }
    UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(|| Misread {
        what: format!("`{unit}` in `{text}` is no unit of time"),
        nearest: meant(unit).map(|meant| text.replacen(unit, meant, 1)),
    })
}

/// The unit somebody meant who wrote it out.
fn meant(unit: &str) -> Option<&'static str> {
    let lower = unit.to_lowercase();
    let starts = [("mon", None), ("mil", Some("ms")), ("mse", Some("ms")), ("m", Some("m")), ("s", Some("s"))];
    let longer = [("h", Some("h")), ("d", Some("d")), ("w", Some("w"))];
    starts.into_iter().chain(longer).find(|(start, _)| lower.starts_with(start)).and_then(|(_, unit)| unit)
}

/// Reads a rate: a number, a stroke, a unit.
pub(crate) fn rate(text: &str) -> Result<Rate, Misread> {
    let text = text.trim();
    let Some((number, unit)) = text.split_once('/') else {
        let nearest = text.parse::<f64>().is_ok_and(f64::is_finite).then(|| format!("{text}/h"));
        return Err(Misread { what: format!("`{text}` has no unit"), nearest });
    };
    let (number, unit) = (number.trim(), unit.trim());
    if number.starts_with('-') {
        return Err(Misread::new(format!("`{text}` is negative")));
    }
    let plain = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let number_of = plain.then(|| number.parse::<f64>().ok()).flatten();
    let Some(orders) = number_of else { return Err(Misread::new(format!("`{number}` in `{text}` is no number"))) };
    let Some((_, millis)) = UNITS.into_iter().find(|(name, _)| *name == unit && unit != "ms") else {
        let nearest = meant(unit).filter(|unit| *unit != "ms").map(|unit| format!("{number}/{unit}"));
        return Err(Misread { what: format!("`{unit}` in `{text}` is no unit of a rate"), nearest });
    };
    let rate = Rate(orders * 1000.0 / precise(millis));
    if rate.0 > FASTEST {
        return Err(Misread::new(format!("`{text}` is more than a million orders per second")));
    }
    Ok(rate)
}

#[expect(clippy::cast_precision_loss, reason = "a unit is far below 2^53 ms")]
const fn precise(millis: u64) -> f64 {
    millis as f64
}

/// A duration as a scenario file writes it: `1d 1h`. Below a millisecond nothing is left.
#[must_use]
pub fn written(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    // Weeks are for writing only: people read days.
    for (name, millis) in &UNITS[1..] {
        if left >= *millis {
            parts.push(format!("{}{name}", left / millis));
            left %= millis;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// The largest unit in which the number is at least 1: `30/h`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
        let (unit, seconds) = units.into_iter().find(|(_, seconds)| self.0 * seconds >= 1.0).unwrap_or(units[3]);
        let number = (self.0 * seconds * 100.0).round() / 100.0;
        write!(f, "{number}/{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        duration(text).ok().and_then(|duration| u64::try_from(duration.as_millis()).ok())
    }

    #[test]
    fn durations_are_sums_of_units() {
        let cases = [("3d", 259_200_000), ("1d 1h", 90_000_000), ("150s", 150_000), ("30m", 1_800_000), ("250ms", 250)];
        for (text, expected) in cases {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        assert_eq!(millis("1h30m"), millis("90m"));
        assert_eq!(millis("0s"), Some(0));
        assert_eq!(millis("2w"), millis("14d"));
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let why = |text| duration(text).map_err(|misread| misread.what);
        assert_eq!(why("-3d").unwrap_err(), "`-3d` is negative");
        assert_eq!(why("150").unwrap_err(), "`150` has no unit");
        assert_eq!(why("1h 1h").unwrap_err(), "`1h 1h` has the unit `h` twice");
        assert_eq!(why("11y").unwrap_err(), "`y` in `11y` is no unit of time");
        assert_eq!(why("4000d").unwrap_err(), "`4000d` is longer than ten years");
        assert_eq!(why("99999999999999999999d").unwrap_err(), "`99999999999999999999d` is longer than ten years");
        assert_eq!(why("").unwrap_err(), "an empty duration");
        assert_eq!(why("1.5h").unwrap_err(), "`1.5h` is no duration");
        assert_eq!(why("soon").unwrap_err(), "`soon` is no duration");
    }

    #[test]
    fn a_written_out_unit_is_understood_in_the_hint() {
        let hint = |text| duration(text).map_err(|misread| misread.nearest);
        assert_eq!(hint("30min").unwrap_err().as_deref(), Some("30m"));
        assert_eq!(hint("2 days").unwrap_err().as_deref(), Some("2 d"));
        assert_eq!(hint("150").unwrap_err().as_deref(), Some("150s"));
    }

    #[test]
    fn rates_are_orders_per_unit() {
        let per_second = |text| rate(text).map(|rate| rate.0);
        assert_eq!(per_second("2/s"), Ok(2.0));
        assert_eq!(per_second("500/m"), Ok(500.0 / 60.0));
        assert_eq!(per_second("30/h"), Ok(30.0 / 3600.0));
        assert_eq!(per_second("0.5 / h"), Ok(0.5 / 3600.0));
        assert_eq!(per_second("10/d"), Ok(10.0 / 86_400.0));
    }

    #[test]
    fn what_is_no_rate_says_why() {
        let why = |text| rate(text).map_err(|misread| misread.what);
        assert_eq!(why("-30/h").unwrap_err(), "`-30/h` is negative");
        assert_eq!(why("30").unwrap_err(), "`30` has no unit");
        assert_eq!(why("30/ms").unwrap_err(), "`ms` in `30/ms` is no unit of a rate");
        assert_eq!(why("nan/h").unwrap_err(), "`nan` in `nan/h` is no number");
        assert_eq!(why("1e9/s").unwrap_err(), "`1e9` in `1e9/s` is no number");
        assert_eq!(why("9999999999/s").unwrap_err(), "`9999999999/s` is more than a million orders per second");
        assert_eq!(rate("30/hour").map_err(|misread| misread.nearest).unwrap_err().as_deref(), Some("30/h"));
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["1d 1h", "2m 30s", "250ms", "7d", "0s"] {
            assert_eq!(duration(text).map(written).as_deref(), Ok(text));
        }
        assert_eq!(Rate(30.0 / 3600.0).to_string(), "30/h");
        assert_eq!(Rate(5.0).to_string(), "5/s");
    }
}
