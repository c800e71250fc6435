//! The order flow: the lifecycle left to right in the lanes of its owners, as wide as it has orders. What is lost leaves it.

mod geometry;

use judge::{
    journey::HopKind,
    report::{FlowHop, FlowState, Report},
    words,
};
use maud::{Markup, html};

use super::marks;
use geometry::{Band, Drop, Label, Plan, WIDE};

pub(super) fn section(report: &Report) -> Markup {
    let plan = Plan::of(&report.flow);
    html! {
        section id="flow" {
            h2 { "Order flow" }
            p class="lead" {
                "From left to right, as wide as there are orders. What leaves the flow downwards went wrong at that hop; it is drawn wide enough to be seen. "
                "The thin lines tell the CRM what the factory does: no state waits for that news."
            }
            div class="scroll" tabindex="0" role="region" aria-label="Order flow" { (drawing(report, &plan)) }
            p class="sideways" { "The drawing is wider than this window: it scrolls sideways." }
            (legend())
            (numbers(&report.flow.hops))
        }
    }
}

fn drawing(report: &Report, plan: &Plan<'_>) -> Markup {
    let initiated = words::count(report.orders.initiated);
    html! {
        svg class="flow" viewBox={ "0 0 " (WIDE) " " (plan.height()) } role="img" aria-label={ "Order flow: " (initiated) " orders initiated, " (words::count(report.orders.closed)) " closed" } {
            @for (name, from, to) in plan.lanes() {
                rect class="house" x="0" y=(px(from)) width=(WIDE) height=(px(to - from)) rx="6" {}
                text class="house-name" x="10" y=(px(from + 17.0)) { (name) }
            }
            @for drop in &plan.drops { (leaving(drop)) }
            @for band in plan.bands.iter().filter(|band| band.hop.beside) { (news(band)) }
            @for band in plan.bands.iter().filter(|band| !band.hop.beside) { (way(band)) }
            @for (state, x, y, high) in &plan.states { (bar(state, *x, *y, *high)) }
            @for (index, (state, x, y, high)) in plan.states.iter().enumerate() { (name(state, plan.label(index, *x, *y, *high), *y)) }
            @for drop in &plan.drops { (gone(drop)) }
        }
    }
}

/// A stretch of the way: as wide at its end as orders went on.
fn way(band: &Band<'_>) -> Markup {
    let (top, bottom) = (band.edge(-0.5), band.edge(0.5));
    let outline = format!("M{} L{} Z", top.forward(), bottom.backward());
    html! {
        g { title { (told(band.hop)) } path class={ "way " (class(band.hop.kind)) } d=(outline) {} }
    }
}

fn news(band: &Band<'_>) -> Markup {
    html! { g { title { (told(band.hop)) } path class="news" d={ "M" (band.edge(0.0).forward()) } {} } }
}

fn bar(state: &FlowState, x: f64, y: f64, high: f64) -> Markup {
    html! {
        rect class="state" x=(px(x - 2.5)) y=(px(y - high / 2.0 - 3.0)) width="5" height=(px(high + 6.0)) rx="1.5" {
            title { (state.state) ": " (words::several(state.entered, "order")) " entered it" }
        }
    }
}

/// Name and number of a state, the name on two lines where it has two words.
fn name(state: &FlowState, label: Label, bar: f64) -> Markup {
    let Label { x, y, anchor } = label;
    let (first, rest) = state.state.split_once('_').map_or((state.state.as_str(), None), |(first, rest)| (first, Some(rest)));
    html! {
        @if y > bar { line class="leader" x1=(px(x)) x2=(px(x)) y1=(px(bar + 26.0)) y2=(px(y - 11.0)) {} }
        text class="state-name" x=(px(x)) y=(px(y)) text-anchor=(anchor) {
            tspan class="count" { (words::count(state.entered)) }
            tspan x=(px(x)) dy="12" { (first) @if rest.is_some() { "_" } }
            @if let Some(rest) = rest { tspan x=(px(x)) dy="11" { (rest) } }
        }
    }
}

