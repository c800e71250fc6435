//! Calls of clients that failed, and whether a trace says of each why: who is turned away asks, and somebody has to find the answer.

use std::collections::BTreeMap;

use detector::{Failure, Route};
#[cfg(test)]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{case::Call, clients::ClientRow, ordered::Ordered};

/// The calls of one type of client that were not answered with success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct FailedCalls {
    /// Refused, or failed: answered with a status that is no success.
    pub answered: u64,
    /// Of those: a span of the service that answered says why.
    pub traced: u64,
    /// Why, as those spans say it: how often each.
    pub causes: BTreeMap<String, u64>,
    /// Those that nobody answered: the connection was refused or broke, and who was not reached has no trace of it.
    pub unanswered: u64,
}

/// The failed calls of a type of client.
#[must_use]
pub fn failed(calls: &[Call], routes: &[Route]) -> FailedCalls {
    let (answered, unanswered): (Vec<&Call>, Vec<&Call>) = calls.iter().partition(|call| call.status.is_some());
    let mut row = FailedCalls { answered: answered.len() as u64, unanswered: unanswered.len() as u64, ..FailedCalls::default() };
    let mut told = Told::by(routes);
    for failure in answered.into_iter().filter_map(|call| told.take(call)) {
        row.traced += 1;
        *row.causes.entry(failure.cause.clone()).or_default() += 1;
    }
    row
}

/// The failures that services tell of, by their begin; each explains one call. A front knows no more than what the service behind it
/// answered, so whoever began last knows why.
struct Told<'a>(Vec<(&'a Failure, bool)>);

impl<'a> Told<'a> {
    fn by(routes: &'a [Route]) -> Self {
        let failures = routes.iter().flat_map(|route| &route.failures);
        let mut failures: Vec<(&Failure, bool)> = failures.map(|failure| (failure, false)).collect();
        failures.sort_unstable();
        Self(failures)
    }

    /// The failure that is this call's: at the time, with the answer, and of the order where it names one.
    fn take(&mut self, call: &Call) -> Option<&'a Failure> {
        let about = |failure: &Failure| {
            let named = |order: &String| call.order.iter().flatten().any(|known| **known == **order);
            failure.orders.is_empty() || failure.orders.iter().any(named)
        };
        let tells = |failure: &Failure| failure.end_ns <= call.ended_ns && failure.status == call.status && about(failure);
        let [first, beyond] =
            [call.asked_ns, call.ended_ns + 1].map(|at| self.0.partition_point(|(failure, _)| failure.at_ns < at));
        let mut free = self.0[first..beyond].iter_mut().rev().filter(|(_, taken)| !taken);
        let (failure, taken) = free.find(|(failure, _)| tells(failure))?;
        *taken = true;
        Some(failure)
    }
}

/// How many failed calls of a type of client no trace explains, though somebody answered them; by name, where there are any.
pub fn unexplained(clients: &Ordered<ClientRow>) -> impl Iterator<Item = (&str, u64)> {
    let left = clients.0.iter().map(|(client, row)| (client.as_str(), row.failed_calls.answered - row.failed_calls.traced));
    left.filter(|(_, calls)| *calls > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(asked_ns: u64, status: Option<u16>, order: &str) -> Call {
        Call { asked_ns, ended_ns: asked_ns + 10, status, order: [None, Some(order.into())] }
    }

    fn failure(at_ns: u64, status: u16, orders: &[&str]) -> Failure {
        let orders = orders.iter().map(|order| (*order).to_owned()).collect();
        Failure { at_ns, end_ns: at_ns + 5, status: Some(status), cause: "08006".to_owned(), orders }
    }

    fn judged(calls: &[Call], failures: Vec<Failure>) -> (u64, u64, u64) {
        let route = Route { service: "shop-api".into(), name: "POST /partner/orders".to_owned(), requests: Vec::new(), failures };
        let row = failed(calls, &[route]);
        assert_eq!(row.causes.values().sum::<u64>(), row.traced);
        (row.answered, row.traced, row.unanswered)
    }

    #[test]
    fn a_trace_explains_a_call_at_the_same_time_with_the_same_answer_about_the_same_order() {
        let calls = [call(100, Some(503), "p-1")];
        assert_eq!(judged(&calls, vec![failure(102, 503, &["o-1", "p-1"])]), (1, 1, 0));
        assert_eq!(judged(&calls, vec![failure(102, 503, &["p-2"])]), (1, 0, 0));
        assert_eq!(judged(&calls, vec![failure(102, 409, &["p-1"])]), (1, 0, 0));
        assert_eq!(judged(&calls, vec![failure(106, 503, &["p-1"])]), (1, 0, 0), "it was answered before");
        assert_eq!(judged(&calls, vec![failure(99, 503, &["p-1"])]), (1, 0, 0), "it came before");
        assert_eq!(judged(&calls, vec![failure(102, 503, &[])]), (1, 1, 0), "what cannot be read names no order");
    }

    #[test]
    fn the_service_behind_a_front_knows_why() {
        let front = Failure { cause: "503".to_owned(), end_ns: 108, ..failure(101, 503, &["o-1"]) };
        let route = |service: &str, failure| Route {
            service: service.into(),
            name: "POST /orders/{id}/submit".to_owned(),
            requests: Vec::new(),
            failures: vec![failure],
        };
        let routes = [route("internet-shop", front), route("shop-api", failure(102, 503, &["o-1"]))];
        let call = Call { order: [Some("o-1".into()), None], ..call(100, Some(503), "c-1") };
        assert_eq!(failed(&[call], &routes).causes, BTreeMap::from([("08006".to_owned(), 1)]));
    }

    #[test]
    fn a_trace_explains_one_call() {
        let calls = [call(100, Some(400), "p-1"), call(101, Some(400), "p-2")];
        assert_eq!(judged(&calls, vec![failure(102, 400, &[])]), (2, 1, 0));
        assert_eq!(judged(&calls, vec![failure(102, 400, &[]), failure(102, 400, &[])]), (2, 2, 0));
    }

    #[test]
    fn who_was_not_reached_has_no_trace_to_miss() {
        assert_eq!(judged(&[call(100, None, "p-1")], Vec::new()), (0, 0, 1));
    }
}
