//! `index.html`: several runs on one page, what is red first, each with a link to its report.

use judge::{
    report::{Outcome, Report},
    words,
};
use maud::{DOCTYPE, Markup, html};

use super::{head, marks};

/// Runs listed at most.
const LISTED: usize = 1_000;
/// Runs whose reasons are told at most.
const TOLD: usize = 50;
/// Reasons of one run.
const REASONS: usize = 3;

/// One run among several.
#[derive(Clone, Debug)]
pub struct Row {
    scenario: String,
    title: String,
    set_up: [String; 3],
    seed: u64,
    /// `None` when the run came to no verdict.
    outcome: Option<Outcome>,
    said: String,
    reasons: Vec<String>,
    /// Initiated, bad, exposed, false alarms.
    orders: [u64; 4],
    held: usize,
    thresholds: usize,
    replay: String,
    link: Option<String>,
}

impl Row {
    /// A judged run; `link` leads from the index to its report.
    #[must_use]
    pub fn of(report: &Report, link: String) -> Self {
        let (orders, exposure) = (&report.orders, &report.exposure);
        Self {
            scenario: report.scenario.clone(),
            title: report.title.clone(),
            set_up: [&report.architecture, &report.instrumentation, &report.world].map(String::clone),
            seed: report.seed,
            outcome: Some(report.outcome),
            said: report.answer.clone(),
            reasons: report.reasons.iter().take(REASONS).cloned().collect(),
            orders: [orders.initiated, orders.bad, exposure.exposed, exposure.false_alarms],
            held: report.thresholds.iter().filter(|row| row.passed == Some(true)).count(),
            thresholds: report.thresholds.iter().filter(|row| !row.excused).count(),
            replay: report.replay.clone(),
            link: Some(link),
        }
    }

    /// A run that came to no verdict, and why. `set_up` is architecture, instrumentation and world.
    #[must_use]
    pub fn failed((scenario, title, seed): (&str, &str, u64), set_up: [&str; 3], why: String, replay: String) -> Self {
        Self {
            scenario: scenario.to_owned(),
            title: title.to_owned(),
            set_up: set_up.map(str::to_owned),
            seed,
            outcome: None,
            said: "No verdict.".to_owned(),
            reasons: vec![why],
            orders: [0; 4],
            held: 0,
            thresholds: 0,
            replay,
            link: None,
        }
    }

    /// What needs attention comes first.
    const fn rank(&self) -> u8 {
        match self.outcome {
            None => 0,
            Some(Outcome::Fail) => 1,
            Some(Outcome::Unknown) => 2,
            Some(Outcome::Pass) => 3,
        }
    }
}

/// The page over all runs, in the order in which they were run within each outcome.
#[must_use]
pub fn index(rows: &[Row]) -> String {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| row.rank());
    let not_passed = rows.iter().filter(|row| row.rank() < 3).count();
    let worst = rows.first().map_or("unknown", |row| class(row));
    let said = format!("{} of {} pass", words::count((rows.len() - not_passed) as u64), words::several(rows.len() as u64, "run"));
    let page: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&said))
            body class=(worst) {
                main {
                    header id="answer" {
                        div class="verdictline" {
                            (chip(rows.first().copied()))
                            div { h1 { (said) } p class="title" { (counted(&rows)) } }
                        }
                    }
                    @if not_passed > 0 { (red(&rows, not_passed)) }
                    (table(&rows))
                }
                footer { "Each link leads to the report of one run; beside it lie report.json, summary.md, junit.xml and the rest of its files." }
            }
        }
    };
    page.into_string()
}

fn class(row: &Row) -> &'static str {
    row.outcome.map_or("fail", Outcome::name)
}

fn chip(row: Option<&Row>) -> Markup {
    let (shape, word) = match row.map(|row| row.outcome) {
        Some(Some(outcome)) => (marks::outcome(outcome), outcome.name().to_uppercase()),
        Some(None) => ("!", "NO VERDICT".to_owned()),
        None => ("?", "NO RUN".to_owned()),
    };
    html! { p class="outcome" { i aria-hidden="true" { (shape) } (word) } }
}

fn counted(rows: &[&Row]) -> String {
    let count = |rank: u8| rows.iter().filter(|row| row.rank() == rank).count() as u64;
    let said = [(1, "red"), (2, "unknown"), (0, "without a verdict")];
    let said: Vec<String> = said
        .into_iter()
        .filter(|(rank, _)| count(*rank) > 0)
        .map(|(rank, word)| format!("{} {word}", words::count(count(rank))))
        .collect();
    if said.is_empty() { "Nothing is red, and nothing is unknown.".to_owned() } else { words::list(&said) }
}

