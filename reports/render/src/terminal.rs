//! The last lines on the terminal: the answer comes last, because that is where the eye is.

use std::time::Duration;

use judge::{
    clients::{self, ClientRow},
    report::{BadHop, Outcome, Report, ThresholdRow},
    requests,
    tally::Tally,
    words,
};

/// What the terminal can show, and what the report must not know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Screen<'a> {
    /// Colours are welcome.
    pub colour: bool,
    /// How long the run took on the clock on the wall.
    pub took: Option<Duration>,
    /// Where `report.html` is.
    pub html: Option<&'a str>,
    /// The command that repeats the run from here.
    pub again: Option<&'a str>,
}

const WIDTH: usize = 96;
/// Lines of one kind before the rest is only counted.
const MOST: usize = 8;

/// The block of one run, without a line end behind its last line.
#[must_use]
pub fn terminal(report: &Report, screen: &Screen<'_>) -> String {
    let mut lines = vec![headline(report, screen), line("orders", &orders(report)), line("truth", &counts(report))];
    lines.extend(report.scale.as_ref().map(|scale| line("shortened", scale)));
    lines.push(line("exposed", &exposed(report)));
    lines.extend(hops(report, screen.colour));
    lines.extend(causes(report));
    lines.extend(by_client(report).map(|said| line("clients", &said)));
    lines.extend(slowest(report));
    lines.push(line("thresholds", &thresholds(&report.thresholds)));
    let (shown, more) = report.reasons.split_at(report.reasons.len().min(MOST));
    lines.extend(shown.iter().map(|reason| line("because", &paint(reason, colour_of(report.outcome), screen.colour))));
    if !more.is_empty() {
        lines.push(line("", &format!("and {}", words::several(more.len() as u64, "further reason"))));
    }
    lines.push(last(report, screen));
    lines.join("\n")
}

/// One line for a run among many.
#[must_use]
pub fn row(report: &Report, colour: bool) -> String {
    let exposed = format!("{} of {} exposed", words::count(report.exposure.exposed), words::count(report.orders.bad));
    format!(
        "{}  {:<20} {:<6} {:<9} seed {:<6} {:>9} orders  {exposed}",
        word(report.outcome, colour),
        report.scenario,
        report.architecture,
        report.instrumentation,
        report.seed,
        words::count(report.orders.initiated),
    )
}

/// The head of a table of scenarios that were run under many seeds.
#[must_use]
pub fn tally_head() -> String {
    format!(
        "{:<26} {:<6} {:>10} {:>9} {:>7} {:>9} {:>6} {:>6} {:>8} {:>6}",
        "scenario", "", "passed", "bad", "recall", "precision", "hop@1", "cause", "unknown", "alarms"
    )
}

/// Its row: what a scenario's runs say together. The last two columns count bad orders of which nothing is known, and alarms for orders
/// that are fine.
#[must_use]
pub fn tally(tally: &Tally, colour: bool) -> String {
    let passed = format!("{:>10}", format!("{} of {}", words::count(tally.passed), words::count(tally.runs)));
    let passed = if tally.passed == tally.runs { passed } else { paint(&passed, RED, colour) };
    format!(
        "{:<26} {:<6} {passed} {:>9} {:>7} {:>9} {:>6} {:>6} {:>8} {:>6}",
        tally.scenario,
        tally.architecture,
        words::count(tally.bad),
        words::share(tally.recall()),
        words::share(tally.precision()),
        words::share(tally.hop_at_1()),
        words::share(tally.cause_accuracy()),
        words::count(tally.unknown),
        words::count(tally.false_alarms),
    )
}

fn headline(report: &Report, screen: &Screen<'_>) -> String {
    let Report { scenario, architecture, instrumentation, seed, world, .. } = report;
    let left = format!("{scenario}  {architecture}  {instrumentation}  seed {seed}  {world}");
    let took = screen.took.map_or_else(String::new, |took| format!(" in {}", words::duration(took.as_secs_f64())));
    let right = format!("{} of orders{took}", words::duration(report.duration_s));
    let gap = WIDTH.saturating_sub(left.chars().count() + right.chars().count()).max(2);
    format!("{left}{}{right}", " ".repeat(gap))
}

