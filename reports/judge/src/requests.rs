//! How long requests took and what they waited for: while no fault lasted, and while each one did.
//!
//! This is what a slow list shows in: it loses no order and breaks no deadline.

use detector::{Request, Route};
use faults::{Effect, Fault};

#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{case::Case, exposure::nanoseconds, metrics::percentile, words};

/// The requests of one route, from the service's own spans. Seconds as measured, to the millisecond.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct RequestRow {
    /// Who answered them.
    pub service: String,
    /// Method and path template.
    pub route: String,
    /// The fault that lasted when they came; null: none did.
    pub during: Option<String>,
    /// How many.
    pub count: u64,
    /// Half of them took at most this.
    pub p50_s: f64,
    /// 95 % took at most this.
    pub p95_s: f64,
    /// 99 % took at most this.
    pub p99_s: f64,
    /// The longest.
    pub max_s: f64,
    /// The share of their time that they waited for a database, 0 to 1.
    pub database: f64,
    /// The share that they waited for another service, the broker or the object store.
    pub calls: f64,
    /// What took more than half of it.
    pub waits_for: WaitsFor,
}

/// What takes more than half of the time of a route's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WaitsFor {
    /// The service's database.
    Database,
    /// Another service, the broker or the object store.
    Calls,
    /// None of them: the service works itself, or waits for something that has no span.
    Unsaid,
}

/// Times are to the millisecond: five of them are more than this, whatever binary fractions make of the difference. Seconds.
const NEARLY_FIVE_MS: f64 = 0.0045;

/// A fault's name and its window, nanoseconds since the Unix epoch.
type During<'a> = (&'a str, u64, u64);

/// One row for each route while no fault lasted, then one for each fault that lasted while it was asked for.
#[must_use]
pub fn rows(case: &Case) -> Vec<RequestRow> {
    let faults = windows(case);
    case.requests.iter().flat_map(|route| of_route(route, &faults)).collect()
}

fn windows(case: &Case) -> Vec<During<'_>> {
    let window = |(fault, _): &'_ (Fault, Vec<Effect>)| {
        let from = case.run.epoch_ns.saturating_add(nanoseconds(fault.at));
        (from, from.saturating_add(nanoseconds(fault.lasts)))
    };
    let named = case.faults.iter().map(|fault| (&*fault.0.name, window(fault)));
    let mut windows: Vec<During<'_>> = named.map(|(name, (from, until))| (name, from, until)).collect();
    windows.sort_by_key(|(name, from, _)| (*from, *name));
    windows
}

