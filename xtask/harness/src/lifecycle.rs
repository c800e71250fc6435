//! The lifecycle file with a scenario's deadlines in it: the one text that detector and truth classifier both read.

use std::time::Duration;

use scenarios::{Scenario, language::Sla};
use toml::{Table, Value};

/// The shared lifecycle file for a scenario: with its `[sla]` laid over it, and without what its architecture has not.
///
/// # Errors
/// When the shared file is no TOML (a mistake in this repository).
pub fn of(scenario: &Scenario) -> Result<String, toml::de::Error> {
    let mut file = for_sla(&scenario.sla)?;
    if !scenario.architecture.dead_letters {
        entries(&mut file, "message").for_each(|message| drop(message.remove("parked")));
    }
    Ok(file.to_string())
}

fn for_sla(sla: &Sla) -> Result<Table, toml::de::Error> {
    let mut file: Table = scenarios::lifecycle::LIFECYCLE.parse()?;
    if let Some(promise) = sla.promise {
        file.insert("promise".to_owned(), written(promise));
    }
    for state in entries(&mut file, "state") {
        let name = state.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some((_, deadline)) = sla.states.iter().find(|(status, _)| status.name() == name) {
            state.insert("deadline".to_owned(), written(*deadline));
        }
        if let Some((_, shares)) = sla.shares.iter().find(|(status, _)| status.name() == name) {
            let shares: Table = shares.iter().map(|(hop, share)| (hop.clone(), Value::Float(*share))).collect();
            state.insert("share".to_owned(), Value::Table(shares));
        }
    }
    for message in entries(&mut file, "message") {
        let key = message.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(deadline) = sla.messages.get(&key) {
            message.insert("deadline".to_owned(), written(*deadline));
        }
    }
    Ok(file)
}

/// The tables of an array of tables.
fn entries<'a>(file: &'a mut Table, name: &str) -> impl Iterator<Item = &'a mut Table> {
    file.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_table_mut)
}

/// A duration in the file's grammar. Scaled deadlines have milliseconds.
fn written(duration: Duration) -> Value {
    Value::String(format!("{}ms", duration.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_deadlines_replace_the_files() {
        let mut sla = Sla { promise: Some(Duration::from_secs(90)), ..Sla::default() };
        sla.states.insert(contracts::Status::PriceCalculated, Duration::from_millis(1500));
        let text = for_sla(&sla).unwrap().to_string();
        assert!(text.contains("promise = \"90000ms\""));
        let read = scenarios::lifecycle::Lifecycle::parse(&text).unwrap();
        assert_eq!(read.state(contracts::Status::PriceCalculated).deadline, Some(Duration::from_millis(1500)));
        assert_eq!(read.promise, Duration::from_secs(90));
    }

    #[test]
    fn classifier_and_harness_lay_the_same_deadlines_over_the_file() {
        let mut sla = Sla::default();
        sla.states.insert(contracts::Status::Closed, Duration::from_secs(5));
        sla.messages.insert("order.packaging".to_owned(), Duration::from_secs(7));
        let text = for_sla(&sla).unwrap().to_string();
        let read = scenarios::lifecycle::Lifecycle::parse(&text).unwrap();
        assert_eq!(read, scenarios::lifecycle::Lifecycle::for_sla(&sla).unwrap());
    }
}