fn red(rows: &[&Row], not_passed: usize) -> Markup {
    html! {
        section id="red" {
            h2 { "What does not pass" }
            @for row in rows.iter().take(not_passed.min(TOLD)) {
                article class={ "reasons " (class(row)) } {
                    h3 { (state(row)) " " (link(row)) " " small { (row.set_up.join(", ")) ", seed " (row.seed) } }
                    p { (row.said) }
                    ul { @for reason in &row.reasons { li { (reason) } } }
                    p { span class="label" { "Again " } code { (row.replay) } }
                }
            }
            @if not_passed > TOLD { p class="left-out" { (words::count((not_passed - TOLD) as u64)) " more do not pass." } }
        }
    }
}

fn link(row: &Row) -> Markup {
    html! { @match &row.link { Some(link) => { a href=(link) { (row.scenario) } } None => { (row.scenario) } } }
}

fn state(row: &Row) -> Markup {
    let tone = match row.outcome {
        Some(Outcome::Pass) => "good",
        Some(Outcome::Unknown) => "warn",
        Some(Outcome::Fail) | None => "bad",
    };
    let (shape, word) = row.outcome.map_or(("!", "no verdict"), |outcome| (marks::outcome(outcome), outcome.name()));
    html! { span class={ "standing " (tone) } { i aria-hidden="true" { (shape) } (word) } }
}

fn table(rows: &[&Row]) -> Markup {
    html! {
        section id="runs" {
            h2 { "All runs" }
            div class="scroll" tabindex="0" role="region" aria-label="All runs" {
                table class="cards" {
                    thead {
                        tr {
                            th scope="col" { "Outcome" } th scope="col" { "Scenario" } th scope="col" { "Set up" } th scope="col" class="num" { "Seed" }
                            th scope="col" class="num" { "Orders" } th scope="col" class="num" { "Bad" } th scope="col" class="num" { "Exposed" }
                            th scope="col" class="num" { "False alarms" } th scope="col" class="num" { "Thresholds" }
                        }
                    }
                    tbody { @for row in rows.iter().take(LISTED) { (run(row)) } }
                }
            }
            @if rows.len() > LISTED { p class="left-out" { (words::count((rows.len() - LISTED) as u64)) " more runs are not listed here; each has its folder." } }
        }
    }
}

fn run(row: &Row) -> Markup {
    let [initiated, bad, exposed, alarms] = row.orders.map(words::count);
    let number = |label: &str, value: String| html! { td class="num" data-label=(label) { (value) } };
    html! {
        tr {
            td { (state(row)) }
            th scope="row" { (link(row)) small { (row.title) } }
            td data-label="Set up" { (row.set_up.join(", ")) }
            (number("Seed", row.seed.to_string()))
            @if row.outcome.is_none() { @for label in ["Orders", "Bad", "Exposed", "False alarms", "Thresholds"] { (number(label, "–".to_owned())) } }
            @else {
                (number("Orders", initiated)) (number("Bad", bad.clone()))
                (number("Exposed", if bad == "0" { "–".to_owned() } else { format!("{exposed} of {bad}") }))
                (number("False alarms", alarms))
                (number("Thresholds", format!("{} of {}", row.held, row.thresholds)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};

    use super::*;

    fn rows() -> Vec<Row> {
        let row = |case| Row::of(&judge(case).report, "broker-kill/run/report.html".to_owned());
        let failed =
            Row::failed(("gone", "A run", 7), ["as-is", "full", "simulated"], "it stopped".to_owned(), "again".to_owned());
        vec![row(sample::calm_week()), row(sample::blind_hop()), failed]
    }

    #[test]
    fn what_is_red_comes_first_with_its_sentence_and_a_link() {
        let page = index(&rows());
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not on the page"));
        assert!(page.contains("<title>1 of 3 runs pass - Loupe</title>"));
        assert!(at("NO VERDICT") < at("it stopped") && at("it stopped") < at("threshold lost_unexposed count==0: observed 17"));
        assert!(at("threshold lost_unexposed") < at("All runs"));
        assert!(page.contains("<a href=\"broker-kill/run/report.html\">broker-kill</a>"));
    }

    #[test]
    fn a_page_over_very_many_runs_stays_below_2_mb() {
        let rows: Vec<Row> = rows().into_iter().cycle().take(20_000).collect();
        let page = index(&rows);
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        assert!(page.contains("19,000 more runs are not listed here"));
    }

    #[test]
    fn a_page_on_which_all_is_well_says_so() {
        let page = index(&rows()[..1]);
        assert!(page.contains("Nothing is red, and nothing is unknown.") && !page.contains("What does not pass"));
    }
}
