//! How long logs are kept where Elasticsearch has no lifecycle management: an index is of a day, and the day says it all.
//!
//! The same as `config/elk/ilm-policy.json` has for a server that manages lifecycles itself; a test holds the two together.

use std::time::UNIX_EPOCH;

const DAY_S: u64 = 86_400;
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
    let begin = humantime::parse_rfc3339(&format!("{}T00:00:00Z", date.replace('.', "-"))).ok()?;
    i64::try_from(begin.duration_since(UNIX_EPOCH).ok()?.as_secs() / DAY_S).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_only_at_thirty_days_and_gone_at_ninety() {
        let today = day("logs-crm-api-production-2026.11.26").unwrap();
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
    fn what_is_no_daily_index_of_ours_is_left_alone() {
        for index in [
            "metrics-crm-test-2020.01.01",
            "logs-crm-api-test",
            "logs-crm-api-test-2020.13.01",
            "logs-crm-api-test-2021.02.29",
            "logs-crm-api-test-2020-01.01",
            "logs-crm-api-test-2020.01.01T00",
            "logs-2020.01.01",
            "logs-a-b-2020.1.1",
        ] {
            assert_eq!(fate(index, 20_783), Fate::Kept, "{index}");
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
