//! Time into each state as a range on a logarithmic axis, with its deadline; the lead time against the promise at the end.

use judge::{
    report::{Report, StateRow},
    words,
};
use maud::{Markup, html};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// What the axis may be labelled with, seconds.
const TICKS: [f64; 10] = [0.01, 0.1, 1.0, 10.0, MINUTE, 10.0 * MINUTE, HOUR, 6.0 * HOUR, DAY, 7.0 * DAY];

pub(super) fn section(report: &Report) -> Markup {
    let rows: Vec<(&str, &StateRow)> = report.states.0.iter().map(|(state, row)| (state.as_str(), row)).collect();
    let axis = Axis::over(rows.iter().map(|(_, row)| *row).chain([&report.lead_time.row]));
    html! {
        section id="states" {
            h2 { "Time in each state" }
            p class="lead" {
                "From entering the state before to entering this one. The bar runs from the median to 90 % and 95 %, the line on to 99 % and the longest; "
                span class="sla-key" { "│" } " is the deadline. The axis is logarithmic."
            }
            div class="scroll" tabindex="0" role="region" aria-label="Time in each state" {
                table class="states" {
                    thead {
                        tr {
                            th scope="col" { "State" } th scope="col" class="num" { "Orders" }
                            th scope="col" class="range" { (axis.labels()) }
                            th scope="col" class="num" { "p50" } th scope="col" class="num" { "p95" } th scope="col" class="num" { "longest" }
                            th scope="col" class="num" { "deadline" } th scope="col" class="num" { "breaches" }
                        }
                    }
                    tbody { @for (state, row) in &rows { (state_row(state, row, &axis)) } }
                    tfoot { (state_row("lead time, INITIATED to CLOSED", &report.lead_time.row, &axis)) }
                }
            }
        }
    }
}

fn state_row(state: &str, row: &StateRow, axis: &Axis) -> Markup {
    let time = |seconds: Option<f64>| seconds.map_or_else(|| "–".to_owned(), words::duration);
    html! {
        tr {
            th scope="row" { (state) }
            td class="num few" { (words::count(row.count)) }
            td class="range" { (range(state, row, axis)) }
            td class="num" data-label="p50" { (time(row.p50_s)) }
            td class="num" data-label="p95" { (time(row.p95_s)) }
            td class="num" data-label="longest" { (time(row.max_s)) }
            td class="num" data-label="deadline" { (time(row.sla_s)) }
            td class="num" data-label="breaches" { @if row.breaches == 0 { "0" } @else { span class="standing bad" { i aria-hidden="true" { "✕" } (words::count(row.breaches)) } } }
        }
    }
}

fn range(state: &str, row: &StateRow, axis: &Axis) -> Markup {
    let [Some(p50), Some(p90), Some(p95), Some(p99), Some(max)] = [row.p50_s, row.p90_s, row.p95_s, row.p99_s, row.max_s] else {
        return html! { span class="none" { "no order came here" } };
    };
    let title = format!(
        "{state}: half within {}, 90 % {}, 95 % {}, 99 % {}, longest {}{}",
        words::duration(p50),
        words::duration(p90),
        words::duration(p95),
        words::duration(p99),
        words::duration(max),
        row.sla_s.map_or_else(String::new, |sla| format!("; deadline {}", words::duration(sla))),
    );
    let at = |seconds: f64| percent(axis.at(seconds));
    let wide = |from: f64, to: f64| percent((axis.at(to) - axis.at(from)).max(0.0));
    html! {
        svg width="100%" height="22" role="img" aria-label=(title) {
            title { (title) }
            @for tick in axis.ticks() { line class="grid" x1=(at(tick)) x2=(at(tick)) y1="0" y2="22" {} }
            line class="whisker" x1=(at(p50)) x2=(at(max)) y1="11" y2="11" {}
            rect class="p95" x=(at(p50)) width=(wide(p50, p95)) y="7" height="8" {}
            rect class="p90" x=(at(p50)) width=(wide(p50, p90)) y="5" height="12" {}
            line class="cap" x1=(at(p99)) x2=(at(p99)) y1="6" y2="16" {}
            line class="cap" x1=(at(max)) x2=(at(max)) y1="4" y2="18" {}
            circle class="p50" cx=(at(p50)) cy="11" r="4" {}
            @if let Some(sla) = row.sla_s { line class="sla" x1=(at(sla)) x2=(at(sla)) y1="0" y2="22" {} }
        }
    }
}

/// A position as SVG takes it; two decimals are finer than any screen.
fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// A logarithmic axis.
struct Axis {
    from_s: f64,
    to_s: f64,
}

impl Axis {
    fn over<'a>(rows: impl Iterator<Item = &'a StateRow> + Clone) -> Self {
        let least = rows.clone().filter_map(|row| row.p50_s).filter(|p50| *p50 > 0.0).fold(f64::INFINITY, f64::min);
        let most = rows.flat_map(|row| [row.max_s, row.sla_s]).flatten().fold(0.0, f64::max);
        // A little air on both sides; a run without orders still gets an axis.
        let from_s = if least.is_finite() { (least / 2.0).max(0.001) } else { 1.0 };
        Self { from_s, to_s: (most * 1.5).max(from_s * 10.0) }
    }

    /// Where a duration lies, 0 to 1.
    fn at(&self, seconds: f64) -> f64 {
        let (from, to) = (libm::log10(self.from_s), libm::log10(self.to_s));
        ((libm::log10(seconds.max(self.from_s)) - from) / (to - from)).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> + '_ {
        TICKS.into_iter().filter(|tick| (self.from_s..=self.to_s).contains(tick))
    }

    fn labels(&self) -> Markup {
        html! {
            span class="axis" {
                @for tick in self.ticks() { span style={ "left:" (percent(self.at(tick))) } { (words::duration(tick)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decade_is_equally_wide_everywhere() {
        let axis = Axis { from_s: 1.0, to_s: 10_000.0 };
        assert_eq!([1.0, 10.0, 100.0, 10_000.0].map(|s| percent(axis.at(s))), ["0.00%", "25.00%", "50.00%", "100.00%"]);
        assert_eq!([0.0, 1e9].map(|s| percent(axis.at(s))), ["0.00%", "100.00%"], "what lies outside is drawn at the edge");
    }
}
