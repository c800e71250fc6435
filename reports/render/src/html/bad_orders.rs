//! The bad orders, those not exposed first; each opens its journey.

use std::collections::BTreeMap;

use judge::{
    report::{BadOrder, BadOrderWithJourney, Miss, Report, Standing},
    words,
};
use maud::{Markup, html};

use super::{journey, marks};

/// Orders listed at most.
const LISTED: usize = 400;
/// Journeys drawn at most: a journey takes about 15 KB.
const DRAWN: usize = 60;
/// Of each kind (truth, hop, standing) at least so many are listed, and drawn.
const OF_EACH_KIND: [usize; 2] = [10, 2];

pub(super) fn section(report: &Report, rows: &[BadOrderWithJourney]) -> Markup {
    let listed = pick(rows, LISTED, OF_EACH_KIND[0]);
    let shown: Vec<&BadOrderWithJourney> = rows.iter().zip(&listed).filter(|(_, listed)| **listed).map(|(row, _)| row).collect();
    let drawn = pick(&shown, DRAWN, OF_EACH_KIND[1]);
    html! {
        section id="orders" {
            h2 { "Bad orders" }
            @if shown.is_empty() {
                p class="empty" { "None of " (words::several(report.orders.initiated, "order")) " is bad, and none was alarmed." }
            } @else {
                p class="lead" { (left_out(rows.len(), shown.len(), drawn.iter().filter(|drawn| **drawn).count())) }
                (controls(&shown))
                (journey::legend())
                div class="orders" {
                    div class="order head" aria-hidden="true" {
                        span { "Order" } span { "Truth" } span { "Verdict" } span { "Standing" } span { "Hop" }
                        span class="num" { "Age" } span class="num" { "Exposed after" }
                    }
                    @for (row, drawn) in shown.iter().zip(&drawn) { (order(row, &report.causes, *drawn)) }
                }
            }
        }
    }
}

/// Some of each kind, then the first ones, `most` in all.
fn pick<R: std::borrow::Borrow<BadOrderWithJourney>>(rows: &[R], most: usize, of_each: usize) -> Vec<bool> {
    let mut kinds: BTreeMap<(&str, Option<&str>, Standing), usize> = BTreeMap::new();
    let mut picked: Vec<bool> = Vec::with_capacity(rows.len());
    let mut left = most;
    for row in rows {
        let order = &row.borrow().order;
        let seen = kinds.entry((&order.truth, order.truth_hop.as_deref(), order.standing)).or_insert(0);
        *seen += 1;
        let pick = *seen <= of_each && left > 0;
        left -= usize::from(pick);
        picked.push(pick);
    }
    for pick in &mut picked {
        if !*pick && left > 0 {
            *pick = true;
            left -= 1;
        }
    }
    picked
}

fn left_out(all: usize, listed: usize, drawn: usize) -> String {
    let [all, listed, drawn] = [all, listed, drawn].map(|number| number as u64);
    let journeys = if drawn == listed {
        ", each with its journey".to_owned()
    } else {
        format!(", {} of them with their journey", words::count(drawn))
    };
    if listed == all {
        return format!("{}{journeys}: open one to see where truth and traces part.", words::several(all, "order"));
    }
    format!(
        "{} of {} are listed here{journeys}; all are in bad-orders.jsonl.",
        words::count(listed),
        words::several(all, "order")
    )
}

/// Filled and shown by the script; without it the list is whole.
fn controls(shown: &[&BadOrderWithJourney]) -> Markup {
    let mut verdicts: Vec<&str> = shown.iter().map(|row| row.order.truth.as_str()).collect();
    let mut standings: Vec<&str> = shown.iter().map(|row| row.order.standing.name()).collect();
    let mut hops: Vec<&str> = shown.iter().filter_map(|row| row.order.truth_hop.as_deref()).collect();
    for values in [&mut verdicts, &mut standings, &mut hops] {
        values.sort_unstable();
        values.dedup();
    }
    let choice = |name: &str, label: &str, values: &[&str]| {
        html! {
            label { (label) select data-filter=(name) { option value="" { "all" } @for value in values { option { (value) } } } }
        }
    };
    html! {
        form class="controls" hidden {
            (choice("truth", "Truth", &verdicts)) (choice("standing", "Standing", &standings)) (choice("hop", "Hop", &hops))
            label {
                "Sort"
                select data-sort {
                    option value="" { "not exposed first" } option value="age" { "oldest first" } option value="after" { "longest to expose" }
                }
            }
            label { "Find" input type="search" data-find placeholder="order or span id"; }
            output aria-live="polite" {}
        }
    }
}

