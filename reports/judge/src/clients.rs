//! The orders of each type of client apart: a partner's programs flood an API where customers click, and a share of all orders hides
//! what that does to either.

use std::collections::BTreeMap;

use scenarios::truth::Class;
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    calls::{self, FailedCalls},
    case::Case,
    exposure,
    matching::Pair,
    ordered::Ordered,
    report::{Exposure, LeadTime, Orders, Report},
    states,
};

/// The orders of one type of client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct ClientRow {
    /// How many.
    pub orders: Orders,
    /// By what became of them, worst first.
    pub truth: Ordered<u64>,
    /// How much of that the telemetry exposes.
    pub exposure: Exposure,
    /// Time from the first state to the last.
    pub lead_time: LeadTime,
    /// Their calls that were not answered with success.
    pub failed_calls: FailedCalls,
}

/// A row for each type of client that sent anything, by name.
#[must_use]
pub fn rows(case: &Case, pairs: &[Pair<'_>]) -> Ordered<ClientRow> {
    let mut groups: BTreeMap<&str, Vec<Pair<'_>>> = case.clients.keys().map(|client| (&**client, Vec::new())).collect();
    for pair in pairs {
        groups.entry(&pair.truth.client_type).or_default().push(*pair);
    }
    groups.into_iter().map(|(client, pairs)| (client.to_owned(), row(case, client, &pairs))).collect()
}

fn row(case: &Case, client: &str, pairs: &[Pair<'_>]) -> ClientRow {
    let client = case.clients.get(client).cloned().unwrap_or_default();
    ClientRow {
        orders: orders(pairs, client.refused),
        truth: classes(pairs),
        exposure: exposure::exposure(pairs),
        lead_time: states::lead_time(&client.lead_times),
        failed_calls: calls::failed(&client.failed_calls, &case.requests),
    }
}

/// How many orders there are; those that were refused are none.
#[must_use]
pub fn orders<'a>(pairs: &[Pair<'a>], refused: u64) -> Orders {
    let count = |wanted: fn(&Pair<'a>) -> bool| pairs.iter().filter(|pair| wanted(pair)).count() as u64;
    Orders {
        initiated: pairs.len() as u64,
        refused,
        closed: count(|pair| pair.truth.closed_ns.is_some()),
        in_flight: count(|pair| pair.truth.class == Class::InFlight),
        analysed: count(|pair| pair.finding.is_some()),
        borderline: count(|pair| pair.truth.borderline),
        bad: count(Pair::bad),
    }
}

/// Orders by what became of them, worst first.
#[must_use]
pub fn classes(pairs: &[Pair<'_>]) -> Ordered<u64> {
    let mut counts: BTreeMap<Class, u64> = BTreeMap::new();
    for pair in pairs {
        *counts.entry(pair.truth.class).or_insert(0) += 1;
    }
    counts.into_iter().map(|(class, count)| (class.name().to_owned(), count)).collect()
}

/// Whether one type of client fares so much worse than another that it is worth a word.
#[must_use]
pub fn differ(report: &Report) -> bool {
    let shares: Vec<(u64, u64)> = report.clients.0.iter().map(|(_, row)| (row.orders.bad, row.orders.initiated)).collect();
    shares.iter().any(|worse| shares.iter().any(|better| apart(*worse, *better)))
}

/// Bad orders of all, worse and better: twice the share, and on either side ten orders more or fewer than the other's share would
/// make of them. Less may be an accident.
fn apart(worse: (u64, u64), better: (u64, u64)) -> bool {
    const ENOUGH: f64 = 10.0;
    let (Some(most), Some(least)) = (exposure::share(worse.0, worse.1), exposure::share(better.0, better.1)) else {
        return false;
    };
    let (too_many, too_few) = (worse.0 as f64 - least * worse.1 as f64, most * better.1 as f64 - better.0 as f64);
    most >= 2.0 * least && too_many >= ENOUGH && too_few >= ENOUGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{case::Client, evaluate::judge, sample};

    #[test]
    fn what_clients_have_apart_adds_up_to_what_they_have_together() {
        let report = judge(sample::blind_hop()).report;
        let rows = || report.clients.0.iter().map(|(_, row)| row);
        assert_eq!(report.clients.0.iter().map(|(client, _)| client.as_str()).collect::<Vec<_>>(), ["api_partner", "retail"]);
        let sum = |of: fn(&ClientRow) -> u64| rows().map(of).sum::<u64>();
        assert_eq!((sum(|row| row.orders.initiated), sum(|row| row.orders.bad)), (report.orders.initiated, report.orders.bad));
        assert_eq!(sum(|row| row.exposure.exposed), report.exposure.exposed);
        assert_eq!(sum(|row| row.exposure.false_alarms), report.exposure.false_alarms);
        assert_eq!(sum(|row| row.truth.get("lost").copied().unwrap_or(0)), 29);
        assert_eq!(sum(|row| row.lead_time.row.count), report.lead_time.row.count);
    }

    #[test]
    fn who_was_only_turned_away_has_a_row_all_the_same() {
        let mut case = sample::calm_week();
        case.truths.retain(|truth| &*truth.client_type == "retail");
        case.findings.retain(|finding| &*finding.client_type == "retail");
        case.clients.insert("api_partner".into(), Client { refused: 3, ..Client::default() });
        let report = judge(case).report;
        let partner = report.clients.get("api_partner").unwrap();
        assert_eq!((partner.orders.initiated, partner.orders.refused, report.orders.refused), (0, 3, 3));
        assert_eq!((partner.exposure.recall, partner.lead_time.overdue_share), (None, None));
    }

    #[test]
    fn nine_orders_more_or_fewer_are_an_accident_and_ten_tell_clients_apart() {
        assert_eq!([9, 10].map(|bad| apart((bad, 100), (0, 100))), [false, true]);
        assert_eq!([99, 100].map(|of| apart((100, 1_000), (0, of))), [false, true], "whoever has few orders has few bad ones");
    }

    #[test]
    fn twice_the_share_is_worth_a_word_and_less_is_not() {
        assert_eq!([50, 51].map(|bad| apart((100, 1_000), (bad, 1_000))), [true, false]);
        assert!(!apart((0, 100), (0, 100)) && !apart((5, 5), (0, 0)));
        assert!(!differ(&judge(sample::blind_hop()).report), "two thirds of all orders, and of the bad ones");
    }
}