fn line(name: &str, text: &str) -> String {
    format!("  {name:<11} {text}")
}

fn orders(report: &Report) -> String {
    let orders = &report.orders;
    let mut parts = vec![
        format!("{} initiated", words::count(orders.initiated)),
        format!("{} closed", words::count(orders.closed)),
        format!("{} bad", words::count(orders.bad)),
    ];
    if orders.refused > 0 {
        parts.push(format!("{} refused", words::count(orders.refused)));
    }
    if orders.in_flight > 0 {
        parts.push(format!("{} in flight", words::count(orders.in_flight)));
    }
    if orders.borderline > 0 {
        parts.push(format!("{} borderline", words::count(orders.borderline)));
    }
    if orders.analysed != orders.initiated {
        parts.push(format!("only {} analysed", words::count(orders.analysed)));
    }
    parts.join("   ")
}

fn counts(report: &Report) -> String {
    let bad = report.truth.0.iter().filter(|(class, _)| class != "ok" && class != "in-flight");
    let said: Vec<String> = bad.map(|(class, count)| format!("{} {class}", words::count(*count))).collect();
    if said.is_empty() { "nothing went wrong".to_owned() } else { said.join("   ") }
}

fn exposed(report: &Report) -> String {
    let exposure = &report.exposure;
    let alarms = match exposure.false_alarms {
        0 => String::new(),
        alarms => format!(", {}", words::several(alarms, "false alarm")),
    };
    if report.telemetry.gap.is_some() {
        return "not known: the telemetry is not all there".to_owned();
    }
    if report.orders.bad == 0 {
        let alarms = if alarms.is_empty() { ", no alarm".to_owned() } else { alarms };
        return format!("nothing to expose{alarms}");
    }
    let half = exposure.exposed_after.p50_s.map_or_else(String::new, |half| match half {
        0.0 => ", half of them at once".to_owned(),
        half => format!(", half of them within {}", words::duration(half)),
    });
    let in_doubt = match exposure.hop_in_doubt {
        0 => String::new(),
        hops => format!(", {} in doubt", words::count(hops)),
    };
    format!(
        "{} of {} (recall {}  precision {}  hop@1 {}{in_doubt}){half}{alarms}",
        words::count(exposure.exposed),
        words::count(report.orders.bad),
        words::share(exposure.recall),
        words::share(exposure.precision),
        words::share(exposure.hop_at_1),
    )
}

fn hops(report: &Report, colour: bool) -> Vec<String> {
    let place = |hop: &BadHop| {
        let between = hop.between.as_ref().map(|(from, to)| format!("{from} -> {to}  ")).unwrap_or_default();
        format!("{between}{}", hop.hop.as_deref().unwrap_or("nowhere in particular"))
    };
    let (shown, more) = report.hops.split_at(report.hops.len().min(MOST));
    let width = shown.iter().map(|hop| place(hop).chars().count()).max().unwrap_or(0);
    let digits = shown.iter().map(|hop| words::count(hop.exposure.orders).len()).max().unwrap_or(0);
    let mut lines: Vec<String> = shown
        .iter()
        .map(|hop| {
            let count = words::count(hop.exposure.orders);
            let because = hop.because.as_deref().unwrap_or("no fault hit them directly");
            let blind = match hop.exposure.orders - hop.exposure.exposed {
                0 => String::new(),
                blind => paint(&format!("BLIND to {}  ", words::count(blind)), RED, colour),
            };
            line(&format!("{} at", hop.truth), &format!("{:<width$}  {count:>digits$}  {blind}{because}", place(hop)))
        })
        .collect();
    if !more.is_empty() {
        lines.push(line("", &format!("and at {}", words::several(more.len() as u64, "further hop"))));
    }
    lines
}

