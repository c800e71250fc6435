//! The orders of each type of client apart: nothing where there is only one.

use judge::{
    clients::ClientRow,
    report::{Exposed, FailedCalls, Report},
    words,
};
use maud::{Markup, html};

use super::{exposure, marks};

/// Whether there is more than one type of client to tell apart.
pub(super) const fn apart(report: &Report) -> bool {
    report.clients.0.len() > 1
}

pub(super) fn section(report: &Report) -> Markup {
    html! {
        @if apart(report) {
            section id="clients" {
                h2 { "Clients apart" }
                p class="lead" { "Customers click, and partners' programs send: what went wrong with the orders of either, and whether the traces show it." }
                div class="scroll" tabindex="0" role="region" aria-label="Clients apart" {
                    table class="cards" {
                        thead {
                            tr {
                                th scope="col" { "Client" } th scope="col" class="num" { "Orders" } th scope="col" { "Failed calls" } th scope="col" class="num" { "Turned away" }
                                th scope="col" class="num" { "Bad orders" } th scope="col" { "Of those" } th scope="col" { "Exposed" }
                                th scope="col" class="num" { "False alarms" }
                                th scope="col" class="num" { "Lead time" br; small { "p95" } }
                                th scope="col" class="num" { "Overdue" br; small { (promise(report)) } }
                            }
                        }
                        tbody { @for (client, row) in &report.clients.0 { (client_row(client, row)) } }
                    }
                }
            }
        }
    }
}

fn promise(report: &Report) -> String {
    report.lead_time.row.sla_s.map_or_else(|| "nothing promised".to_owned(), |sla| format!("{} promised", words::duration(sla)))
}

fn client_row(client: &str, row: &ClientRow) -> Markup {
    let (orders, exposure) = (&row.orders, &row.exposure);
    let bad = row.truth.0.iter().filter(|(class, _)| class != "ok" && class != "in-flight");
    let exposed = Exposed {
        orders: orders.bad,
        exposed: exposure.exposed,
        missed: exposure.missed,
        unknown: exposure.unknown,
        ..Exposed::default()
    };
    let overdue = row.lead_time.row.breaches;
    html! {
        tr {
            th scope="row" { (client) }
            td class="num" data-label="Orders" { (words::count(orders.initiated)) }
            td data-label="Failed calls" { (failed_calls(&row.failed_calls)) }
            td class="num" data-label="Turned away" { (words::count(orders.refused)) }
            td class="num" data-label="Bad orders" { (words::count(orders.bad)) }
            td data-label="Of those" { @if orders.bad == 0 { "–" } @else { span class="classes" { @for (class, count) in bad { span { (words::count(*count)) " " (marks::verdict(class)) } } } } }
            td data-label="Exposed" { (exposure::exposed(&exposed)) }
            td class="num" data-label="False alarms" { (words::count(exposure.false_alarms)) }
            td class="num" data-label="Lead time" { (row.lead_time.p95_s.map_or_else(|| "–".to_owned(), words::duration)) }
            td class="num" data-label="Overdue" { @if overdue == 0 { "0" } @else { span class="standing bad" { i aria-hidden="true" { "✕" } (words::count(overdue)) } } }
        }
    }
}

/// Causes before the rest is only counted.
const MOST: usize = 3;

/// `08006, too_large and 2 more`, the most frequent first.
fn causes(calls: &FailedCalls) -> String {
    let mut causes: Vec<(&str, u64)> = calls.causes.iter().map(|(cause, calls)| (cause.as_str(), *calls)).collect();
    causes.sort_by_key(|(_, calls)| std::cmp::Reverse(*calls));
    let mut said: Vec<String> = causes.iter().take(MOST).map(|(cause, _)| (*cause).to_owned()).collect();
    if causes.len() > MOST {
        said.push(format!("{} more", causes.len() - MOST));
    }
    words::list(&said)
}

/// How many calls failed, and whether a trace says why.
fn failed_calls(calls: &FailedCalls) -> Markup {
    let dark = calls.answered - calls.traced;
    html! {
        span {
            (words::count(calls.answered + calls.unanswered))
            @if dark > 0 { small class="standing bad" { i aria-hidden="true" { "✕" } (words::count(dark)) " without their cause" } }
            @else if calls.answered > 0 { small { "each traced: " (causes(calls)) } }
            @if calls.unanswered > 0 { small { (words::count(calls.unanswered)) " never answered" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(answered: u64, traced: u64, unanswered: u64, causes: &[&str]) -> String {
        let causes = (1..).zip(causes).map(|(calls, cause)| ((*cause).to_owned(), calls)).collect();
        failed_calls(&FailedCalls { answered, traced, causes, unanswered }).into_string()
    }

    #[test]
    fn failed_calls_say_why_unless_some_do_not() {
        assert!(calls(10, 10, 0, &["a", "b", "c", "d"]).contains("each traced: d, c, b and 1 more"));
        let dark = calls(3, 2, 1, &["a"]);
        assert!(dark.contains("1 without their cause") && dark.contains("1 never answered") && !dark.contains("each traced"));
        assert_eq!(calls(0, 0, 0, &[]), "<span>0</span>");
    }
}
