//! The run over scenario time: as a whole, then close around each fault, where the time to expose can be seen.

use judge::{
    report::{Around, FaultRow, Report, Slice},
    words,
};
use maud::{Markup, html};

use super::marks;

/// Height of a row, pixels.
const HIGH: f64 = 46.0;
/// What is narrower is drawn as wide as this, percent.
const LEAST: f64 = 0.4;
/// Labels of an axis.
const TICKS: usize = 6;
/// Faults whose names find room above the whole run.
const NAMED: usize = 12;
/// Faults that are shown closely at once; further ones are folded.
const UNFOLDED: usize = 3;

pub(super) fn section(report: &Report) -> Markup {
    let timeline = &report.timeline;
    html! {
        section id="timeline" {
            h2 { "Timeline" }
            p class="lead" {
                "The run over scenario time, in steps of " (words::duration(timeline.whole.step_s)) ". Each bar is one step; the number on the right is the highest. "
                @if !report.faults.is_empty() { "Shaded: a fault is at work. " span class="alarm-key" aria-hidden="true" { "⚑" } " is the first alarm for an order that it made bad." }
            }
            @if timeline.whole.arrivals.is_empty() {
                p class="empty" { "No time has passed." }
            } @else {
                (chart("The whole run", &timeline.whole, &report.faults.iter().take(NAMED).collect::<Vec<_>>(), false))
                @if report.faults.len() > NAMED { p class="left-out" { "The first " (NAMED) " of " (report.faults.len()) " faults are marked; all are in report.json." } }
            }
            @for around in timeline.around.iter().take(UNFOLDED) { (around_fault(report, around)) }
            @if timeline.around.len() > UNFOLDED {
                details class="numbers-of" {
                    summary { "Around " (timeline.around.len() - UNFOLDED) " further faults" }
                    @for around in timeline.around.iter().skip(UNFOLDED) { (around_fault(report, around)) }
                }
            }
            @if timeline.around.len() < report.faults.len() && !timeline.around.is_empty() {
                p class="left-out" { "The first " (timeline.around.len()) " of " (report.faults.len()) " faults are shown closely." }
            }
        }
    }
}

fn around_fault(report: &Report, around: &Around) -> Markup {
    let fault = report.faults.iter().find(|fault| fault.name == around.fault);
    html! { @if let Some(fault) = fault { (close(fault, &around.slice)) } }
}

/// The time around one fault, with the way from its begin to its first alarm.
fn close(fault: &FaultRow, slice: &Slice) -> Markup {
    let exposed = match fault.first_alarm_s {
        Some(alarm) => format!("first alarm {} after it began", words::duration(alarm - fault.window.from_s)),
        None if fault.exposure.exposed > 0 => "the orders that it made bad had been alarmed before".to_owned(),
        None if fault.exposure.orders > 0 => "no alarm names an order that it made bad".to_owned(),
        None => "no order went wrong by it, no alarm was due".to_owned(),
    };
    html! {
        h3 { "Around " (fault.name) " " small { (exposed) " · steps of " (words::duration(slice.step_s)) } }
        (chart(&format!("Around {}", fault.name), slice, &[fault], true))
    }
}

fn chart(name: &str, slice: &Slice, faults: &[&FaultRow], close: bool) -> Markup {
    let axis = Axis::of(slice, if close { faults.first().map(|fault| fault.window.from_s) } else { None });
    let alarmed = slice.alarms.iter().any(|alarms| *alarms > 0);
    html! {
        div class="timeline" role="group" aria-label=(name) {
            @if !faults.is_empty() { div class="lane" { span {} (flags(faults, &axis, close)) span {} } }
            (row("arrivals", "orders initiated", "blue", &slice.arrivals, &axis, faults))
            @if !close { (row("closings", "orders closed", "green", &slice.closings, &axis, faults)) }
            @if !close { (row("open orders", "orders open at the end of the step", "grey", &slice.open, &axis, faults)) }
            @for (queue, depth) in &slice.queues { (row(queue, "messages at most", "orange", depth, &axis, faults)) }
            @if alarmed || !faults.is_empty() { (row("alarms", "orders alarmed", "flagged", &slice.alarms, &axis, faults)) }
            div class="lane" { span {} (axis.labels()) span {} }
        }
    }
}

