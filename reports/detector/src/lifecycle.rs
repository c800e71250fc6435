//! What the life of an order should look like, and how its telemetry names things: the lifecycle file, checked.

mod duration;
mod file;

use std::collections::BTreeMap;

use crate::way::Way;

/// A checked lifecycle file.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    pub(crate) names: Names,
    pub(crate) logs: Option<LogNames>,
    pub(crate) way: Way,
}

/// How the telemetry names things.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) order: String,
    /// The client's own reference of an order.
    pub(crate) reference: String,
    pub(crate) client_type: String,
    pub(crate) conversation: String,
    pub(crate) message_id: String,
    pub(crate) routing_key: String,
    pub(crate) operation_type: String,
    pub(crate) operation_name: String,
    pub(crate) redelivered: String,
    pub(crate) confirm: String,
    pub(crate) returned: String,
    pub(crate) duplicate: String,
    /// The state of the order as a row has it when a span ends.
    pub(crate) status: String,
    /// What a database span does: `commit`, `connect`, `lock`, or another statement.
    pub(crate) db_operation: String,
    /// Says that a span is a call, or its other end.
    pub(crate) http_method: String,
    /// Event, with the two attributes below.
    pub(crate) transition_event: String,
    pub(crate) to: String,
    pub(crate) event_id: String,
    /// Event, with the attribute below: a row was written, and its state left.
    pub(crate) rewritten_event: String,
    pub(crate) notified_event: String,
    pub(crate) aware_event: String,
    pub(crate) rewritten_in: String,
    /// Span name.
    pub(crate) work_started: String,
}

/// How the log names things. What is not named is not looked for.
#[derive(Clone, Debug)]
pub(crate) struct LogNames {
    pub(crate) order: String,
    pub(crate) client_type: Option<String>,
    pub(crate) to: String,
    pub(crate) event_id: Option<String>,
    /// `event.action` of the record that says a work has begun.
    pub(crate) work_started: Option<String>,
}

/// A state, its references resolved.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) deadline_ns: Option<u64>,
    /// The message that its service must have taken in before.
    pub(crate) after: Option<usize>,
    /// Somebody is waited for.
    pub(crate) waits: bool,
    /// They pick from a list: an order that is late and that so many others overtook is starved.
    pub(crate) overtaken: Option<u32>,
    pub(crate) work: Option<String>,
    /// By segment; empty: equal shares.
    pub(crate) share: BTreeMap<String, f64>,
}

/// A message, its references resolved.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) key: String,
    /// The state that it announces.
    pub(crate) announces: usize,
    pub(crate) from: String,
    pub(crate) to: String,
    /// The queue that it leads to.
    pub(crate) queue: Option<String>,
    /// The queue that keeps what that one has given up.
    pub(crate) parked: Option<String>,
    pub(crate) deadline_ns: Option<u64>,
}

