//! Single orders that fared differently: the client's own reference names an order in every world.

use std::collections::BTreeMap;

use judge::{report::BadOrder, words};

use crate::{Likeness, Row, summary::at};

/// So many are listed.
const MOST: usize = 10;

/// Orders of the same run done again; with other draws there is none to find again.
pub(crate) fn rows(a: &[BadOrder], b: &[BadOrder], likeness: Likeness) -> Vec<Row> {
    if likeness == Likeness::Alike {
        return Vec::new();
    }
    let mut by_ref: BTreeMap<&str, [Option<&BadOrder>; 2]> = BTreeMap::new();
    for (run, orders) in [a, b].into_iter().enumerate() {
        for order in orders {
            by_ref.entry(&order.order_ref).or_default()[run] = Some(order);
        }
    }
    let mut differing = by_ref.into_iter().filter(|(_, [a, b])| a.map(key) != b.map(key));
    let mut rows: Vec<Row> = differing
        .by_ref()
        .take(MOST)
        .map(|(order, [a, b])| Row::new(order, says(a), says(b)).differs_if(true, || "it fared otherwise".to_owned()))
        .collect();
    let more = differing.count() as u64;
    if more > 0 {
        let others = format!("{} others", words::count(more));
        rows.push(Row::new(others, "", "").differs_if(true, || "they fared otherwise".to_owned()));
    }
    rows
}

/// What must not change.
fn key(order: &BadOrder) -> (&str, Option<&str>, &str, Option<&str>, Option<&str>) {
    (&order.truth, order.truth_hop.as_deref(), &order.verdict, order.hop.as_deref(), order.cause.as_deref())
}

fn says(order: Option<&BadOrder>) -> String {
    let Some(order) = order else { return "fine".to_owned() };
    let truth = at(&order.truth, order.truth_hop.as_deref());
    let said = at(&order.verdict, order.hop.as_deref());
    let cause = order.cause.as_deref().map_or_else(String::new, |cause| format!(" ({cause})"));
    if truth == said { format!("{truth}{cause}") } else { format!("{truth}, said to be {said}{cause}") }
}