/// One row of bars. Steps in which nothing was have none.
fn row(name: &str, unit: &str, class: &str, values: &[u64], axis: &Axis, faults: &[&FaultRow]) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0);
    let wide = 100.0 / values.len().max(1) as f64;
    html! {
        div class="lane" {
            span class="name" { (name) }
            svg class="bars" width="100%" height=(HIGH) role="img" aria-label={ (name) ": " (words::count(most)) " at most" } {
                @for fault in faults { (shade(fault, axis)) }
                @for (step, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
                    @let high = (*value as f64 / most as f64 * (HIGH - 4.0)).max(1.5);
                    @let at = axis.from_s + (axis.to_s - axis.from_s) * step as f64 / values.len() as f64;
                    rect class=(class) x=(percent(wide * step as f64)) width=(percent(wide + 0.03)) y=(short(HIGH - high)) height=(short(high)) {
                        title { (axis.said(at)) ": " (words::count(*value)) " " (unit) }
                    }
                }
                line class="floor" x1="0" x2="100%" y1=(HIGH - 0.5) y2=(HIGH - 0.5) {}
            }
            span class="num" { (words::count(most)) }
        }
    }
}

fn shade(fault: &FaultRow, axis: &Axis) -> Markup {
    let (x, wide) = axis.span(fault);
    html! {
        @if axis.shows(fault.window.from_s) {
            rect class="fault" x=(percent(x)) width=(percent(wide)) y="0" height="100%" { title { (window(fault)) } }
            @if let Some(alarm) = fault.first_alarm_s.filter(|alarm| axis.shows(*alarm)) {
                line class="flag" x1=(percent(axis.at(alarm))) x2=(percent(axis.at(alarm))) y1="0" y2="100%" { title { (flag(fault, alarm)) } }
            }
        }
    }
}

/// Names of the faults, a row each. Their flags stand beside them, or close up in a row of their own.
fn flags(faults: &[&FaultRow], axis: &Axis, close: bool) -> Markup {
    html! {
        div class="flags" {
            @for fault in faults.iter().filter(|fault| axis.shows(fault.window.from_s)) {
                @let (x, _) = axis.span(fault);
                @let alarm = fault.first_alarm_s.filter(|alarm| axis.shows(*alarm));
                div {
                    span class={ "what" @if x > 55.0 { " left" } } style={ "left:" (percent(x)) } {
                        i aria-hidden="true" { "▼" } " " (fault.name) small { " at " (words::duration(fault.window.from_s)) " for " (words::duration(fault.window.to_s - fault.window.from_s)) }
                    }
                    @if let Some(alarm) = alarm.filter(|alarm| !close && axis.at(*alarm) > x + 2.0) {
                        span class="alarm-key" style={ "left:" (percent(axis.at(alarm))) } title=(flag(fault, alarm)) { i aria-hidden="true" { "⚑" } }
                    }
                }
                @if let Some(alarm) = alarm.filter(|_| close) {
                    div {
                        span class={ "alarm-key" @if axis.at(alarm) > 55.0 { " left" } } style={ "left:" (percent(axis.at(alarm))) } {
                            i aria-hidden="true" { "⚑" } " first alarm, +" (words::duration(alarm - fault.window.from_s))
                        }
                    }
                }
            }
        }
    }
}

fn window(fault: &FaultRow) -> String {
    let Some(proof) = &fault.proof else { return format!("{}: no effect", fault.name) };
    let (from, lasts) = (words::duration(fault.window.from_s), words::duration(fault.window.to_s - fault.window.from_s));
    format!("{} at {from} for {lasts}: {proof}", fault.name)
}

fn flag(fault: &FaultRow, alarm_s: f64) -> String {
    let after = marks::after(alarm_s - fault.window.from_s);
    format!("first alarm for {} at {}: {after} after it began", fault.name, words::duration(alarm_s))
}