/// Why a text is no lifecycle.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// No TOML, or a key that is unknown or missing.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A version that this detector does not know.
    #[error("schema_version {0}: only 1 is known")]
    Version(u32),
    /// A duration that is none.
    #[error("{of}: {text:?} is no duration such as \"30m\" or \"1h 30m\"")]
    Duration {
        /// Whose.
        of: String,
        /// What stands there.
        text: String,
    },
    /// An attribute name that is missing.
    #[error("[attributes] lacks {0:?}")]
    Attribute(&'static str),
    /// A name that stands for nothing.
    #[error("{of}: there is no {what} {name:?}")]
    Reference {
        /// Who refers to it.
        of: String,
        /// `state` or `message`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name that stands for two things.
    #[error("{what} {name:?} is there twice")]
    Twice {
        /// `state` or `message`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Something else that can't be walked.
    #[error("{of}: {reason}")]
    Walk {
        /// The state or message.
        of: String,
        /// Why.
        reason: String,
    },
}

impl Lifecycle {
    /// Reads a lifecycle file. Deadlines are those of the run's own time: a scenario's `[sla]` has replaced them already.
    ///
    /// # Errors
    /// When the text is no TOML, lacks something, or describes no way from its first state to its last.
    pub fn parse(text: &str) -> Result<Self, LifecycleError> {
        let file: file::File = toml::from_str(text)?;
        if file.schema_version != 1 {
            return Err(LifecycleError::Version(file.schema_version));
        }
        let names = names(file.attributes)?;
        let logs = file.logs.map(|logs| {
            let file::Logs { order, client_type, to, event_id, work_started } = logs;
            LogNames { order, client_type, to, event_id, work_started }
        });
        let promise_ns = nanoseconds(file.promise, || "promise".to_owned())?;
        let state_names: Vec<String> = file.state.iter().map(|state| state.name.clone()).collect();
        unique("state", &state_names)?;
        let keys: Vec<String> = file.message.iter().map(|message| message.key.clone()).collect();
        unique("message", &keys)?;
        let messages = file
            .message
            .into_iter()
            .map(|message| {
                Ok(Message {
                    announces: find("state", &state_names, &message.announces, &message.key)?,
                    deadline_ns: nanoseconds(message.deadline, || message.key.clone())?,
                    key: message.key,
                    from: message.from,
                    to: message.to,
                    queue: message.queue,
                    parked: message.parked,
                })
            })
            .collect::<Result<Vec<_>, LifecycleError>>()?;
        let states = file
            .state
            .into_iter()
            .map(|state| {
                Ok(State {
                    deadline_ns: nanoseconds(state.deadline, || state.name.clone())?,
                    after: state.after.map(|key| find("message", &keys, &key, &state.name)).transpose()?,
                    name: state.name,
                    service: state.service,
                    waits: state.wait.is_some(),
                    overtaken: state.overtaken,
                    work: state.work,
                    share: state.share,
                })
            })
            .collect::<Result<Vec<_>, LifecycleError>>()?;
        Ok(Self { names, logs, way: Way::new(&states, &messages, promise_ns)? })
    }
}

fn names(mut attributes: BTreeMap<String, String>) -> Result<Names, LifecycleError> {
    let mut take = |key: &'static str| attributes.remove(key).ok_or(LifecycleError::Attribute(key));
    Ok(Names {
        order: take("order")?,
        reference: take("reference").unwrap_or_else(|_| "order.ref".to_owned()),
        client_type: take("client_type")?,
        // Not every lifecycle says it; the conventions have a name for it.
        conversation: take("conversation").unwrap_or_else(|_| "messaging.message.conversation_id".to_owned()),
        message_id: take("message_id")?,
        routing_key: take("routing_key")?,
        operation_type: take("operation_type")?,
        operation_name: take("operation_name")?,
        redelivered: take("redelivered")?,
        confirm: take("confirm")?,
        returned: take("returned")?,
        duplicate: take("duplicate")?,
        status: take("status").unwrap_or_else(|_| "order.status".to_owned()),
        db_operation: take("db_operation").unwrap_or_else(|_| "db.operation.name".to_owned()),
        http_method: take("http_method").unwrap_or_else(|_| "http.request.method".to_owned()),
        transition_event: take("transition_event")?,
        to: take("to")?,
        event_id: take("event_id")?,
        rewritten_event: take("rewritten_event").unwrap_or_else(|_| "order.row_rewritten".to_owned()),
        notified_event: take("notified_event").unwrap_or_else(|_| "customer.notified".to_owned()),
        aware_event: take("aware_event").unwrap_or_else(|_| "customer.aware".to_owned()),
        rewritten_in: take("in").unwrap_or_else(|_| "in".to_owned()),
        work_started: take("work_started")?,
    })
}

fn nanoseconds(text: Option<String>, of: impl Fn() -> String) -> Result<Option<u64>, LifecycleError> {
    match text {
        None => Ok(None),
        Some(text) => duration::parse(&text).map(Some).ok_or_else(|| LifecycleError::Duration { of: of(), text }),
    }
}

fn unique(what: &'static str, names: &[String]) -> Result<(), LifecycleError> {
    match names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
        Some((_, name)) => Err(LifecycleError::Twice { what, name: name.clone() }),
        None => Ok(()),
    }
}

fn find(what: &'static str, names: &[String], name: &str, of: &str) -> Result<usize, LifecycleError> {
    let reference = || LifecycleError::Reference { of: of.to_owned(), what, name: name.to_owned() };
    names.iter().position(|known| known == name).ok_or_else(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../scenarios/lifecycle.toml");

    #[track_caller]
    fn refused(from: &str, to: &str, why: &str) {
        assert!(FILE.contains(from), "{from}");
        let error = Lifecycle::parse(&FILE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn the_lifecycle_of_the_scenarios_can_be_walked() {
        Lifecycle::parse(FILE).unwrap();
    }

    #[test]
    fn what_can_not_be_walked_is_refused_by_name() {
        refused("schema_version = 1", "schema_version = 2", "schema_version 2");
        refused("deadline = \"30m\"", "deadline = \"half an hour\"", "PRICE_CALCULATED: \"half an hour\" is no duration");
        refused("deadline = \"30m\"", "deadlin = \"30m\"", "deadlin");
        refused("after = \"order.submitted\"", "after = \"order.nothing\"", "no message \"order.nothing\"");
        refused("announces = \"SUBMITTED\"", "announces = \"SENT\"", "no state \"SENT\"");
        refused("name = \"PACKAGING\"", "name = \"SHIPPED\"", "\"SHIPPED\" is there twice");
        refused("order = \"order.id\"", "", "lacks \"order\"");
        refused("after = \"order.submitted\"", "after = \"order.shipped\"", "must announce SUBMITTED");
        refused("work = 0.4", "work = 0.5", "add up to 1.1");
        refused("work = 0.4", "wurk = 0.4", "wurk");
        refused("deadline = \"1h\"\nwait = \"customer\"", "deadline = \"1h\"\nwait = \"customer\"\nwork = \"art\"", "both");
    }
}
