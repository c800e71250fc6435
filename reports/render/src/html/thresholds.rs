//! What the scenario demands, and what was observed.

use judge::{
    report::{Report, ThresholdRow},
    thresholds::shown,
};
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section id="thresholds" {
            h2 { "Thresholds" }
            @if report.thresholds.is_empty() {
                p class="empty" { "The scenario sets none." }
            } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Thresholds" {
                    table {
                        thead {
                            tr { th scope="col" { "Metric" } th scope="col" { "Shall be" } th scope="col" class="num" { "Is" } th scope="col" { "Holds" } }
                        }
                        tbody { @for row in &report.thresholds { (threshold(row)) } }
                    }
                }
            }
        }
    }
}

fn threshold(row: &ThresholdRow) -> Markup {
    html! {
        tr {
            th scope="row" { code { (row.metric) } @if row.default { small { "in every scenario" } } }
            td { code { (row.expression) } }
            td class="num" { @match row.observed { Some(value) => { (shown(value, row.unit)) } None => { "–" } } }
            td {
                @match (row.passed, row.excused) {
                    (Some(true), _) => { span class="standing good" { i aria-hidden="true" { "✓" } "holds" } }
                    (Some(false), _) => { span class="standing bad" { i aria-hidden="true" { "✕" } "violated" } }
                    (None, true) => { span class="standing none" { i aria-hidden="true" { "–" } "nothing to expose" } }
                    (None, false) => { span class="standing warn" { i aria-hidden="true" { "?" } "unknown" } }
                }
            }
        }
    }
}