/// The part of the run that a chart shows.
struct Axis {
    from_s: f64,
    to_s: f64,
    /// Instants are told from here on; else from the start of the run.
    zero_s: Option<f64>,
}

impl Axis {
    fn of(slice: &Slice, zero_s: Option<f64>) -> Self {
        Self { from_s: slice.from_s, to_s: slice.from_s + slice.step_s * slice.arrivals.len() as f64, zero_s }
    }

    /// An instant in words.
    fn said(&self, at_s: f64) -> String {
        let at_s = at_s - self.zero_s.unwrap_or(0.0);
        match self.zero_s {
            _ if at_s.abs() < 0.001 => "0".to_owned(),
            Some(_) if at_s > 0.0 => format!("+{}", words::duration(at_s)),
            _ => words::duration(at_s),
        }
    }

    /// Where an instant lies, percent.
    fn at(&self, at_s: f64) -> f64 {
        ((at_s - self.from_s) / (self.to_s - self.from_s).max(0.001) * 100.0).clamp(0.0, 100.0)
    }

    fn shows(&self, at_s: f64) -> bool {
        (self.from_s..=self.to_s).contains(&at_s)
    }

    /// Begin and width of a fault's window, percent. What is too short to see is still drawn.
    fn span(&self, fault: &FaultRow) -> (f64, f64) {
        let from = self.at(fault.window.from_s).min(100.0 - LEAST);
        (from, (self.at(fault.window.to_s) - from).max(LEAST))
    }

    /// Round instants, a few of them.
    fn labels(&self) -> Markup {
        const LENGTHS: [f64; 23] = [
            0.5,
            1.0,
            2.0,
            5.0,
            10.0,
            30.0,
            60.0,
            120.0,
            300.0,
            600.0,
            1_200.0,
            1_800.0,
            3_600.0,
            7_200.0,
            10_800.0,
            21_600.0,
            43_200.0,
            86_400.0,
            172_800.0,
            432_000.0,
            864_000.0,
            1_728_000.0,
            4_320_000.0,
        ];
        let wanted = (self.to_s - self.from_s) / TICKS as f64;
        let step = LENGTHS.into_iter().find(|length| *length >= wanted).unwrap_or(wanted);
        let zero_s = self.zero_s.unwrap_or(0.0);
        let first = ((self.from_s - zero_s) / step).ceil();
        let ticks = (0..=TICKS).map(|n| (first + n as f64).mul_add(step, zero_s)).filter(|tick| *tick <= self.to_s);
        html! {
            div class="axis" {
                @for tick in ticks {
                    @let at = self.at(tick);
                    span class={ @if at > 94.0 { "last" } @else if at < 3.0 { "first" } } style={ "left:" (percent(at)) } { (self.said(tick)) }
                }
            }
        }
    }
}

/// Two decimals are finer than any screen.
fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

fn short(pixels: f64) -> String {
    format!("{pixels:.1}")
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};

    use super::*;

    #[test]
    fn each_fault_has_its_window_and_the_flag_of_its_first_alarm() {
        let drawn = section(&judge(sample::broker_kill()).report).into_string();
        for said in [
            "Around broker-kill@1",
            "first alarm, +",
            "broker-kill@1 at 1 d 1 h for 4 min: 29 messages lost",
            "Around slow-pricing@1",
        ] {
            assert!(drawn.contains(said), "{said}");
        }
    }

    #[test]
    fn a_quiet_run_has_neither_windows_nor_flags() {
        let drawn = section(&judge(sample::calm_week()).report).into_string();
        assert!(drawn.contains("orders initiated") && !drawn.contains("class=\"fault\"") && !drawn.contains("⚑"), "{drawn}");
    }

    #[test]
    fn the_shortest_window_is_still_drawn() {
        let report = judge(sample::broker_kill()).report;
        let axis = Axis { from_s: 0.0, to_s: 1e9, zero_s: None };
        assert_eq!(axis.span(&report.faults[0]).1, LEAST);
    }
}
