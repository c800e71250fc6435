//! The journey of one order as a waterfall: outlines are the truth, bars what the traces show.

use judge::{
    journey::{HopKind, HopRow, Shown},
    report::{BadOrder, BadOrderWithJourney},
    words,
};
use maud::{Markup, html};

/// Hops drawn at most: an order that goes round in circles makes many.
const MOST: usize = 48;
/// What is drawn beyond the last instant of interest, as a part of the whole.
const AIR: f64 = 0.06;

/// What the marks mean.
pub(super) fn legend() -> Markup {
    let key = |class: &str, text: &str| {
        html! { span { svg width="26" height="14" aria-hidden="true" { rect class=(class) x="1" y="2" width="24" height="10" {} } (text) } }
    };
    html! {
        p class="legend" {
            (key("true", "outline: happened")) (key("seen work", "work, seen")) (key("seen queue", "waits in a queue, seen"))
            (key("seen person", "waits for a person, seen")) (key("seen send", "is sent, seen")) (key("gone", "dashed: happened, no trace of it"))
            span { i class="wrong-key" aria-hidden="true" { "▼" } "went wrong" } span { i class="alarm-key" aria-hidden="true" { "⚑" } "alarm" }
        }
    }
}

/// The waterfall of one order, from its first hop to where it went wrong and was alarmed.
pub(super) fn drawing(row: &BadOrderWithJourney) -> Markup {
    let axis = Axis::of(row);
    let begun = |hop: &HopRow| hop.truth_from_s.or(hop.seen_from_s).or(hop.seen_to_s);
    let (drawn, rest): (Vec<&HopRow>, Vec<&HopRow>) =
        row.journey.iter().partition(|hop| begun(hop).is_some_and(|begun| begun <= axis.to_s));
    let (reached, never): (Vec<&HopRow>, Vec<&HopRow>) = rest.into_iter().partition(|hop| begun(hop).is_some());
    let (drawn, too_many) = drawn.split_at(drawn.len().min(MOST));
    html! {
        div class="waterfall" style=(axis.marks(&row.order)) {
            div class="hop ruler" { span {} (ruler(&row.order, &axis)) span class="num" { "took" } }
            @for hop in drawn { (bar(hop, &row.order, &axis)) }
            @if !too_many.is_empty() { p class="left-out" { (words::several(too_many.len() as u64, "more hop")) " in bad-orders.jsonl" } }
            @if !reached.is_empty() { p class="left-out" { (later(&reached)) } }
            @if !never.is_empty() { p class="left-out" { "never reached: " (words::several(never.len() as u64, "hop")) ", from " (never[0].hop) " on" } }
        }
    }
}

fn later(hops: &[&HopRow]) -> String {
    let missing: Vec<String> = hops.iter().filter(|hop| hop.shown != Shown::Whole).map(|hop| hop.hop.clone()).collect();
    let all = format!("later, not drawn: {}", words::several(hops.len() as u64, "hop"));
    if missing.is_empty() { format!("{all}, all seen") } else { format!("{all}; not seen: {}", words::list(&missing)) }
}

fn ruler(order: &BadOrder, axis: &Axis) -> Markup {
    let mark = |at_s: Option<f64>, class: &str, shape: &str| {
        html! {
            @if let Some(at_s) = at_s {
                // What stands far right grows to the left, so that it stays on the page.
                span class={ (class) @if axis.at(at_s) > 0.5 { " left" } } style={ "left:" (percent(axis.at(at_s))) } {
                    i aria-hidden="true" { (shape) } " +" (words::duration(at_s - order.initiated_s))
                }
            }
        }
    };
    html! { span class="marks" { (mark(order.since_s, "wrong-key", "▼")) (mark(order.alarmed_s, "alarm-key", "⚑")) } }
}

fn bar(hop: &HopRow, order: &BadOrder, axis: &Axis) -> Markup {
    let here = order.truth_hop.as_deref() == Some(&hop.hop);
    let said = order.hop.as_deref() == Some(&hop.hop);
    let took = match (hop.truth_from_s, hop.truth_to_s) {
        (Some(from), Some(to)) => words::duration(to - from),
        (Some(_), None) => "no end".to_owned(),
        _ => "–".to_owned(),
    };
    html! {
        div class={ "hop" @if here { " here" } @if said { " said" } } {
            span class="name" { (hop.hop) }
            svg width="100%" height="20" role="img" aria-label=(label(hop, order)) {
                title { (label(hop, order)) }
                (seen(hop, axis))
                @if let Some(from) = hop.truth_from_s {
                    @let (x, width) = axis.span(from, hop.truth_to_s);
                    rect class={ (if hop.shown == Shown::Missing { "gone" } else { "true" }) @if hop.truth_to_s.is_none() { " open" } } x=(x) width=(width) y="2" height="16" {}
                }
            }
            span class="num" { (took) }
        }
    }
}