/// The detector's causes, each with the tier of evidence that it rests on.
fn causes(report: &Report) -> Option<String> {
    let (shown, more) = report.alarms_by_cause.split_at(report.alarms_by_cause.len().min(MOST));
    let mut said: Vec<String> =
        shown.iter().map(|row| format!("{} {} ({})", words::count(row.orders), row.cause, row.tier)).collect();
    if !more.is_empty() {
        said.push(format!("and {}", words::several(more.len() as u64, "further cause")));
    }
    (!said.is_empty()).then(|| line("causes", &said.join("   ")))
}

/// The bad orders of each type of client, where one fares so much worse than another that it is worth a word.
pub(crate) fn by_client(report: &Report) -> Option<String> {
    let said = |(client, row): &(String, ClientRow)| {
        let orders = &row.orders;
        format!("{client} {} of {} bad", words::count(orders.bad), words::count(orders.initiated))
    };
    clients::differ(report).then(|| report.clients.0.iter().map(said).collect::<Vec<_>>().join("   "))
}

/// The route that a fault made slow more than any other.
fn slowest(report: &Report) -> Option<String> {
    let slower = |route| move |row| Some((requests::slower(route, row)?, route, row));
    let rows = requests::routes(&report.requests).flat_map(|route| route.iter().filter_map(slower(route)));
    let (_, route, row) = rows.max_by(|(a, ..), (b, ..)| a.total_cmp(b))?;
    let otherwise = requests::calm(route).map_or(0.0, |calm| calm.p95_s);
    let [slow, otherwise] = [row.p95_s, otherwise].map(words::duration);
    let during = row.during.as_deref().unwrap_or_default();
    Some(line(
        "requests",
        &format!(
            "{} of {}: p95 {slow} in {during}, {otherwise} otherwise; spent on {}",
            row.route,
            row.service,
            requests::spent_on(row)
        ),
    ))
}

/// How many thresholds hold.
pub(crate) fn thresholds(rows: &[ThresholdRow]) -> String {
    let (known, held) =
        (rows.iter().filter(|row| row.passed.is_some()).count(), rows.iter().filter(|row| row.passed == Some(true)).count());
    let excused = rows.iter().filter(|row| row.excused).count();
    let unknown = rows.len() - known - excused;
    let mut text = if rows.is_empty() { "none set".to_owned() } else { format!("{held} of {} hold", rows.len()) };
    if excused > 0 {
        text += &format!(", {excused} had nothing to expose");
    }
    if unknown > 0 {
        text += &format!(", {unknown} unknown");
    }
    text
}

fn last(report: &Report, screen: &Screen<'_>) -> String {
    let html = screen.html.map_or_else(String::new, |html| format!("  report: {html} "));
    format!("{}{html}  again: {}", word(report.outcome, screen.colour), screen.again.unwrap_or(&report.replay))
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

fn colour_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => GREEN,
        Outcome::Unknown => YELLOW,
        Outcome::Fail => RED,
    }
}

fn word(outcome: Outcome, colour: bool) -> String {
    paint(&outcome.name().to_uppercase(), &format!("1;{}", colour_of(outcome)), colour)
}

