//! The report as the files that other tools read.

use judge::report::{BadOrderWithJourney, Report};

/// `report.json`.
///
/// # Errors
/// When a number is none (JSON has no word for it).
pub fn report_json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// `bad-orders.jsonl`: one order with its journey a line, in the order given.
///
/// # Errors
/// When a number is none (JSON has no word for it).
pub fn bad_orders_jsonl(rows: &[BadOrderWithJourney]) -> serde_json::Result<String> {
    rows.iter().try_fold(String::new(), |text, row| Ok(text + &serde_json::to_string(row)? + "\n"))
}

#[cfg(test)]
mod tests {
    use judge::{judge, sample};

    use super::*;

    #[test]
    fn every_bad_order_has_a_line_that_reads_back() {
        let judged = judge(sample::broker_kill());
        let text = bad_orders_jsonl(&judged.bad_orders).unwrap();
        let back: Vec<BadOrderWithJourney> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back.len(), 41);
        assert!(back == judged.bad_orders);
    }

    #[test]
    fn a_report_begins_with_its_version() {
        let text = report_json(&judge(sample::calm_week()).report).unwrap();
        assert!(text.starts_with("{\n  \"schema_version\": 1,\n"), "{}", &text[..60]);
        assert!(text.ends_with("}\n"));
    }
}
