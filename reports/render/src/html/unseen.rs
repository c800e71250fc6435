//! What this run could not see: nothing here is proven either way.

use judge::report::Report;
use maud::{Markup, html};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section id="unseen" {
            h2 { "What this run could not see" }
            @if report.unseen.is_empty() {
                p class="empty" { "Nothing that it looked for." }
            } @else {
                ul class="unseen" {
                    @for unseen in &report.unseen {
                        li { (unseen.what) @if let Some(remedy) = &unseen.remedy { small { "Would show it: " (remedy) } } }
                    }
                }
            }
        }
    }
}
