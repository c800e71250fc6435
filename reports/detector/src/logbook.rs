//! What one log record says: that an order has entered a state, or that a work has begun. Nothing else in a log is evidence.

use std::{collections::BTreeMap, sync::Arc};

use opentelemetry::{KeyValue, Value};
use signals::Log;

use crate::{
    lifecycle::LogNames,
    record::{Record, What, flag, label, span_label, span_number},
    sighting::work_of,
    way::Way,
};

/// The level of records that say what did not happen.
const ERROR: &str = "ERROR";

/// Turns log records into evidence.
pub(crate) struct Logbook(pub(crate) Option<LogNames>);

/// What one log record says.
pub(crate) struct Noted<'a> {
    /// The order, where the record names it.
    pub(crate) order: Option<&'a str>,
    pub(crate) client_type: Option<&'a str>,
    pub(crate) record: Record,
}

impl Logbook {
    /// The evidence in a record of a service; `None` where there is none.
    pub(crate) fn read<'a>(&self, log: &'a Log, service: usize, way: &Way) -> Option<Noted<'a>> {
        let names = self.0.as_ref().filter(|_| !log.level.eq_ignore_ascii_case(ERROR))?;
        let (mut order, mut client_type, mut state, mut event_id) = (None, None, None, 0);
        let is = |name: &Option<String>, key: &str| name.as_deref() == Some(key);
        for KeyValue { key, value, .. } in &log.fields {
            let (key, Value::String(text)) = (key.as_str(), value) else { continue };
            let text = Some(text.as_str()).filter(|text| !text.is_empty());
            if key == names.order {
                order = text;
            } else if key == names.to {
                state = text.and_then(|text| way.state_of(text));
            } else if is(&names.event_id, key) {
                event_id = text.map_or(0, label);
            } else if is(&names.client_type, key) {
                client_type = text;
            }
        }
        let span = span_number(log.span_id);
        let (step, label) = match state {
            Some(state) => (way.record[service][state]?, event_id),
            // As the mark of the same work: it hangs below the span that the record names.
            None if is(&names.work_started, &log.action) => {
                (work_of(service, way)?, if span == 0 { 0 } else { span_label(span) })
            }
            None => return None,
        };
        let what = What::Step(step).number(way);
        let record = Record { at_ns: log.time_ns, span, label, trace: 0, what, flags: flag::LOGGED };
        Some(Noted { order, client_type, record })
    }
}

/// Which services have a log, and whether all of it is there.
#[derive(Default)]
pub(crate) struct Logbooks(BTreeMap<Arc<str>, Pages>);

/// The log of one process.
struct Pages {
    service: usize,
    seen: u64,
    last: u64,
}

impl Logbooks {
    pub(crate) fn see(&mut self, log: &Log, service: usize) {
        if let Some(pages) = self.0.get_mut(&log.resource.instance) {
            (pages.seen, pages.last) = (pages.seen + 1, pages.last.max(log.number));
        } else {
            self.0.insert(Arc::clone(&log.resource.instance), Pages { service, seen: 1, last: log.number });
        }
    }

    /// A record of a service was seen.
    pub(crate) fn is_known(&self, service: usize) -> bool {
        self.0.values().any(|pages| pages.service == service)
    }

    /// Every record of a service was seen, as far as their numbers tell: 0 tells nothing.
    pub(crate) fn is_whole(&self, service: usize) -> bool {
        let mut pages = self.0.values().filter(|pages| pages.service == service).peekable();
        pages.peek().is_some() && pages.all(|pages| pages.last > 0 && pages.seen >= pages.last)
    }
}
