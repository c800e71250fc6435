//! The logs of all processes, read back from their containers: a killed process' log outlives it.

use std::collections::BTreeMap;

use signals::{Log, ecs};
use testcontainers::bollard::Docker;

use crate::{
    docker::{self, Output},
    parts::Started,
};

/// How many records each living process has written, by its service.
pub(super) type Written = BTreeMap<String, u64>;

/// Reads the logs of all services again and again until every record is there that its writer counted.
pub(super) async fn read(docker: &Docker, services: &[&Started], written: &Written) -> Result<Vec<Log>, String> {
    loop {
        let mut logs = Vec::new();
        for started in services {
            let name = &started.part;
            let text = docker::written(docker, &started.id, Output::Stderr).await;
            let text = text.map_err(|error| format!("the log of {name} cannot be read: {error}"))?;
            logs.extend(parse(&text).map_err(|reason| format!("the log of {name}: {reason}"))?);
        }
        match missing(&logs, written) {
            None => return Ok(logs),
            Some(_) => docker::pause().await,
        }
    }
}

/// The records of a log. Beside them a dying process may have said something to people.
fn parse(text: &[u8]) -> Result<Vec<Log>, String> {
    let text = String::from_utf8_lossy(text);
    let records = text.lines().filter(|line| line.starts_with('{'));
    records.map(|line| ecs::read(line).map_err(|error| format!("{error} in: {line}"))).collect()
}

/// What is missing, in words: numbers without a gap, and of the living as many as they count.
fn missing(logs: &[Log], written: &Written) -> Option<String> {
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
    use super::*;

    fn line(process: &str, number: u64) -> String {
        format!(
            r#"{{"@timestamp":"2026-01-05T00:00:00Z","service.name":"mes-api","service.node.name":"{process}","event.sequence":{number}}}"#
        )
    }

    fn logs(of: &[(&str, u64)]) -> Vec<Log> {
        let text: String = of.iter().map(|(process, number)| line(process, *number) + "\n").collect();
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_log_is_whole_when_no_number_is_missing() {
        let written = |count| Written::from([("mes-api".to_owned(), count)]);
        let whole = [("mes-api-1.1", 1), ("mes-api-1.1", 2), ("mes-api-1.2", 1)];
        assert_eq!(missing(&logs(&whole), &written(1)), None);
        assert_eq!(missing(&logs(&whole), &written(2)).unwrap(), "mes-api: 2 log records were written, 1 are there");
        assert_eq!(missing(&logs(&whole[1..]), &written(1)).unwrap(), "mes-api-1.1: 2 log records were written, 1 are there");
        assert!(missing(&[], &written(1)).is_some());
    }

    #[test]
    fn the_tenth_start_comes_after_the_ninth() {
        let written = Written::from([("mes-api".to_owned(), 2)]);
        assert_eq!(missing(&logs(&[("mes-api-1.9", 1), ("mes-api-1.10", 1), ("mes-api-1.10", 2)]), &written), None);
    }

    #[test]
    fn last_words_are_no_records_and_half_a_record_is_an_error() {
        let text = format!("\nthread 'main' panicked\n{}\n", line("mes-api-1.1", 1));
        assert_eq!(parse(text.as_bytes()).unwrap().len(), 1);
        assert!(parse(b"{\"@timestamp\":\"2026").unwrap_err().starts_with("no JSON object"));
    }
}
