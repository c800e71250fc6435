//! Each fault, what it proved to do, and how much of that the traces expose. A blind cell is the loudest thing on the page.

use judge::{
    report::{BadHop, Exposed, FaultRow, Report},
    words,
};
use maud::{Markup, html};

use super::marks;

/// Rows before the rest is only counted.
const MOST: usize = 100;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section id="exposure" {
            h2 { "Faults and exposure" }
            p class="lead" { "What was broken on purpose, what that did to orders, and whether the traces alone show it." }
            @if report.faults.is_empty() && report.without_fault.orders == 0 {
                p class="empty" { "No fault was inflicted, and no order went wrong by itself." }
            } @else {
                (faults(report))
            }
            @if !report.hops.is_empty() { (hops(report)) }
        }
    }
}

fn faults(report: &Report) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label="Faults and exposure" {
            table class="faults cards" {
                thead {
                    tr {
                        th scope="col" { "Fault" } th scope="col" { "When" } th scope="col" { "Proven effect" }
                        th scope="col" class="num" { "Bad orders" } th scope="col" { "Exposed" } th scope="col" { "Right hop" }
                        th scope="col" class="num" { "Time to expose" br; small { "median · longest" } }
                        th scope="col" { abbr title="What the alarms rest on. A: spans alone. B: messaging attributes too. C: the broker's counters too. D: its firehose too." { "Tier" } }
                    }
                }
                tbody {
                    @for fault in report.faults.iter().take(MOST) { (fault_row(fault)) }
                    @if report.without_fault.orders > 0 {
                        tr {
                            th scope="row" { "no fault" } td data-label="When" { "–" } td data-label="Proven effect" { "none hit them directly: load, design, or what went before them" } (cells(&report.without_fault))
                        }
                    }
                }
            }
        }
        @if report.faults.len() > MOST { p class="left-out" { (words::count((report.faults.len() - MOST) as u64)) " further faults are in report.json." } }
    }
}

fn fault_row(fault: &FaultRow) -> Markup {
    html! {
        tr {
            th scope="row" { (fault.name) @if fault.in_envelope { small { "within the architecture's promise" } } }
            td class="when" data-label="When" { (words::duration(fault.window.from_s)) small { "for " (words::duration(fault.window.to_s - fault.window.from_s)) } }
            td data-label="Proven effect" { @match &fault.proof { Some(proof) => { (proof) } None => { span class="standing warn" { i aria-hidden="true" { "?" } "no effect: nothing was tried" } } } }
            (cells(&fault.exposure))
        }
    }
}

fn cells(exposure: &Exposed) -> Markup {
    let after = &exposure.exposed_after;
    html! {
        td class="num" data-label="Bad orders" { (words::count(exposure.orders)) }
        td data-label="Exposed" { (exposed(exposure)) }
        td class="tally" data-label="Right hop" { (right_hop(exposure)) }
        td class="num" data-label="Time to expose" { @match (after.p50_s, after.max_s) { (Some(half), Some(most)) => { (marks::after(half)) @if most > half { " · " (marks::after(most)) } } _ => { "–" } } }
        td data-label="Tier" { span { @if exposure.tiers.is_empty() { "–" } @for (tier, count) in &exposure.tiers { span class="tier" { (tier) small { (words::count(*count)) } } } } }
    }
}

pub(super) fn exposed(exposure: &Exposed) -> Markup {
    let blind = exposure.orders - exposure.exposed;
    html! {
        @if exposure.orders == 0 {
            span class="none" { "nothing to expose" }
        } @else if blind == 0 {
            span class="standing good" { i aria-hidden="true" { "✓" } "all " (words::count(exposure.orders)) }
        } @else {
            strong class="blind" { "BLIND to " (words::count(blind)) " of " (words::count(exposure.orders)) }
            small { (words::count(exposure.missed)) " missed, " (words::count(exposure.unknown)) " unknown" }
        }
    }
}

/// Exposed in the wrong place is half blind.
fn right_hop(exposure: &Exposed) -> Markup {
    let judged = exposure.orders - exposure.hop_in_doubt;
    let (right, all) = (words::count(exposure.right_hop), words::count(judged));
    html! {
        @if judged == 0 { "–" } @else if exposure.right_hop == judged { (right) " of " (all) }
        @else { span class="standing bad" { i aria-hidden="true" { "✕" } (right) " of " (all) } }
        @if exposure.hop_in_doubt > 0 { small { (words::count(exposure.hop_in_doubt)) " nobody can tell" } }
    }
}

fn hops(report: &Report) -> Markup {
    html! {
        h3 { "Where orders went wrong" }
        div class="scroll" tabindex="0" role="region" aria-label="Where orders went wrong" {
            table class="cards" {
                thead {
                    tr {
                        th scope="col" { "What" } th scope="col" { "Hop" } th scope="col" class="num" { "Bad orders" }
                        th scope="col" { "Exposed" } th scope="col" { "Right hop" } th scope="col" { "Because of" }
                    }
                }
                tbody { @for hop in report.hops.iter().take(MOST) { (hop_row(hop)) } }
            }
        }
        @if report.hops.len() > MOST { p class="left-out" { (words::count((report.hops.len() - MOST) as u64)) " further hops are in report.json." } }
    }
}

fn hop_row(hop: &BadHop) -> Markup {
    let exposure = &hop.exposure;
    html! {
        tr {
            td { (marks::verdict(&hop.truth)) }
            th scope="row" {
                (hop.hop.as_deref().unwrap_or("–"))
                @if let Some((from, to)) = &hop.between { small { (from) " → " (to) } }
            }
            td class="num" data-label="Bad orders" { (words::count(exposure.orders)) }
            td data-label="Exposed" { (exposed(exposure)) }
            td class="tally" data-label="Right hop" { (right_hop(exposure)) }
            td data-label="Because of" { (hop.because.as_deref().unwrap_or("no fault hit them directly")) }
        }
    }
}
