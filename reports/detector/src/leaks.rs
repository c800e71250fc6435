//! Personal data that was seen in the telemetry itself.

use std::{collections::BTreeMap, sync::Arc};

use opentelemetry::{KeyValue, Value};
use signals::{Log, Personal, Span};

/// An attribute that holds personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Who wrote it.
    pub service: Arc<str>,
    /// The attribute of its spans, or the field of its log records.
    pub attribute: String,
    /// What is in it.
    pub what: Personal,
    /// In how many spans and records.
    pub times: u64,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Leaks(BTreeMap<(Arc<str>, String, Personal), u64>);

impl Leaks {
    pub(crate) fn look_at_span(&mut self, span: &Span) {
        let service = &span.resource.service;
        self.look(service, &span.attributes);
        span.events.iter().for_each(|event| self.look(service, &event.attributes));
    }

    pub(crate) fn look_at_log(&mut self, log: &Log) {
        self.look(&log.resource.service, &log.fields);
    }

    fn look(&mut self, service: &Arc<str>, attributes: &[KeyValue]) {
        for KeyValue { key, value, .. } in attributes {
            let Value::String(text) = value else { continue };
            if let Some(what) = Personal::in_text(text.as_str()) {
                *self.0.entry((Arc::clone(service), key.as_str().to_owned(), what)).or_default() += 1;
            }
        }
    }

    pub(crate) fn all(&self) -> Vec<Leak> {
        let leak = |((service, attribute, what), times): (&(Arc<str>, String, Personal), &u64)| Leak {
            service: Arc::clone(service),
            attribute: attribute.clone(),
            what: *what,
            times: *times,
        };
        self.0.iter().map(leak).collect()
    }
}
