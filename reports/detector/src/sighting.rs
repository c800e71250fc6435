//! What one span says: which order, and which evidence.

use opentelemetry::{
    KeyValue, SpanId, Value,
    trace::{SpanKind, Status},
};
use signals::{Event, Span};

use crate::{
    keys::{Fields, Keys},
    lifecycle::Names,
    record::{Record, What, flag, label, span_label, span_number},
    spent::{self, On},
    way::{Kind, Steps, Way, bit},
};

/// What a transaction's span says that it does, by the conventions' words for SQL.
const COMMIT: &str = "commit";

/// Turns spans into evidence.
pub(crate) struct Reader {
    keys: Keys,
    names: Names,
}

/// What one span says.
#[derive(Default)]
pub(crate) struct Sighting<'a> {
    /// The order, where the span names it.
    pub(crate) order: Option<&'a str>,
    pub(crate) client_type: Option<&'a str>,
    /// Steps that the span says have happened before.
    pub(crate) hinted: Steps,
    /// Nothing but what failed: it does not say that there is such an order.
    pub(crate) failed: bool,
    /// Nothing but what time was spent on: neither does that.
    pub(crate) aside: bool,
    /// The span is the handling of a message, and others had to wait for it.
    pub(crate) holds: bool,
}

/// What a message span is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Send,
    Receive,
    Process,
    Settle,
}

impl Reader {
    pub(crate) fn new(names: Names) -> Self {
        Self { keys: Keys::new(&names), names }
    }

    /// Puts the evidence in a span into `records`; `None` where there is none.
    pub(crate) fn read<'a>(&self, span: &'a Span, service: usize, way: &Way, records: &mut Vec<Record>) -> Option<Sighting<'a>> {
        records.clear();
        // Most spans are calls and commits: nothing in them is evidence.
        let long = spent::is_telling(span);
        let served = span.kind == SpanKind::Server && span.events.is_empty();
        let again = served && self.keys.repeats(&span.attributes);
        if served && !long && !again {
            return None;
        }
        let fields = self.keys.fields(&span.attributes);
        let (mut hinted, mut holds) = (0, false);
        if let Some((operation, message)) = operation(span, service, &fields, way) {
            let (record, hint) = message_record(operation, message, span, &fields, way);
            records.push(record);
            hinted = hint;
            holds = long && operation == Operation::Process;
        } else if again {
            // Whoever did it may have died before it could say so. The row that the answer is about shows it.
            hinted = fields.status.and_then(|status| way.record[service][way.state_of(status)?]).map_or(0, bit);
        } else if span.kind == SpanKind::Internal
            && span.name == self.names.work_started
            && let Some(start) = work_of(service, way)
        {
            let parent = if span.parent_span_id == SpanId::INVALID { 0 } else { span_label(span_number(span.parent_span_id)) };
            records.push(record(What::Step(start), span.start_ns, parent, 0, span, way));
        }
        if span.kind == SpanKind::Client && fields.db_operation == Some(COMMIT) && matches!(span.status, Status::Error { .. }) {
            records.push(record(What::RolledBack, span.end_ns, service as u32 + 1, flag::ERROR, span, way));
        }
        for event in &span.events {
            if event.name == self.names.transition_event {
                records.extend(self.transition(event, span, service, way));
            } else if event.name == self.names.rewritten_event {
                records.extend(self.rewritten(event, span, service, way));
            } else if event.name == self.names.notified_event {
                records.push(record(What::Notified, event.time_ns, 0, 0, span, way));
            } else if event.name == self.names.aware_event {
                records.push(record(What::Aware, event.time_ns, 0, 0, span, way));
            }
        }
        let said = records.len();
        let failed = records.iter().all(|record| record.what == What::RolledBack.number(way));
        if let Some(on) = On::of(span, fields.db_operation, &self.names.http_method).filter(|_| long && fields.order.is_some()) {
            records.push(spent(on, span, way));
        }
        let order = fields.order.or(fields.conversation);
        let (failed, aside) = (failed && said > 0, said == 0);
        (!records.is_empty() || hinted != 0).then_some(Sighting {
            order,
            client_type: fields.client_type,
            hinted,
            failed,
            aside,
            holds,
        })
    }

    /// What a span of a service that witnesses no step says: which order it worked for, and for how long.
    pub(crate) fn aside<'a>(&self, span: &'a Span, way: &Way) -> Option<(&'a str, Record)> {
        if !spent::is_telling(span) {
            return None;
        }
        let fields = self.keys.fields(&span.attributes);
        let on = On::of(span, fields.db_operation, &self.names.http_method)?;
        Some((fields.order?, spent(on, span, way)))
    }

    /// The record of a state.
    fn transition(&self, event: &Event, span: &Span, service: usize, way: &Way) -> Option<Record> {
        let (mut to, mut event_id) = (None, 0);
        for attribute in &event.attributes {
            let Value::String(text) = &attribute.value else { continue };
            if attribute.key.as_str() == self.names.to {
                to = way.state_of(text.as_str());
            } else if attribute.key.as_str() == self.names.event_id {
                event_id = label(text.as_str());
            }
        }
        let step = way.record[service][to?]?;
        Some(record(What::Step(step), event.time_ns, event_id, 0, span, way))
    }

    /// A row that was written with the state that it had.
    fn rewritten(&self, event: &Event, span: &Span, service: usize, way: &Way) -> Option<Record> {
        let named = |attribute: &&KeyValue| attribute.key.as_str() == self.names.rewritten_in;
        let Value::String(state) = &event.attributes.iter().find(named)?.value else { return None };
        let step = way.record[service][way.state_of(state.as_str())?]?;
        Some(record(What::Rewritten, event.time_ns, step as u32 + 1, 0, span, way))
    }
}

