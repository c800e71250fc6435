//! The first screen: does it work, what did it find, how is it repeated.

use judge::{
    report::{Outcome, Report},
    words,
};
use maud::{Markup, html};

use super::{clients, marks};

/// Reasons before the rest is only counted.
const MOST: usize = 12;

pub(super) fn section(report: &Report) -> Markup {
    let Report { scenario, architecture, instrumentation, seed, world, .. } = report;
    html! {
        header id="answer" {
            p class="run" {
                b { (scenario) } span { (architecture) } span { (instrumentation) } span { "seed " (seed) } span { (world) }
                span { (words::duration(report.duration_s)) " of orders" }
            }
            div class="verdictline" {
                p class="outcome" { i aria-hidden="true" { (marks::outcome(report.outcome)) } (report.outcome.name().to_uppercase()) }
                div {
                    h1 { (report.answer) }
                    @if !report.title.is_empty() { p class="title" { (report.title) } }
                }
            }
            @if let Some(scale) = &report.scale {
                p class="note" { "Shortened: " (scale) ". All times here are the scenario's; on timelines and in journeys people's waits are as short as the run made them." }
            }
            (reasons(report))
            (numbers(report))
            div class="replay" {
                span class="label" { "Again" }
                code { (report.replay) }
                button type="button" data-copy=(report.replay) hidden { "Copy" }
            }
            nav aria-label="Sections" {
                a href="#exposure" { "Exposure" } @if clients::apart(report) { a href="#clients" { "Clients" } } a href="#flow" { "Order flow" } a href="#states" { "Time in each state" } a href="#timeline" { "Timeline" } a href="#orders" { "Bad orders" } a href="#requests" { "Requests" }
                @if !report.parts.is_empty() { a href="#parts" { "Parts" } } a href="#thresholds" { "Thresholds" } a href="#configuration" { "Configuration" } a href="#unseen" { "Not seen" }
            }
        }
    }
}

fn reasons(report: &Report) -> Markup {
    let (shown, more) = report.reasons.split_at(report.reasons.len().min(MOST));
    let heading = match report.outcome {
        Outcome::Fail => "Why it is red",
        _ => "Why nobody can say",
    };
    html! {
        @if !shown.is_empty() {
            div class="reasons" {
                h2 { (heading) }
                ul {
                    @for reason in shown { li { (reason) } }
                    @if !more.is_empty() { li { "and " (words::several(more.len() as u64, "further reason")) " in report.json" } }
                }
            }
        }
    }
}

fn numbers(report: &Report) -> Markup {
    let (orders, exposure) = (&report.orders, &report.exposure);
    let blind = report.hops.iter().filter(|hop| hop.blind).count() as u64;
    let nothing = orders.bad == 0;
    let alarms = match exposure.false_alarms {
        0 => "no false alarm".to_owned(),
        alarms => words::several(alarms, "false alarm"),
    };
    let gap = report.telemetry.gap.is_some();
    let measured = format!(
        "recall {} · precision {} · hop@1 {}",
        words::share(exposure.recall),
        words::share(exposure.precision),
        words::share(exposure.hop_at_1)
    );
    html! {
        dl class="numbers" {
            div {
                dt { "Bad orders" }
                dd { b { (words::count(orders.bad)) } " of " (words::count(orders.initiated)) }
                dd class="note" { (words::count(orders.closed)) " closed" @if orders.refused > 0 { " · " (words::count(orders.refused)) " turned away" } @if orders.in_flight > 0 { " · " (words::count(orders.in_flight)) " in flight" } }
            }
            div class=(if gap || exposure.exposed < orders.bad { "bad" } else { "" }) {
                dt { "Exposed by the traces" }
                @if nothing { dd { b { "–" } " nothing to expose" } } @else { dd { b { (words::count(exposure.exposed)) } " of " (words::count(orders.bad)) } }
                dd class="note" { @if gap { "the traces are not all there: this proves nothing · " } @if nothing { (alarms) } @else { (measured) " · " (alarms) } }
            }
            div class=(if blind > 0 { "bad" } else { "" }) {
                dt { "Blind hops" }
                @if nothing { dd { b { "–" } " none was tried" } } @else { dd { b { (words::count(blind)) } " of " (report.hops.len()) } }
                dd class="note" { "places where orders went wrong and the traces do not show all of them" }
            }
        }
    }
}
