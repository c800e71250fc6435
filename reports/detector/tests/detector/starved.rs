//! An order that waits while people take others first.

use crate::trace::{CALM, END, findings, later, line, of};

/// The verdict on an order that a seller takes after two days, when so many that came a minute later were taken before it.
fn overtaken_by(others: u32) -> String {
    let late = of("o-late", &later(CALM, "enters MANUFACTURING_APPROVED", "2d"));
    let quick = later(CALM, "enters INITIATED", "1m");
    let text: String = (0..others).map(|number| of(&format!("o-{number:02}"), &quick)).collect();
    let findings = findings(&format!("{text}{late}"), END);
    let finding = findings.iter().find(|finding| &*finding.order_id == "o-late").unwrap();
    line(finding).split(", alarm").next().unwrap().to_owned()
}

#[test]
fn twenty_that_go_first_starve_an_order_and_nineteen_do_not() {
    assert_eq!(overtaken_by(20), "starved, at MANUFACTURING_APPROVED wait, overtaken(A)");
    assert_eq!(overtaken_by(19), "slow, at MANUFACTURING_APPROVED wait, waiting_for_person(A)");
}

#[test]
fn who_was_ready_before_it_overtakes_nobody() {
    let late = of("o-late", &later(&later(CALM, "enters INITIATED", "1m"), "enters MANUFACTURING_APPROVED", "2d"));
    let before: String = (0..30).map(|number| of(&format!("o-{number:02}"), CALM)).collect();
    let findings = findings(&format!("{before}{late}"), END);
    let finding = findings.iter().find(|finding| &*finding.order_id == "o-late").unwrap();
    assert_eq!(finding.verdict.name(), "slow");
}
