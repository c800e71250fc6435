//! How long logs are kept where Elasticsearch has no lifecycle management: an index is of a day, and the day says it all.
//!
//! The same as `config/elk/ilm-policy.json` has for a server that manages lifecycles itself; a test holds the two together.

/// From this age on, in days, an index is only read.
const READ_ONLY_DAYS: i64 = 30;
/// From this age on, in days, it is gone.
const GONE_DAYS: i64 = 90;

/// What is to be done with an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing: it is young, or none of ours.
    Kept,
    /// Nobody writes to it any more.
    ReadOnly,
    /// It is deleted.
    Gone,
}

/// What is to be done with an index on a day, counted since the Unix epoch.
pub(crate) fn fate(index: &str, today: i64) -> Fate {
    match day(index).map(|day| today - day) {
        Some(age) if age >= GONE_DAYS => Fate::Gone,
        Some(age) if age >= READ_ONLY_DAYS => Fate::ReadOnly,
        _ => Fate::Kept,
    }
}

/// The day of an index, from the end of its name: `logs-<service>-<environment>-<yyyy.mm.dd>`.
fn day(index: &str) -> Option<i64> {
    let (before, date) = index.rsplit_once('-')?;
    before.strip_prefix("logs-")?.split_once('-')?;
    let [year, month, day] = date.split('.').collect::<Vec<_>>().try_into().ok()?;
    let lengths = [year.len(), month.len(), day.len()];
    let [year, month, day] = [year, month, day].map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (year?, month?, day?);
    let good = lengths == [4, 2, 2] && (1..=12).contains(&month) && (1..=31).contains(&day);
    good.then(|| days(year, month, day))
}

/// Days since the Unix epoch, after Howard Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_only_at_thirty_days_and_gone_at_ninety() {
        let today = days(2026, 11, 26);
        // 89, 90 and 91 days before, then 29 and 30.
        for (date, expected) in [
            ("2026.08.29", Fate::ReadOnly),
            ("2026.08.28", Fate::Gone),
            ("2026.08.27", Fate::Gone),
            ("2026.10.28", Fate::Kept),
            ("2026.10.27", Fate::ReadOnly),
            ("2026.11.26", Fate::Kept),
            ("2026.11.27", Fate::Kept),
        ] {
            assert_eq!(fate(&format!("logs-crm-api-production-{date}"), today), expected, "{date}");
        }
    }

    #[test]
    fn days_are_counted_over_leap_years() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1) - days(2000, 2, 28), 2);
        assert_eq!(days(2100, 3, 1) - days(2100, 2, 28), 1);
        assert_eq!(days(2026, 11, 26), 20_783);
    }

    #[test]
    fn what_is_no_daily_index_of_ours_is_left_alone() {
        for index in [
            "metrics-crm-test-2020.01.01",
            "logs-crm-api-test",
            "logs-crm-api-test-2020.13.01",
            "logs-2020.01.01",
            "logs-a-b-2020.1.1",
        ] {
            assert_eq!(fate(index, days(2026, 11, 26)), Fate::Kept, "{index}");
        }
    }

    #[test]
    fn the_policy_for_servers_that_have_one_says_the_same() {
        let policy: serde_json::Value = serde_json::from_str(include_str!("../config/elk/ilm-policy.json")).unwrap();
        let phases = &policy["policy"]["phases"];
        assert_eq!(phases["cold"]["min_age"], format!("{READ_ONLY_DAYS}d"));
        assert!(phases["cold"]["actions"]["readonly"].is_object());
        assert_eq!(phases["delete"]["min_age"], format!("{GONE_DAYS}d"));
    }
}
