//! Numbers and times in words, the same wherever people read them.

/// Nanoseconds to seconds, to the millisecond.
#[must_use]
pub fn seconds(ns: u64) -> f64 {
    // Whole milliseconds of any run fit a double without loss.
    (ns / 1_000_000) as f64 / 1_000.0
}

/// An instant as seconds since `epoch_ns`, to the millisecond. A clock may be skewed: it can lie before.
#[must_use]
pub fn since(at_ns: u64, epoch_ns: u64) -> f64 {
    if at_ns >= epoch_ns { seconds(at_ns - epoch_ns) } else { -seconds(epoch_ns - at_ns) }
}

/// `5412` is `5,412`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 order`, `2 orders`.
#[must_use]
pub fn several(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A duration in its two largest units: `2 d 4 h`, `31 min`, `4.25 s`, `840 ms`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return format!("-{}", duration(-seconds));
    }
    let milliseconds = (seconds * 1_000.0).round() as u64;
    if milliseconds < 1_000 {
        return format!("{milliseconds} ms");
    }
    if milliseconds < 10_000 {
        return format!("{} s", decimals(milliseconds as f64 / 1_000.0));
    }
    let whole = (milliseconds + 500) / 1_000;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    let two = |large: u64, one: &str, small: u64, other: &str| {
        if small == 0 { format!("{large} {one}") } else { format!("{large} {one} {small} {other}") }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => two(minutes, "min", rest, "s"),
        (0, _, _) => two(hours, "h", minutes, "min"),
        _ => two(days, "d", hours, "h"),
    }
}

/// Two decimals at most: `0.5`, `12`, `0.33`. What is not quite one is never rounded up to it, nor what is not quite nothing
/// down to it.
#[must_use]
pub fn decimals(number: f64) -> String {
    let rounded = format!("{number:.2}");
    let rounded = match rounded.as_str() {
        "1.00" if number < 1.0 => return "0.99".to_owned(),
        "0.00" if number > 0.0 => return "0.01".to_owned(),
        _ => rounded,
    };
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number with its thousands set apart and two decimals at most: `20,000`, `1.5`.
#[must_use]
pub fn thousands(number: f64) -> String {
    let decimals = decimals(number);
    match decimals.split_once('.') {
        Some((_, after)) => format!("{}.{after}", count(number as u64)),
        None => count(number.round() as u64),
    }
}

/// A share with two decimals: `1.00`, `0.93`; a dash where there is none.
#[must_use]
pub fn share(share: Option<f64>) -> String {
    match share {
        None => "-".to_owned(),
        Some(share) if share < 1.0 && share > 0.99 => "0.99".to_owned(),
        Some(share) if share > 0.0 && share < 0.01 => "0.01".to_owned(),
        Some(share) => format!("{share:.2}"),
    }
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        let shown = [0.0, 0.84, 1.0, 4.25, 9.999, 59.7, 150.0, 1_860.0, 3_600.0, 187_200.0, 1_814_400.0].map(duration);
        let expected = ["0 ms", "840 ms", "1 s", "4.25 s", "10 s", "1 min", "2 min 30 s", "31 min", "1 h", "2 d 4 h", "21 d"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_share_that_is_not_quite_one_is_never_shown_as_one() {
        assert_eq!([Some(1.0), Some(0.9999), Some(0.0001), Some(0.0), None].map(share), ["1.00", "0.99", "0.01", "0.00", "-"]);
        assert_eq!([1.0, 0.999, 0.5, 12.0, 0.0001].map(decimals), ["1", "0.99", "0.5", "12", "0.01"]);
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([20_000.0, 1.5, 1_500.25, 2.999].map(thousands), ["20,000", "1.5", "1,500.25", "3"]);
    }

    #[test]
    fn an_instant_may_lie_before_the_start() {
        assert_eq!((since(5_000_000_000, 2_000_000_000), since(1_500_000_000, 2_000_000_000)), (3.0, -0.5));
    }
}
