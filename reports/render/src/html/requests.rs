//! How long requests took, and what they waited for: each route while no fault lasted, and while those did that made it slow.

use std::collections::BTreeSet;

use judge::{
    report::{Report, RequestRow},
    requests::{self, spent_on},
    words,
};
use maud::{Markup, html};

/// A row, and whether its fault made the route slow.
type Shown<'a> = (&'a RequestRow, bool);

pub(super) fn section(report: &Report) -> Markup {
    let rows = &report.requests;
    let slow: Vec<Shown<'_>> = requests::routes(rows).flat_map(compared).collect();
    let calm: Vec<Shown<'_>> = rows.iter().filter(|row| row.during.is_none()).map(|row| (row, false)).collect();
    html! {
        section id="requests" {
            h2 { "Requests" }
            @if rows.is_empty() {
                p class="empty" { "The telemetry shows none." }
            } @else {
                p class="lead" {
                    "How long services took to answer, by their own spans, and what they spent it on. "
                    "Times are as measured, also in a run that was shortened."
                }
                @if slow.is_empty() { p class="empty" { "No fault made any route slow." } } @else { (table(report, &slow, "Routes that a fault made slow")) }
                details class="numbers-of" { summary { "All routes while no fault lasted" } (table(report, &calm, "All routes")) }
            }
        }
    }
}

fn table(report: &Report, rows: &[Shown<'_>], label: &str) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(label) {
            table {
                thead {
                    tr {
                        th scope="col" { "Route" } th scope="col" { "Service" } th scope="col" { "While" } th scope="col" class="num" { "Requests" }
                        th scope="col" class="num" { "p50" } th scope="col" class="num" { "p95" } th scope="col" class="num" { "longest" }
                        th scope="col" { "Spent on" }
                    }
                }
                tbody { @for row in rows { (request(report, row)) } }
            }
        }
    }
}

/// A route that a fault made slow is shown as it was otherwise, and in each fault of that kind: they are there to be compared.
fn compared(route: &[RequestRow]) -> Vec<Shown<'_>> {
    let kind = |row: &'_ RequestRow| row.during.as_deref().and_then(|fault| fault.split('@').next()).map(str::to_owned);
    let shown: Vec<Shown<'_>> = route.iter().map(|row| (row, requests::slower(route, row).is_some())).collect();
    let slow: BTreeSet<Option<String>> = shown.iter().filter(|(_, slow)| *slow).map(|(row, _)| kind(row)).collect();
    let belongs = |row: &RequestRow| !slow.is_empty() && (row.during.is_none() || slow.contains(&kind(row)));
    shown.into_iter().filter(|(row, _)| belongs(row)).collect()
}

fn request(report: &Report, (row, slow): &Shown<'_>) -> Markup {
    let fault = report.faults.iter().find(|fault| row.during.as_ref() == Some(&fault.name));
    html! {
        tr {
            th scope="row" { code { (row.route) } }
            td { (row.service) }
            td {
                @match &row.during {
                    Some(name) => { (name) @if let Some(proof) = fault.and_then(|fault| fault.proof.as_ref()) { small { (proof) } } }
                    None => { "no fault" }
                }
            }
            td class="num" { (words::count(row.count)) }
            td class="num" { (words::duration(row.p50_s)) }
            td class="num" {
                @if *slow { span class="standing bad" { i aria-hidden="true" { "✕" } (words::duration(row.p95_s)) } } @else { (words::duration(row.p95_s)) }
            }
            td class="num" { (words::duration(row.max_s)) }
            td { (spent_on(row)) }
        }
    }
}
