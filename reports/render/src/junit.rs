//! `junit.xml`: a test suite for each run, a test case for each threshold and each check of what the traces expose.
//!
//! A case is red or an error exactly where the run is: what a run's thresholds allow fails no case. It names no time and no
//! machine, so the same run gives the same bytes.

use std::fmt::Write as _;

use judge::{
    report::{BadHop, Outcome, Report, ThresholdRow},
    thresholds::shown,
    words,
};

use crate::terminal::{Screen, terminal};

/// How a case ended.
enum End {
    Passed,
    /// Nothing was there to be judged, or nobody minds.
    Skipped(String),
    Failed(String),
    /// Nobody can say.
    Error(String),
}

/// A check and how it ended.
struct Check {
    group: &'static str,
    name: String,
    end: End,
}

/// The suite of one run.
#[must_use]
pub fn suite(report: &Report) -> String {
    let checks = checks(report);
    let count = |wanted: fn(&End) -> bool| checks.iter().filter(|check| wanted(&check.end)).count();
    let Report { scenario, architecture, instrumentation, seed, world, .. } = report;
    let of = format!("{scenario} {architecture} {instrumentation} seed {seed} {world}");
    let mut xml = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n    <properties>\n",
        escaped(&of),
        checks.len(),
        count(|end| matches!(end, End::Failed(_))),
        count(|end| matches!(end, End::Error(_))),
        count(|end| matches!(end, End::Skipped(_))),
    );
    let seed = seed.to_string();
    for (name, value) in [
        ("architecture", architecture),
        ("instrumentation", instrumentation),
        ("seed", &seed),
        ("world", world),
        ("replay", &report.replay),
    ] {
        line(&mut xml, &format!("      <property name=\"{name}\" value=\"{}\"/>", escaped(value)));
    }
    line(&mut xml, "    </properties>");
    checks.iter().for_each(|check| case(&mut xml, scenario, check));
    let said = terminal(report, &Screen::default());
    line(&mut xml, &format!("    <system-out>{}</system-out>\n  </testsuite>", escaped(&said)));
    xml
}

/// A file of suites, each as [`suite`] gives it.
#[must_use]
pub fn file(suites: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"loupe\">\n{suites}</testsuites>\n")
}

/// The suite of a run that came to no verdict.
#[must_use]
pub fn broken(name: &str, why: &str) -> String {
    let check = Check { group: "run", name: "the run passes".to_owned(), end: End::Error(why.to_owned()) };
    let mut xml = format!("  <testsuite name=\"{}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n", escaped(name));
    case(&mut xml, name.split(' ').next().unwrap_or(name), &check);
    line(&mut xml, "  </testsuite>");
    xml
}

fn case(xml: &mut String, scenario: &str, check: &Check) {
    let head = format!("    <testcase classname=\"{}.{}\" name=\"{}\"", escaped(scenario), check.group, escaped(&check.name));
    let (element, message) = match &check.end {
        End::Passed => return line(xml, &format!("{head}/>")),
        End::Skipped(message) => ("skipped", message),
        End::Failed(message) => ("failure", message),
        End::Error(message) => ("error", message),
    };
    let first = message.lines().next().unwrap_or_default();
    line(
        xml,
        &format!("{head}>\n      <{element} message=\"{}\">{}</{element}>\n    </testcase>", escaped(first), escaped(message)),
    );
}

fn line(xml: &mut String, text: &str) {
    // Writing into a string cannot fail.
    let _infallible = writeln!(xml, "{text}");
}

fn checks(report: &Report) -> Vec<Check> {
    let mut checks: Vec<Check> = report
        .thresholds
        .iter()
        .map(|row| Check { group: "thresholds", name: format!("{} {}", row.metric, row.expression), end: threshold(row, report) })
        .collect();
    checks.extend(report.hops.iter().map(|hop| Check {
        group: "exposure",
        name: format!("{} at {} is exposed", hop.truth, hop.hop.as_deref().unwrap_or("no hop")),
        end: exposed(hop, report),
    }));
    checks.extend(report.faults.iter().map(|fault| Check {
        group: "faults",
        name: format!("{} has an effect", fault.name),
        end: if fault.effects > 0 { End::Passed } else { End::Error("it did nothing, so nothing was tried".to_owned()) },
    }));
    let telemetry = report.telemetry.gap.clone().map_or(End::Passed, End::Error);
    checks.push(Check { group: "telemetry", name: "every span that ended was found".to_owned(), end: telemetry });
    let why = || format!("{}\n{}\nagain: {}", report.answer, report.reasons.join("\n"), report.replay);
    let end = match report.outcome {
        Outcome::Pass => End::Passed,
        Outcome::Fail => End::Failed(why()),
        Outcome::Unknown => End::Error(why()),
    };
    checks.push(Check { group: "run", name: "the run passes".to_owned(), end });
    checks
}