fn seen(hop: &HopRow, axis: &Axis) -> Markup {
    let kind = match hop.kind {
        HopKind::Send => "send",
        HopKind::Queue => "queue",
        HopKind::Work => "work",
        HopKind::Settle => "settle",
        HopKind::Person => "person",
    };
    html! {
        @match (hop.seen_from_s, hop.seen_to_s) {
            (Some(from), Some(to)) => { @let (x, width) = axis.span(from, Some(to)); rect class={ "seen " (kind) } x=(x) width=(width) y="5" height="10" {} }
            // One end alone: a flag where it is, nothing is known of the rest.
            (Some(at), None) | (None, Some(at)) => { @let (x, _) = axis.span(at, Some(at)); rect class="seen half" x=(x) width="3" y="3" height="14" {} }
            (None, None) => {}
        }
    }
}

fn label(hop: &HopRow, order: &BadOrder) -> String {
    let since = |at: f64| format!("+{}", words::duration(at - order.initiated_s));
    let span = |from: Option<f64>, to: Option<f64>| match (from, to) {
        (Some(from), Some(to)) => format!("{} to {}", since(from), since(to)),
        (Some(from), None) => format!("{}, no end", since(from)),
        (None, Some(to)) => format!("no begin, ended {}", since(to)),
        (None, None) => "nothing".to_owned(),
    };
    format!("{}: truth {}; traces {}", hop.hop, span(hop.truth_from_s, hop.truth_to_s), span(hop.seen_from_s, hop.seen_to_s))
}

/// The part of the run that a drawing shows.
struct Axis {
    from_s: f64,
    to_s: f64,
}

impl Axis {
    /// From the first sign of the order to the last instant of interest: where it went wrong, by truth and by testimony.
    fn of(row: &BadOrderWithJourney) -> Self {
        let order = &row.order;
        let named = |hop: &&HopRow| [&order.truth_hop, &order.hop].into_iter().flatten().any(|name| *name == hop.hop);
        let ends = |hop: &HopRow| [hop.truth_from_s, hop.truth_to_s, hop.seen_from_s, hop.seen_to_s];
        let of_interest = row.journey.iter().filter(named).flat_map(ends).chain([order.since_s, order.alarmed_s]);
        let last = of_interest.flatten().fold(f64::NEG_INFINITY, f64::max);
        let last = if last > order.initiated_s { last } else { order.initiated_s + order.age_s };
        let first = row.journey.iter().flat_map(ends).flatten().fold(order.initiated_s, f64::min);
        let long = (last - first).max(0.001);
        Self { from_s: first, to_s: first + long * (1.0 + AIR) }
    }

    /// Where an instant lies, 0 to 1.
    fn at(&self, at_s: f64) -> f64 {
        ((at_s - self.from_s) / (self.to_s - self.from_s)).clamp(0.0, 1.0)
    }

    /// Begin and width of a bar; one without an end runs on to the edge. What is too short to see is still drawn.
    fn span(&self, from_s: f64, to_s: Option<f64>) -> (String, String) {
        let from = self.at(from_s).min(0.995);
        let to = to_s.map_or(1.0, |to| self.at(to));
        (percent(from), percent((to - from).max(0.005)))
    }

    /// Where the lines through all hops stand.
    fn marks(&self, order: &BadOrder) -> String {
        let line = |name: &str, at: Option<f64>| at.map_or_else(String::new, |at| format!("--{name}:{:.4};", self.at(at)));
        line("wrong", order.since_s) + &line("alarm", order.alarmed_s)
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};

    use super::*;

    #[test]
    fn a_hop_that_happened_without_a_trace_is_dashed() {
        let judged = judge(sample::blind_hop());
        let missed = drawing(&judged.bad_orders[0]).into_string();
        assert!(missed.contains("class=\"gone open\""), "{missed}");
        assert!(missed.contains("order.submitted transit: truth +"));
        assert!(missed.contains("no end; traces nothing"));
        let exposed = drawing(&judged.bad_orders[20]).into_string();
        assert!(!exposed.contains("class=\"gone"), "{exposed}");
    }

    #[test]
    fn what_comes_after_the_trouble_is_folded() {
        let judged = judge(sample::broker_kill());
        let slow = judged.bad_orders.iter().find(|row| row.order.truth == "slow").unwrap();
        let drawn = drawing(slow).into_string();
        assert!(drawn.contains("later, not drawn: 15 hops, all seen"), "{drawn}");
    }

    #[test]
    fn the_shortest_hop_is_still_drawn() {
        let axis = Axis { from_s: 0.0, to_s: 1_000_000.0 };
        assert_eq!(axis.span(10.0, Some(10.001)), ("0.00%".to_owned(), "0.50%".to_owned()));
        assert_eq!(axis.span(999_999.9, None), ("99.50%".to_owned(), "0.50%".to_owned()));
    }
}
