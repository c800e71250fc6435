//! Durations as people write them: `30m`, `21d`, `1h 30m`.

/// Nanoseconds of each unit.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// The nanoseconds of a text such as `1h 30m`: whole numbers, each with its unit. `None` when it is no such text.
pub(super) fn parse(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum: u64 = 0;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?.1;
        sum = sum.checked_add(number.checked_mul(unit)?)?;
        rest = rest[letters..].trim_start();
        if rest.is_empty() {
            return Some(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up() {
        assert_eq!(parse("30m"), Some(1_800_000_000_000));
        assert_eq!(parse("1h 30m"), parse("90m"));
        assert_eq!(parse(" 1d2h3m4s5ms6us7ns "), Some(93_784_005_006_007));
    }

    #[test]
    fn a_number_needs_its_unit_and_a_unit_its_number() {
        for wrong in ["", " ", "30", "m", "30 m", "1.5h", "-1h", "1h30", "1w", "30M", "999999999d"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