fn threshold(row: &ThresholdRow, report: &Report) -> End {
    let observed = || row.observed.map_or_else(|| "nothing".to_owned(), |value| shown(value, row.unit));
    match row.passed {
        Some(true) => End::Passed,
        Some(false) => End::Failed(format!("observed {}, shall be {}", observed(), row.expression)),
        None if row.excused => End::Skipped("there was nothing to expose, as it should be".to_owned()),
        None => End::Error(report.telemetry.gap.clone().unwrap_or_else(|| "there was nothing to observe".to_owned())),
    }
}

fn exposed(hop: &BadHop, report: &Report) -> End {
    let counts = &hop.exposure;
    let because = hop.because.as_deref().unwrap_or("no fault hit them directly");
    let said = format!(
        "the traces are blind to {} of {} ({because})",
        words::count(counts.orders - counts.exposed),
        words::several(counts.orders, "order"),
    );
    match (hop.blind, report.outcome) {
        (false, _) => End::Passed,
        (true, Outcome::Fail) => End::Failed(said),
        (true, Outcome::Unknown) => End::Error(said),
        (true, Outcome::Pass) => End::Skipped(format!("{said}; no threshold forbids it")),
    }
}

/// As XML takes it, in attributes too. What XML has no way to say is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};
    use roxmltree::{Document, Node};

    use super::*;

    /// What every reader of the format relies on: names, counts that add up, and one word at most about each case.
    fn read(report: &Report) -> [usize; 4] {
        let text = file(&suite(report));
        let document = Document::parse(&text).unwrap();
        let suites: Vec<Node<'_, '_>> = document.root_element().children().filter(Node::is_element).collect();
        assert_eq!((document.root_element().tag_name().name(), suites.len()), ("testsuites", 1));
        let children: Vec<&str> = suites[0].children().filter(Node::is_element).map(|child| child.tag_name().name()).collect();
        assert_eq!((children.first(), children.last()), (Some(&"properties"), Some(&"system-out")));
        let cases: Vec<Node<'_, '_>> = suites[0].children().filter(|child| child.has_tag_name("testcase")).collect();
        for case in &cases {
            assert!(case.attribute("name").is_some() && case.attribute("classname").is_some());
            let ends: Vec<&str> = case.children().filter(Node::is_element).map(|child| child.tag_name().name()).collect();
            assert!(ends.len() <= 1 && ends.iter().all(|end| ["skipped", "failure", "error"].contains(end)), "{ends:?}");
        }
        let of = |name: &str| cases.iter().filter(|case| case.children().any(|child| child.has_tag_name(name))).count();
        let counted = [cases.len(), of("failure"), of("error"), of("skipped")];
        let said: [usize; 4] =
            ["tests", "failures", "errors", "skipped"].map(|name| suites[0].attribute(name).unwrap().parse().unwrap());
        assert_eq!(counted, said);
        counted
    }

    #[test]
    fn a_passing_run_has_neither_failures_nor_errors() {
        let report = judge(sample::broker_kill()).report;
        let [cases, failures, errors, skipped] = read(&report);
        assert_eq!(cases, report.thresholds.len() + report.hops.len() + report.faults.len() + 2);
        assert_eq!([failures, errors, skipped], [0, 0, 0]);
        assert_eq!(read(&judge(sample::calm_week()).report)[3], 4, "thresholds that had nothing to judge");
    }

    #[test]
    fn a_red_run_has_failures_and_an_unknown_one_has_errors() {
        assert_eq!(read(&judge(sample::blind_hop()).report)[1..3], [5, 0]);
        let mut case = sample::calm_week();
        case.telemetry.unavailable = Some("jaeger does not answer".to_owned());
        let [_, failures, errors, _] = read(&judge(case).report);
        assert_eq!((failures, errors), (0, 6));
    }

    #[test]
    fn what_thresholds_allow_fails_no_case() {
        let mut case = sample::blind_hop();
        case.thresholds.retain(|threshold| threshold.name == "order_latency");
        case.thresholds[0].limit = 1e9;
        let report = judge(case).report;
        assert_eq!(report.outcome, Outcome::Pass, "{:?}", report.reasons);
        assert_eq!(read(&report)[1..], [0, 0, 1]);
    }

    #[test]
    fn a_run_without_a_verdict_is_an_error() {
        let text = file(&broken("broker-kill as-is seed 42 simulated", "the broker <did> not start"));
        let document = Document::parse(&text).unwrap();
        let error = document.descendants().find(|node| node.has_tag_name("error")).unwrap();
        assert_eq!(error.attribute("message"), Some("the broker <did> not start"));
    }

    #[test]
    fn names_cannot_become_markup() {
        let mut case = sample::blind_hop();
        case.run.scenario = "<a b=\"c\">&\u{1}".to_owned();
        read(&judge(case).report);
    }
}
