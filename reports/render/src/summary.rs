//! `summary.md`: the answer as a comment under a pull request.

use judge::{
    report::{BadHop, Report},
    words,
};

use crate::terminal;

/// Rows and reasons before the rest is only counted.
const MOST: usize = 8;

/// The comment. A reader sees the outcome in its heading, the reason below it, and how to see it again at the end.
#[must_use]
pub fn summary(report: &Report) -> String {
    let Report { scenario, architecture, instrumentation, seed, world, .. } = report;
    let mut lines = vec![
        format!("### {}: {}", report.outcome.name().to_uppercase(), plain(scenario)),
        String::new(),
        plain(&report.answer),
        String::new(),
    ];
    let (shown, more) = report.reasons.split_at(report.reasons.len().min(MOST));
    lines.extend(shown.iter().map(|reason| format!("- {}", plain(reason))));
    if !more.is_empty() {
        lines.push(format!("- and {}", words::several(more.len() as u64, "further reason")));
    }
    if !shown.is_empty() {
        lines.push(String::new());
    }
    lines.extend(numbers(report));
    lines.extend(hops(&report.hops));
    if let Some(said) = terminal::by_client(report) {
        lines.extend([format!("Clients apart: {}.", plain(&said.replace("   ", ", "))), String::new()]);
    }
    if let Some(scale) = &report.scale {
        lines.extend([format!("Shortened: {}.", plain(scale)), String::new()]);
    }
    lines.push(format!("{architecture}, {instrumentation}, seed {seed}, {world}. Again: `{}`", report.replay.replace('`', "")));
    lines.join("\n") + "\n"
}

fn numbers(report: &Report) -> Vec<String> {
    let (orders, exposure) = (&report.orders, &report.exposure);
    let exposed = if orders.bad == 0 {
        "nothing to expose".to_owned()
    } else {
        format!("{} of {}", words::count(exposure.exposed), words::count(orders.bad))
    };
    vec![
        "| orders | bad | exposed | recall | precision | hop@1 | false alarms | thresholds |".to_owned(),
        "|---:|---:|---:|---:|---:|---:|---:|---|".to_owned(),
        format!(
            "| {} | {} | {exposed} | {} | {} | {} | {} | {} |",
            words::count(orders.initiated),
            words::count(orders.bad),
            words::share(exposure.recall),
            words::share(exposure.precision),
            words::share(exposure.hop_at_1),
            words::count(exposure.false_alarms),
            terminal::thresholds(&report.thresholds),
        ),
        String::new(),
    ]
}

fn hops(hops: &[BadHop]) -> Vec<String> {
    if hops.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["| what | hop | orders | exposed | because of |".to_owned(), "|---|---|---:|---:|---|".to_owned()];
    let (shown, more) = hops.split_at(hops.len().min(MOST));
    lines.extend(shown.iter().map(|hop| {
        let counts = &hop.exposure;
        let blind =
            if hop.blind { format!("**blind to {}**", words::count(counts.orders - counts.exposed)) } else { "all".to_owned() };
        let (place, because) =
            (hop.hop.as_deref().unwrap_or("-"), hop.because.as_deref().unwrap_or("no fault hit them directly"));
        format!(
            "| {} | `{}` | {} | {blind} | {} |",
            plain(&hop.truth),
            place.replace(['`', '|'], ""),
            words::count(counts.orders),
            plain(because)
        )
    }));
    lines.push(String::new());
    if !more.is_empty() {
        lines.extend([format!("and {} in report.html", words::several(more.len() as u64, "further hop")), String::new()]);
    }
    lines
}

/// As Markdown takes it for plain words.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '\\' => out.extend(['\\', letter]),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use judge::{judge, sample};

    use super::*;

    #[test]
    fn a_red_run_says_why_and_where() {
        expect![[r#"
            ### FAIL: broker-kill

            41 of 5,412 orders went wrong (29 lost and 12 late); the traces expose 24 and are blind to 17 at order.submitted transit, with 2 alarms for orders that are fine.

            - threshold lost\_unexposed count==0: observed 17 at order.submitted transit; worst order c-000001
            - threshold exposure\_recall rate==1: observed 0.59 at order.submitted transit; worst order c-000001
            - threshold exposure\_precision rate==1: observed 0.92; worst order c-000043

            | orders | bad | exposed | recall | precision | hop@1 | false alarms | thresholds |
            |---:|---:|---:|---:|---:|---:|---:|---|
            | 5,412 | 41 | 24 of 41 | 0.59 | 0.92 | 0.59 | 2 | 2 of 5 hold |

            | what | hop | orders | exposed | because of |
            |---|---|---:|---:|---|
            | lost | `order.submitted transit` | 29 | **blind to 17** | broker-kill at 1 d 1 h (29 messages lost from queues) |
            | slow | `order.submitted transit` | 12 | all | slow-pricing at 1 d (1 calculation slowed) |

            as-is, seed-001, seed 42, simulated. Again: `cargo xtask simulate broker-kill --seed 42`
        "#]].assert_eq(&summary(&judge(sample::blind_hop()).report));
    }

    #[test]
    fn a_quiet_run_is_short() {
        expect![[r#"
            ### PASS: calm-week

            Nothing went wrong with any of 840 orders; the traces raise no alarm.

            | orders | bad | exposed | recall | precision | hop@1 | false alarms | thresholds |
            |---:|---:|---:|---:|---:|---:|---:|---|
            | 840 | 0 | nothing to expose | - | - | - | 0 | 1 of 5 hold, 4 had nothing to expose |

            as-is, full, seed 42, simulated. Again: `cargo xtask simulate calm-week --seed 42`
        "#]]
        .assert_eq(&summary(&judge(sample::calm_week()).report));
    }

    #[test]
    fn names_cannot_become_markup() {
        let mut report = judge(sample::calm_week()).report;
        report.scenario = "a|b<script>*c*".to_owned();
        assert!(summary(&report).starts_with("### PASS: a\\|b&lt;script>\\*c\\*\n"));
    }
}
