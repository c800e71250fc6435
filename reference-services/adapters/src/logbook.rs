//! A process' log: ECS JSON lines, each written whole before anything else happens, so none dies with the process.

use std::{
    io::Write,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry::KeyValue;
use signals::{Log, Resource, ecs};
use world::{
    Node,
    log::{Log as Said, Sink},
};

/// Writes the log of one process. Cheap to clone.
#[derive(Clone)]
pub struct Logbook(Arc<Inner>);

struct Inner {
    resource: Arc<Resource>,
    /// How many records there are; a record has its number when it is in its place.
    written: AtomicU64,
    out: Mutex<Out>,
}

/// Where the lines go, to each the same, and the line at hand, kept for its memory.
struct Out {
    to: Vec<Page>,
    line: Vec<u8>,
}

/// One of the places that a log is written to.
pub type Page = Box<dyn Write + Send>;

impl Logbook {
    /// A log on all of these, a line at a time; `about` is said of each record: its environment, its run.
    pub fn new(node: Node, about: Vec<KeyValue>, mut to: Vec<Page>) -> Self {
        // An earlier start of this process may have been killed within a line.
        to.iter_mut().for_each(|page| drop(page.write_all(b"\n")));
        let resource = Resource { service: node.service.into(), instance: node.to_string().into(), attributes: about };
        let out = Mutex::new(Out { to, line: Vec::new() });
        Self(Arc::new(Inner { resource: Arc::new(resource), written: AtomicU64::new(0), out }))
    }

    /// How many records were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Acquire)
    }
}

impl Sink for Logbook {
    /// A log that cannot be written must not stop the service: who reads it notices by the numbers what is missing.
    fn write(&self, said: Said) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let log = Log {
            resource: Arc::clone(&self.0.resource),
            number: self.0.written.load(Ordering::Relaxed) + 1,
            time_ns: said.at_ns,
            level: said.level.name().into(),
            action: said.action.into(),
            message: said.message,
            trace_id: said.trace_id,
            span_id: said.span_id,
            fields: said.fields,
        };
        let Out { to, line } = &mut *out;
        line.clear();
        ecs::write(&log, line);
        to.iter_mut().for_each(|page| drop(page.write_all(line).and_then(|()| page.flush())));
        self.0.written.store(log.number, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{KeyValue, trace::SpanContext};
    use world::log::Level;

    use super::*;
    use crate::shared::Shared;

    #[test]
    fn records_are_numbered_and_come_back_as_they_were_said() {
        let out = Shared::default();
        let (screen, about) = (Shared::default(), vec![KeyValue::new(ecs::ENVIRONMENT, "test")]);
        let pages: Vec<Page> = vec![Box::new(out.clone()), Box::new(screen.clone())];
        let book = Logbook::new(Node { incarnation: 2, ..Node::first("crm-api") }, about.clone(), pages);
        for order in ["o-1", "o-2"] {
            let said = Said::new(Level::Info, ("CLOSED", "the order is closed"), 7, &SpanContext::empty_context());
            book.write(said.with(vec![KeyValue::new("order.id", order)]));
        }
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let logs: Vec<Log> = text.lines().filter(|line| !line.is_empty()).map(|line| ecs::read(line).unwrap()).collect();
        assert_eq!((book.written(), logs.len()), (2, 2));
        assert_eq!(*screen.0.lock().unwrap(), text.as_bytes(), "wherever it is written, it says the same");
        assert_eq!(logs[0].resource.attributes, about);
        assert_eq!((logs[1].number, &*logs[1].resource.instance, logs[1].time_ns), (2, "crm-api-1.2", 7));
        assert_eq!(logs[1].fields, [KeyValue::new("order.id", "o-2")]);
    }
}