/// What a span does with which message, if it is the party that should.
fn operation(span: &Span, service: usize, fields: &Fields<'_>, way: &Way) -> Option<(Operation, usize)> {
    let operation = match (fields.operation_type, &span.kind) {
        (Some("send"), _) | (None, SpanKind::Producer) => Operation::Send,
        (Some("receive"), _) => Operation::Receive,
        (Some("process"), _) | (None, SpanKind::Consumer) => Operation::Process,
        (Some("settle"), _) => Operation::Settle,
        _ => return None,
    };
    let message = way.message_of(fields.routing_key?)?;
    let party = way.parties[message][usize::from(operation != Operation::Send)];
    (party == service).then_some((operation, message))
}

/// The record of a message span, and what else must have happened.
fn message_record(operation: Operation, message: usize, span: &Span, fields: &Fields<'_>, way: &Way) -> (Record, Steps) {
    let [sent, received, effect] = way.message[message];
    let set = |condition: bool, flag: u8| if condition { flag } else { 0 };
    let error = set(matches!(span.status, Status::Error { .. }), flag::ERROR);
    let again = set(fields.redelivered, flag::REDELIVERED);
    let (what, flags, hinted) = match operation {
        Operation::Send => {
            let confirm = match fields.confirm {
                None => 0,
                Some("ack") => flag::CONFIRMED,
                Some(_) => flag::UNCONFIRMED,
            };
            // What the broker gives back had come to it: the sending itself went well.
            let failed = if fields.returned { flag::RETURNED } else { error };
            (What::Step(sent), failed | confirm, 0)
        }
        Operation::Receive => (What::Step(received), again, 0),
        Operation::Process => {
            let duplicate = set(fields.duplicate, flag::DUPLICATE);
            // Whoever says that it was done before, and shows a row that is not so far, is wrong.
            let done = fields.duplicate && !behind(fields, message, way);
            (What::Process(message), error | again | duplicate, bit(if done { effect } else { received }))
        }
        Operation::Settle => {
            let done = match fields.operation_name {
                Some("ack") => flag::ACK,
                Some("reject") => flag::REJECT,
                _ => 0,
            };
            (What::Settle(message), error | done, bit(received))
        }
    };
    let message_id = fields.message_id.map_or(0, label);
    (record(what, span.start_ns, message_id, flags, span, way), hinted)
}

/// Whether the row that a span shows has not yet the state that a message announces.
fn behind(fields: &Fields<'_>, message: usize, way: &Way) -> bool {
    let effect = way.message[message][2];
    let announced = way.record[way.parties[message][1]].iter().position(|step| *step == Some(effect));
    let shown = fields.status.and_then(|status| way.state_of(status));
    shown.is_some() && shown < announced
}

fn record(what: What, at_ns: u64, label: u32, flags: u8, span: &Span, way: &Way) -> Record {
    Record { at_ns, span: span_number(span.span_id), label, trace: 0, what: what.number(way), flags }
}

/// How long a span took, and on what.
fn spent(on: On, span: &Span, way: &Way) -> Record {
    let whose = if on == On::Serve { span.parent_span_id } else { span.span_id };
    Record { span: span_number(whose), ..record(What::Spent(on), span.start_ns, spent::took(span), 0, span, way) }
}

/// The step at which a service's work begins.
pub(crate) fn work_of(service: usize, way: &Way) -> Option<usize> {
    way.start.iter().flatten().copied().find(|start| way.steps[*start].service == service)
}

/// Whether a record shows that its step has happened: a sending that failed does not.
pub(crate) fn shows(record: &Record, way: &Way) -> Steps {
    match way.steps.get(usize::from(record.what)) {
        Some(step) if matches!(step.kind, Kind::Send(_)) && record.is(flag::ERROR) => 0,
        Some(_) => bit(usize::from(record.what)),
        None => 0,
    }
}
