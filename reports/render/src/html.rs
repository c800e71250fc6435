//! `report.html`: one file, no network, readable without a script.
//!
//! One file per section, in the order a reader asks: the answer first, the reason next, the evidence below.

mod answer;
mod bad_orders;
mod clients;
mod configuration;
mod exposure;
mod flow;
pub mod index;
mod journey;
mod marks;
mod parts;
mod requests;
mod states;
mod thresholds;
mod timeline;
mod unseen;

use judge::report::{BadOrderWithJourney, Report};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// What both pages say of themselves before they show anything: all of it is in the file.
fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " - Loupe" }
            link rel="icon" href="data:,";
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// The whole page. `rows` are the lines of `bad-orders.jsonl`; the page shows as many as fit in 2 MB, and says what it left out.
#[must_use]
pub fn html(report: &Report, rows: &[BadOrderWithJourney]) -> String {
    let outcome = report.outcome.name().to_uppercase();
    let page: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{outcome}: {}, seed {}", report.scenario, report.seed)))
            body class=(report.outcome.name()) {
                (marks::patterns())
                main {
                    (answer::section(report))
                    (exposure::section(report))
                    (clients::section(report))
                    (flow::section(report))
                    (states::section(report))
                    (timeline::section(report))
                    (bad_orders::section(report, rows))
                    (requests::section(report))
                    (parts::section(report))
                    (thresholds::section(report))
                    (configuration::section(report))
                    (unseen::section(report))
                }
                footer { "Loupe " (version(report)) " · the same seed and version give the same bytes: this page names no clock, machine or path" }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn version(report: &Report) -> &str {
    report.versions.get("loupe").map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use judge::{Case, judge, sample, sample::Shape};

    use super::html;

    fn page(case: Case) -> String {
        let judged = judge(case);
        html(&judged.report, &judged.bad_orders)
    }

    #[test]
    fn a_page_asks_the_network_for_nothing() {
        for case in [sample::broker_kill(), sample::blind_hop(), sample::calm_week()] {
            let page = page(case);
            for outside in ["http:", "https:", "src=", "@import", "url(//", "<iframe", "<img"] {
                assert!(!page.contains(outside), "{outside}");
            }
        }
    }

    #[test]
    fn a_page_stays_below_2_mb_whatever_the_run_and_says_what_it_left_out() {
        let page = page(sample::case(Shape { orders: 9_000, lost: 6_000, unseen: 3_000, slow: 2_000, false_alarms: 500 }));
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        assert!(page.contains("bad-orders.jsonl"));
        assert!(page.contains("of 8,500 orders are listed here"));
    }

    #[test]
    fn what_orders_are_called_cannot_become_markup() {
        let mut case = sample::broker_kill();
        let hostile = "<script>alert('x')</script>\"&";
        case.truths[0].order_ref = hostile.into();
        case.truths[0].order_id = hostile.into();
        case.findings[0].order_id = hostile.into();
        case.findings[0].hop = Some(hostile.to_owned());
        case.run.title = hostile.to_owned();
        case.run.replay = hostile.to_owned();
        let page = page(case);
        assert!(!page.contains("<script>alert"));
        assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt;&quot;&amp;"));
    }

    #[test]
    fn the_answer_comes_before_everything_else() {
        let page = page(sample::blind_hop());
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
        assert!(at("id=\"answer\"") < at("id=\"exposure\""));
        assert!(at("id=\"exposure\"") < at("id=\"states\""));
        assert!(at("id=\"states\"") < at("id=\"orders\""));
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
        assert!(page.contains("<title>FAIL: broker-kill, seed 42 - Loupe</title>"));
    }

    #[test]
    fn clients_stand_apart_where_there_is_more_than_one_type_of_them() {
        assert!(page(sample::blind_hop()).contains("id=\"clients\""));
        let mut case = sample::blind_hop();
        case.truths.retain(|truth| &*truth.client_type == "retail");
        case.clients.remove("api_partner");
        let page = page(case);
        assert!(!page.contains("#clients") && !page.contains("id=\"clients\""));
    }

    #[test]
    fn a_blind_hop_is_called_blind() {
        assert!(page(sample::blind_hop()).contains("BLIND to 17"));
        assert!(!page(sample::broker_kill()).contains("BLIND"));
    }

    #[test]
    fn a_quiet_page_says_that_nothing_went_wrong() {
        let page = page(sample::calm_week());
        assert!(page.contains("Nothing went wrong with any of 840 orders; the traces raise no alarm."));
        assert!(page.contains("No fault was inflicted"));
    }
}