fn order(row: &BadOrderWithJourney, causes: &BTreeMap<String, String>, drawn: bool) -> Markup {
    let order = &row.order;
    let after = order.exposed_after_s;
    html! {
        details class={ "order " (order.standing.name()) } data-truth=(order.truth) data-standing=(order.standing.name())
            data-hop=[order.truth_hop.as_ref()] data-age=(order.age_s) data-after=(after.unwrap_or(-1.0)) {
            summary {
                span class="ref" { (order.order_ref) small { (order.client_type) } }
                span { (marks::verdict(&order.truth)) }
                span { (marks::verdict(&order.verdict)) }
                span { (marks::standing(order.standing)) }
                span class="hopname" { (order.truth_hop.as_deref().or(order.hop.as_deref()).unwrap_or("–")) }
                span class="num" { (words::duration(order.age_s)) }
                span class="num" { @match after { Some(after) => { (marks::after(after)) } None => { "–" } } }
            }
            div class="journey" {
                p class="truth" { b { "Truth" } (marks::verdict(&order.truth)) (truth(order)) }
                @if drawn { (journey::drawing(row)) } @else { p class="left-out" { "The journey is left out here; it is in bad-orders.jsonl." } }
                p class="testimony" { b { "Traces" } (marks::verdict(&order.verdict)) (testimony(order, causes)) }
                (evidence(order))
            }
        }
    }
}

fn truth(order: &BadOrder) -> Markup {
    let since = order.since_s.map(|since| since - order.initiated_s);
    html! {
        span {
            @if let Some(hop) = &order.truth_hop { "at " code { (hop) } " · " }
            @if let Some(since) = since { "from " (words::duration(since)) " after it was initiated · " }
            @if order.faults.is_empty() { "no fault hit it" } @else { (words::list(&order.faults)) }
        }
    }
}

fn testimony(order: &BadOrder, causes: &BTreeMap<String, String>) -> Markup {
    let cause = order.cause.as_ref().map(|cause| causes.get(cause).unwrap_or(cause).clone());
    let alarm = order.alarmed_s.map(|alarmed| {
        let after = match order.exposed_after_s {
            None => String::new(),
            Some(after) if after > 0.0 => format!(", {} after it went wrong", words::duration(after)),
            Some(_) if order.since_s.is_some_and(|since| alarmed < since) => ", before it went wrong".to_owned(),
            Some(_) => ", as soon as it went wrong".to_owned(),
        };
        format!("alarm {} after it was initiated{after}", words::duration(alarmed - order.initiated_s))
    });
    let miss = order.miss.map(|miss| match miss {
        Miss::ExposableButMissed => "exposable but missed".to_owned(),
        Miss::NotExposableWithThisInstrumentation => "not exposable with this instrumentation".to_owned(),
    });
    let rest = [
        order.right_hop.then(|| "✓ the right hop".to_owned()),
        order.hop_in_doubt.then(|| "how much further it came nobody can tell".to_owned()),
        alarm,
        Some(format!("{} of {} hops seen", order.hops.seen, order.hops.expected)),
        order.tier.as_ref().map(|tier| format!("tier {tier}")),
        cause,
        order.behind.as_ref().map(|behind| format!("{} of it behind {}", words::duration(behind.for_s), behind.order_id)),
        miss,
    ];
    html! {
        span {
            @if let Some(hop) = &order.hop { "at " code { (hop) } " · " }
            (rest.into_iter().flatten().collect::<Vec<_>>().join(" · "))
        }
    }
}

fn evidence(order: &BadOrder) -> Markup {
    html! {
        div class="evidence" {
            span class="label" { "Order id" } code { (order.order_id) }
            @if let Some(url) = &order.trace_url { a href=(url) { "look at its last trace" } }
            @if let Some(url) = &order.logs_url { a href=(url) { "read its log" } }
            @if order.evidence.is_empty() { span { "no span speaks of it" } } @else {
                span class="label" { "Spans (trace id, span id)" }
                ul { @for span in &order.evidence { li { code { (span.trace_id) " " (span.span_id) } } } }
            }
            @if !order.records.is_empty() {
                span class="label" { "Other records (time since it was initiated)" }
                ul { @for record in &order.records { li {
                    code { (record.source) " " (record.name) } " " (words::duration(record.at_s - order.initiated_s)) ": " (record.says)
                } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use judge::{judge, report::RecordRow, sample, sample::Shape};

    use super::*;

    #[test]
    fn each_kind_has_its_place_even_when_another_would_fill_the_page() {
        let rows = judge(sample::case(Shape { orders: 3_000, lost: 2_000, unseen: 1_000, slow: 20, false_alarms: 5 })).bad_orders;
        let picked = pick(&rows, 100, 10);
        let count =
            |standing| rows.iter().zip(&picked).filter(|(row, picked)| **picked && row.order.standing == standing).count();
        assert_eq!(picked.iter().filter(|picked| **picked).count(), 100);
        assert_eq!((count(Standing::FalseAlarm), count(Standing::Exposed)), (5, 20));
    }

    #[test]
    fn a_log_record_that_a_verdict_rests_on_is_named() {
        let mut order = judge(sample::broker_kill()).bad_orders.swap_remove(0).order;
        let at_s = order.initiated_s + 90.0;
        order.records = vec![RecordRow { source: "log".into(), at_s, name: "crm-api".into(), says: "recorded CLOSED".into() }];
        assert!(evidence(&order).into_string().contains("<code>log crm-api</code> 1 min 30 s: recorded CLOSED"));
    }

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(left_out(41, 41, 41), "41 orders, each with its journey: open one to see where truth and traces part.");
        let some = "400 of 8,500 orders are listed here, 60 of them with their journey; all are in bad-orders.jsonl.";
        assert_eq!(left_out(8_500, 400, 60), some);
    }
}