/// The requests are sorted by their begin, so those of a window stand together.
fn of_route(route: &Route, faults: &[During<'_>]) -> Vec<RequestRow> {
    let mut calm = vec![true; route.requests.len()];
    let mut during = Vec::new();
    for (fault, from, until) in faults {
        let [begin, end] = [from, until].map(|at| route.requests.partition_point(|request| request.at_ns < *at));
        calm[begin..end].fill(false);
        during.extend(row(route, Some(fault), &route.requests[begin..end]));
    }
    let calm: Vec<Request> = route.requests.iter().zip(calm).filter(|(_, calm)| *calm).map(|(request, _)| *request).collect();
    row(route, None, &calm).into_iter().chain(during).collect()
}

/// `None` of no requests.
#[expect(clippy::cast_precision_loss, reason = "shares to look at")]
fn row(route: &Route, during: Option<&str>, requests: &[Request]) -> Option<RequestRow> {
    let mut took: Vec<u64> = requests.iter().map(|request| request.took_ns).collect();
    took.sort_unstable();
    let sum = |of: fn(&Request) -> u64| requests.iter().map(|request| u128::from(of(request))).sum::<u128>() as f64;
    let all = sum(|request| request.took_ns);
    let share = |part: f64| if all > 0.0 { part / all } else { 0.0 };
    let (database, calls) = (share(sum(|request| request.database_ns)), share(sum(|request| request.calls_ns)));
    let at = |percent: f64| percentile(&took, percent).map(words::seconds);
    Some(RequestRow {
        service: route.service.to_string(),
        route: route.name.clone(),
        during: during.map(str::to_owned),
        count: took.len() as u64,
        p50_s: at(50.0)?,
        p95_s: at(95.0)?,
        p99_s: at(99.0)?,
        max_s: at(100.0)?,
        database,
        calls,
        waits_for: WaitsFor::of(database, calls),
    })
}

impl WaitsFor {
    /// What takes more than half of the time is what a request waits for.
    fn of(database: f64, calls: f64) -> Self {
        match (database > 0.5, calls > 0.5) {
            (true, _) => Self::Database,
            (_, true) => Self::Calls,
            _ => Self::Unsaid,
        }
    }
}

/// The rows of each route.
pub fn routes(rows: &[RequestRow]) -> impl Iterator<Item = &[RequestRow]> {
    rows.chunk_by(|a, b| (&a.service, &a.route) == (&b.service, &b.route))
}

/// The row of a route while no fault lasted, of all its rows.
#[must_use]
pub fn calm(route: &[RequestRow]) -> Option<&RequestRow> {
    route.first().filter(|row| row.during.is_none())
}

/// How many times longer 95 % of the requests of a row took at most, next to those of its route while no fault lasted; `None` where that
/// is not worth a word: less than twice as long, or by less than five milliseconds.
#[must_use]
pub fn slower(route: &[RequestRow], row: &RequestRow) -> Option<f64> {
    let calm = calm(route).filter(|_| row.during.is_some())?;
    let slower = row.p95_s >= 2.0 * calm.p95_s && row.p95_s - calm.p95_s > NEARLY_FIVE_MS;
    slower.then(|| row.p95_s / calm.p95_s.max(0.001))
}

/// `the database, 94 %`.
#[must_use]
pub fn spent_on(row: &RequestRow) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    match row.waits_for {
        WaitsFor::Database => format!("the database, {}", percent(row.database)),
        WaitsFor::Calls => format!("others it calls, {}", percent(row.calls)),
        WaitsFor::Unsaid => "itself, or what has no span".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: u64 = 1_000_000;

    fn request(at_s: u64, took: u64, database: u64, calls: u64) -> Request {
        let [took_ns, database_ns, calls_ns] = [took, database, calls].map(|ms| ms * MS);
        Request { at_ns: at_s * 1_000_000_000, took_ns, database_ns, calls_ns }
    }

    fn case(requests: Vec<Request>) -> Case {
        let kind = faults::TABLE_GROWN.with("rows", 100_000_u64);
        let fault =
            Fault { name: "table-grown@1".to_owned(), kind, at: Duration::from_secs(100), lasts: Duration::from_secs(50) };
        let route = Route { service: "mes-api".into(), name: "GET /orders".to_owned(), requests, failures: Vec::new() };
        Case { faults: vec![(fault, Vec::new())], requests: vec![route], ..Case::default() }
    }

    #[test]
    fn a_list_that_is_slow_while_its_table_is_large_waits_for_the_database() {
        let rows = rows(&case(vec![request(10, 4, 3, 0), request(99, 4, 3, 0), request(100, 30, 29, 0), request(150, 4, 3, 0)]));
        let [calm, grown] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((calm.during.as_deref(), calm.count, calm.p95_s), (None, 3, 0.004));
        assert_eq!((grown.during.as_deref(), grown.count, grown.p95_s), (Some("table-grown@1"), 1, 0.03));
        assert_eq!(grown.waits_for, WaitsFor::Database);
        assert_eq!(slower(&rows, grown), Some(7.5));
        assert_eq!(slower(&rows, calm), None);
    }

    #[test]
    fn four_milliseconds_more_are_not_worth_a_word_and_five_are() {
        let slow = |took| {
            let rows = rows(&case(vec![request(10, 4, 3, 0), request(120, took, 3, 0)]));
            slower(&rows, &rows[1])
        };
        assert_eq!((slow(8), slow(9)), (None, Some(2.25)));
    }

    #[test]
    fn what_no_span_accounts_for_is_left_unsaid() {
        let waits = |requests| rows(&case(requests)).remove(0).waits_for;
        assert_eq!(waits(vec![request(1, 10, 5, 5)]), WaitsFor::Unsaid);
        assert_eq!(waits(vec![request(1, 10, 1, 6)]), WaitsFor::Calls);
        assert_eq!(waits(vec![request(1, 0, 0, 0)]), WaitsFor::Unsaid);
    }
}
