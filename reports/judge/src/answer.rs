//! The run in one sentence.

use crate::{
    outcome::Base,
    report::{BadHop, Exposure, Orders},
    words,
};

/// What happened, and whether the traces show it.
#[must_use]
pub fn answer(orders: &Orders, exposure: &Exposure, hops: &[BadHop], base: &Base<'_>) -> String {
    let initiated = words::count(orders.initiated);
    if orders.initiated == 0 {
        return "No order was initiated: nothing can be said.".to_owned();
    }
    let happened = if orders.bad == 0 {
        format!("Nothing went wrong with any of {}", words::several(orders.initiated, "order"))
    } else {
        format!("{} of {initiated} orders {}", words::count(orders.bad), fates(hops, orders.bad))
    };
    format!("{happened}; {}.", testimony(orders, exposure, hops, base))
}

fn testimony(orders: &Orders, exposure: &Exposure, hops: &[BadHop], base: &Base<'_>) -> String {
    if base.gap.is_some() {
        return "the traces are not all there, so they prove nothing".to_owned();
    }
    if orders.analysed == 0 {
        return "the traces name none of them, so they prove nothing".to_owned();
    }
    let alarms = match exposure.false_alarms {
        0 => String::new(),
        alarms => format!(", with {} for orders that are fine", words::several(alarms, "alarm")),
    };
    match (orders.bad, exposure.exposed) {
        (0, _) if exposure.false_alarms == 0 => "the traces raise no alarm".to_owned(),
        (0, _) => format!("the traces raise {} all the same", words::several(exposure.false_alarms, "alarm")),
        (1, 1) => format!("the traces expose it{}{alarms}", elsewhere(hops)),
        (bad, exposed) if bad == exposed => format!("the traces expose every one of them{}{alarms}", elsewhere(hops)),
        (_, 0) => format!("the traces expose none of them{alarms}"),
        (bad, exposed) => {
            let blind: Vec<String> = hops.iter().filter(|hop| hop.blind).filter_map(|hop| hop.hop.clone()).collect();
            let places = if blind.is_empty() { String::new() } else { format!(" at {}", words::list(&unique(blind))) };
            format!(
                "the traces expose {} and are blind to {}{places}{alarms}",
                words::count(exposed),
                words::count(bad - exposed)
            )
        }
    }
}

/// How many are exposed in the wrong place.
fn elsewhere(hops: &[BadHop]) -> String {
    let astray: u64 =
        hops.iter().map(|hop| hop.exposure.exposed.saturating_sub(hop.exposure.right_hop + hop.exposure.hop_in_doubt)).sum();
    if astray == 0 { String::new() } else { format!(", but {} at the wrong hop", words::count(astray)) }
}

fn unique(mut places: Vec<String>) -> Vec<String> {
    places.dedup();
    places.truncate(3);
    places
}

/// `were lost`, or `went wrong: 29 were lost, 12 were slow`.
fn fates(hops: &[BadHop], bad: u64) -> String {
    let mut by_class: Vec<(&str, u64)> = Vec::new();
    for hop in hops {
        match by_class.last_mut() {
            Some((class, count)) if *class == hop.truth => *count += hop.exposure.orders,
            _ => by_class.push((&hop.truth, hop.exposure.orders)),
        }
    }
    match by_class.as_slice() {
        [(class, _)] => format!("{} {}", if bad == 1 { "was" } else { "were" }, verb(class)),
        several => {
            let each: Vec<String> =
                several.iter().map(|(class, count)| format!("{} {}", words::count(*count), verb(class))).collect();
            format!("went wrong ({})", words::list(&each))
        }
    }
}

fn verb(class: &str) -> &str {
    match class {
        "slow" => "late",
        other => other,
    }
}