/// The way that bad orders go: out of the flow when they are lost, beside it when they only come too late.
fn leaving(drop: &Drop<'_>) -> Markup {
    let (x, from, to) = (px(drop.x), px(drop.from), px(drop.to));
    html! {
        g {
            title { (gone_words(drop)) ", " (drop.hop.hop) }
            @if drop.leaves() {
                line class={ "leaving " (drop.class) } x1=(x) x2=(x) y1=(from) y2=(to) style={ "stroke-width:" (px(drop.wide)) } {}
            } @else {
                line class={ "staying " (drop.class) } x1=(x) x2=(x) y1=(from) y2=(to) {}
            }
        }
    }
}

fn gone(drop: &Drop<'_>) -> Markup {
    let (x, y) = drop.label();
    html! {
        text class={ "gone-label " (drop.class) } x=(px(x)) y=(px(y)) text-anchor=(drop.anchor()) {
            tspan class="mark" { (marks::shape(drop.class)) " " } (gone_words(drop)) tspan class="where" { " " (drop.segment()) }
        }
    }
}

fn gone_words(drop: &Drop<'_>) -> String {
    format!("{} {}", words::count(drop.count), drop.class)
}

fn told(hop: &FlowHop) -> String {
    let bad: Vec<String> = hop.bad.0.iter().map(|(class, count)| format!("{} {class}", words::count(*count))).collect();
    let bad = if bad.is_empty() { "none went wrong".to_owned() } else { words::list(&bad) };
    format!("{}: {} came, {} went on, {bad}", hop.hop, words::several(hop.entered, "order"), words::count(hop.passed))
}

const fn class(kind: HopKind) -> &'static str {
    match kind {
        HopKind::Send | HopKind::Settle => "send",
        HopKind::Queue => "queue",
        HopKind::Work => "work",
        HopKind::Person => "person",
    }
}

fn legend() -> Markup {
    let key = |class: &str, text: &str| {
        html! { span { svg width="26" height="14" aria-hidden="true" { rect class={ "way " (class) } x="1" y="2" width="24" height="10" {} } (text) } }
    };
    html! {
        p class="legend" {
            (key("work", "a machine works")) (key("send", "is sent")) (key("queue", "hatched: waits in a queue")) (key("person", "hatched: waits for a person"))
            @for class in ["lost", "duplicated", "slow", "stuck"] { (marks::verdict(class)) }
        }
    }
}

/// The same as a table, for whoever cannot or will not read a drawing.
fn numbers(hops: &[FlowHop]) -> Markup {
    html! {
        details class="numbers-of" {
            summary { "The same in numbers" }
            div class="scroll" tabindex="0" role="region" aria-label="Order flow in numbers" {
                table {
                    thead { tr { th scope="col" { "Hop" } th scope="col" { "From" } th scope="col" { "To" } th scope="col" class="num" { "Orders came" } th scope="col" class="num" { "went on" } th scope="col" { "went wrong here" } } }
                    tbody {
                        @for hop in hops {
                            tr {
                                th scope="row" { (hop.hop) } td { (hop.from) } td { (hop.to) }
                                td class="num" { (words::count(hop.entered)) } td class="num" { (words::count(hop.passed)) }
                                td { @if hop.bad.0.is_empty() { "–" } @for (class, count) in &hop.bad.0 { span class="tally" { (words::count(*count)) " " (marks::verdict(class)) } " " } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A tenth of a unit is finer than any screen.
fn px(length: f64) -> String {
    format!("{length:.1}")
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};

    use super::*;

    #[test]
    fn losses_leave_the_flow_in_red_at_their_hop() {
        let drawn = section(&judge(sample::broker_kill()).report).into_string();
        assert!(drawn.contains("<title>29 lost, order.submitted transit</title><line class=\"leaving lost\""), "{drawn}");
        assert!(drawn.contains("<title>12 slow, order.submitted transit</title><line class=\"staying slow\""));
        assert!(drawn.contains("order.submitted transit: 5,412 orders came, 5,383 went on, 29 lost and 12 slow"));
    }

    #[test]
    fn a_calm_flow_loses_nobody() {
        let drawn = section(&judge(sample::calm_week()).report).into_string();
        assert!(!drawn.contains("leaving") && !drawn.contains("staying"));
        assert!(drawn.contains("online shop") && drawn.contains("MES"));
    }
}
