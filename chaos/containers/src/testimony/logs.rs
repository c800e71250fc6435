//! The logs of all processes, read back from Elasticsearch: a killed process' log outlives it.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use serde_json::Value;
use signals::{Log, ecs};
use tokio::time::Instant;

use crate::{docker, shipping::Shipping};

/// How many records each living process has written, by its service.
pub(super) type Written = BTreeMap<String, u64>;

/// How many times its limit everything may take, the time included in which records are read that are there.
const READING: u32 = 4;

/// Looks again and again until every record is there that its writer counted. Nothing but what Elasticsearch gives back is read.
/// It is given up when the limit is over and no more have come since the last look: how long a look takes says nothing of them.
pub(super) async fn read(shipping: &Shipping, written: &Written, limit: Duration) -> Result<Vec<Log>, String> {
    let missing = RefCell::new("nothing was read".to_owned());
    let until = Instant::now() + limit;
    let reading = async {
        let mut last = None;
        loop {
            let arrived = shipping.arrived().await.map_err(|error| error.to_string())?;
            // No more than at the last look: no fewer are missing.
            if last != Some(arrived) {
                last = Some(arrived);
                let records = shipping.records().await.map_err(|error| error.to_string())?;
                let logs = parse(records)?;
                match find_missing(&logs, written) {
                    None => return Ok(logs),
                    Some(what) => *missing.borrow_mut() = what,
                }
            } else if Instant::now() > until {
                return Err(format!("{} after {} s", missing.borrow(), limit.as_secs()));
            }
            // What was refused does not come any more.
            if let Some(reason) = shipping.refusal().await {
                return Err(format!("{}: {reason}", missing.borrow()));
            }
            docker::pause().await;
        }
    };
    let read = docker::limited(limit * READING, reading).await;
    read.unwrap_or_else(|| Err(format!("{} after {} s", missing.borrow(), (limit * READING).as_secs())))
}

/// What was given back, as records.
fn parse(records: Vec<Value>) -> Result<Vec<Log>, String> {
    let parse = |record: Value| {
        let line = record.to_string();
        ecs::read(&line).map_err(|error| format!("Elasticsearch gives back what is no log record: {error} in: {line}"))
    };
    records.into_iter().map(parse).collect()
}

/// What is missing, in words: numbers without a gap, and of the living as many as they count.
fn find_missing(logs: &[Log], written: &Written) -> Option<String> {
    let mut processes: BTreeMap<&str, (u64, u64, &str)> = BTreeMap::new();
    for log in logs {
        let (found, last, _) = processes.entry(&log.resource.instance).or_insert((0, 0, &log.resource.service));
        (*found, *last) = (*found + 1, (*last).max(log.number));
    }
    let gap = processes.iter().find(|(_, (found, last, _))| found != last);
    if let Some((process, (found, last, _))) = gap {
        return Some(format!("{process}: {last} log records were written, {found} are there"));
    }
    written.iter().find_map(|(service, count)| {
        // The living one is the last of its service.
        let of_service = processes.iter().filter(|(_, (_, _, name))| name == service);
        let found = of_service.max_by_key(|(process, _)| incarnation(process)).map_or(0, |(_, (found, ..))| *found);
        (found < *count).then(|| format!("{service}: {count} log records were written, {found} are there"))
    })
}

/// The incarnation in a process' name, `<service>-<instance>.<incarnation>`.
fn incarnation(process: &str) -> u64 {
    process.rsplit_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(process: &str, number: u64) -> Value {
        let time = "2026-01-05T00:00:00Z";
        json!({ "@timestamp": time, "service.name": "mes-api", "service.node.name": process, "event.sequence": number })
    }

    fn logs(of: &[(&str, u64)]) -> Vec<Log> {
        parse(of.iter().map(|(process, number)| record(process, *number)).collect()).unwrap()
    }

    #[test]
    fn a_log_is_whole_when_no_number_is_missing() {
        let written = |count| Written::from([("mes-api".to_owned(), count)]);
        let whole = [("mes-api-1.1", 1), ("mes-api-1.1", 2), ("mes-api-1.2", 1)];
        assert_eq!(find_missing(&logs(&whole), &written(1)), None);
        assert_eq!(find_missing(&logs(&whole), &written(2)).unwrap(), "mes-api: 2 log records were written, 1 are there");
        assert_eq!(
            find_missing(&logs(&whole[1..]), &written(1)).unwrap(),
            "mes-api-1.1: 2 log records were written, 1 are there"
        );
        assert!(find_missing(&[], &written(1)).is_some());
    }

    #[test]
    fn the_tenth_start_comes_after_the_ninth() {
        let written = Written::from([("mes-api".to_owned(), 2)]);
        assert_eq!(find_missing(&logs(&[("mes-api-1.9", 1), ("mes-api-1.10", 1), ("mes-api-1.10", 2)]), &written), None);
    }

    #[test]
    fn what_is_no_record_is_an_error() {
        let error = parse(vec![record("mes-api-1.1", 1), json!({ "service.name": "mes-api" })]).unwrap_err();
        assert!(error.contains("\"@timestamp\" is missing"), "{error}");
    }
}
