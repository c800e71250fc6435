//! How long requests took, and what they waited for: each route while no fault lasted, and while those did that made it slow.

use judge::{
    report::{Report, RequestRow, WaitsFor},
    requests, words,
};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    let rows = &report.requests;
    let slow: Vec<&RequestRow> = rows.iter().filter(|row| compared(rows, row)).collect();
    let calm: Vec<&RequestRow> = rows.iter().filter(|row| row.during.is_none()).collect();
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

fn table(report: &Report, rows: &[&RequestRow], label: &str) -> Markup {
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
fn compared(rows: &[RequestRow], row: &RequestRow) -> bool {
    let kind = |row: &RequestRow| row.during.as_deref().and_then(|fault| fault.split('@').next()).map(str::to_owned);
    let alike = |other: &&RequestRow| {
        other.service == row.service && other.route == row.route && (row.during.is_none() || kind(other) == kind(row))
    };
    rows.iter().filter(alike).any(|row| requests::slower(rows, row).is_some())
}

fn request(report: &Report, row: &RequestRow) -> Markup {
    let fault = report.faults.iter().find(|fault| row.during.as_ref() == Some(&fault.name));
    let slower = requests::slower(&report.requests, row);
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
                @match slower {
                    Some(_) => { span class="standing bad" { i aria-hidden="true" { "✕" } (words::duration(row.p95_s)) } }
                    None => { (words::duration(row.p95_s)) }
                }
            }
            td class="num" { (words::duration(row.max_s)) }
            td { (spent_on(row)) }
        }
    }
}

/// `the database, 94 %`.
pub(crate) fn spent_on(row: &RequestRow) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    match row.waits_for {
        WaitsFor::Database => format!("the database, {}", percent(row.database)),
        WaitsFor::Calls => format!("others it calls, {}", percent(row.calls)),
        WaitsFor::Unsaid => "itself, or what has no span".to_owned(),
    }
}