fn paint(text: &str, code: &str, colour: bool) -> String {
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use judge::{Case, judge, sample};

    use super::*;

    fn check(case: Case, expected: &Expect) {
        let screen = Screen {
            took: Some(Duration::from_millis(800)),
            html: Some("target/loupe/x/latest/report.html"),
            ..Screen::default()
        };
        expected.assert_eq(&terminal(&judge(case).report, &screen));
    }

    #[test]
    fn a_passing_run_ends_with_the_answer() {
        check(
            sample::broker_kill(),
            &expect![[r#"
                broker-kill  as-is  full  seed 42  simulated                            26 d of orders in 800 ms
                  orders      5,412 initiated   5,383 closed   41 bad
                  truth       29 lost   12 slow
                  exposed     41 of 41 (recall 1.00  precision 1.00  hop@1 1.00), half of them within 31 min
                  lost at     crm-api -> mes-api  order.submitted transit  29  broker-kill at 1 d 1 h (29 messages lost from queues)
                  slow at     crm-api -> mes-api  order.submitted transit  12  slow-pricing at 1 d (1 calculation slowed)
                  causes      29 gone_with_broker (C)
                  thresholds  5 of 5 hold
                PASS  report: target/loupe/x/latest/report.html   again: cargo xtask simulate broker-kill --seed 42"#]],
        );
    }

    #[test]
    fn a_red_run_names_threshold_value_and_worst_order() {
        check(
            sample::blind_hop(),
            &expect![[r#"
                broker-kill  as-is  seed-001  seed 42  simulated                        26 d of orders in 800 ms
                  orders      5,412 initiated   5,383 closed   41 bad
                  truth       29 lost   12 slow
                  exposed     24 of 41 (recall 0.59  precision 0.92  hop@1 0.59), half of them at once, 2 false alarms
                  lost at     crm-api -> mes-api  order.submitted transit  29  BLIND to 17  broker-kill at 1 d 1 h (29 messages lost from queues)
                  slow at     crm-api -> mes-api  order.submitted transit  12  slow-pricing at 1 d (1 calculation slowed)
                  causes      12 gone_with_broker (C)
                  thresholds  2 of 5 hold
                  because     threshold lost_unexposed count==0: observed 17 at order.submitted transit; worst order c-000001
                  because     threshold exposure_recall rate==1: observed 0.59 at order.submitted transit; worst order c-000001
                  because     threshold exposure_precision rate==1: observed 0.92; worst order c-000043
                FAIL  report: target/loupe/x/latest/report.html   again: cargo xtask simulate broker-kill --seed 42"#]],
        );
    }

    #[test]
    fn clients_are_told_apart_where_one_fares_worse() {
        let said = |lost_of: &'static str| {
            let mut case = sample::broker_kill();
            for truth in case.truths.iter_mut().filter(|truth| truth.class.bad()) {
                truth.client_type = lost_of.into();
            }
            by_client(&judge(case).report)
        };
        assert_eq!(said("api_partner").as_deref(), Some("api_partner 41 of 3,622 bad   retail 0 of 1,790 bad"));
        assert_eq!(by_client(&judge(sample::broker_kill()).report), None);
    }

    #[test]
    fn a_quiet_run_says_that_there_was_nothing_to_expose() {
        check(
            sample::calm_week(),
            &expect![[r#"
            calm-week  as-is  full  seed 42  simulated                              26 d of orders in 800 ms
              orders      840 initiated   840 closed   0 bad
              truth       nothing went wrong
              exposed     nothing to expose, no alarm
              thresholds  1 of 5 hold, 4 had nothing to expose
            PASS  report: target/loupe/x/latest/report.html   again: cargo xtask simulate calm-week --seed 42"#]],
        );
    }

    #[test]
    fn an_unknown_run_says_what_could_not_be_seen() {
        let mut case = sample::calm_week();
        case.telemetry.unavailable = Some("jaeger does not answer".to_owned());
        check(
            case,
            &expect![[r#"
                calm-week  as-is  full  seed 42  simulated                              26 d of orders in 800 ms
                  orders      840 initiated   840 closed   0 bad
                  truth       nothing went wrong
                  exposed     not known: the telemetry is not all there
                  thresholds  1 of 5 hold, 4 unknown
                  because     jaeger does not answer
                UNKNOWN  report: target/loupe/x/latest/report.html   again: cargo xtask simulate calm-week --seed 42"#]],
        );
    }

    #[test]
    fn colour_is_only_there_when_asked_for() {
        let report = judge(sample::blind_hop()).report;
        let coloured = terminal(&report, &Screen { colour: true, ..Screen::default() });
        let plain = terminal(&report, &Screen::default());
        assert!(coloured.contains("\x1b[1;31mFAIL\x1b[0m"), "{coloured}");
        assert!(!plain.contains('\x1b'));
    }

    #[test]
    fn a_run_among_many_takes_one_line() {
        let line = row(&judge(sample::blind_hop()).report, false);
        assert_eq!(line, "FAIL  broker-kill          as-is  seed-001  seed 42         5,412 orders  24 of 41 exposed");
    }
}
