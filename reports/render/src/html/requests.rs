//! How long requests took, and what they waited for: each route while no fault lasted, and while those did that made it slow.

use judge::{
    report::{Report, RequestRow, WaitsFor},
    requests, words,
};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    let rows: Vec<&RequestRow> = report.requests.iter().filter(|row| shown(&report.requests, row)).collect();
    html! {
        section id="requests" {
            h2 { "Requests" }
            @if rows.is_empty() {
                p class="empty" { "The telemetry shows none." }
            } @else {
                p class="lead" {
                    "How long services took to answer, from their spans, and what they spent it on. A fault has a row of its own where it made the route slow. "
                    "Times are as measured, also in a run that was shortened."
                }
                div class="scroll" tabindex="0" role="region" aria-label="Requests" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Route" } th scope="col" { "Service" } th scope="col" { "While" } th scope="col" class="num" { "Requests" }
                                th scope="col" class="num" { "p50" } th scope="col" class="num" { "p95" } th scope="col" class="num" { "longest" }
                                th scope="col" { "Waits for" }
                            }
                        }
                        tbody { @for row in rows { (request(report, row)) } }
                    }
                }
            }
        }
    }
}

/// A fault is shown where it, or another one of its kind, made the route slow: they are there to be compared.
fn shown(rows: &[RequestRow], row: &RequestRow) -> bool {
    let kind = |row: &RequestRow| row.during.as_deref().and_then(|fault| fault.split('@').next()).map(str::to_owned);
    let alike = |other: &&RequestRow| other.service == row.service && other.route == row.route && kind(other) == kind(row);
    row.during.is_none() || rows.iter().filter(alike).any(|row| requests::slower(rows, row).is_some())
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
            td { (waits_for(row)) }
        }
    }
}

/// `the database, 94 %`.
pub(crate) fn waits_for(row: &RequestRow) -> String {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    match row.waits_for {
        WaitsFor::Database => format!("the database, {}", percent(row.database)),
        WaitsFor::Calls => format!("others it calls, {}", percent(row.calls)),
        WaitsFor::Nobody => "nobody".to_owned(),
    }
}
