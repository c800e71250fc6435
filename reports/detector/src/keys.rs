//! One pass over a span's attributes: finds those that the lifecycle names, whatever the order they come in.

use opentelemetry::{KeyValue, Value};

use crate::lifecycle::Names;

/// What an attribute says.
#[derive(Clone, Copy, Debug)]
enum Field {
    Order,
    ClientType,
    Conversation,
    MessageId,
    RoutingKey,
    OperationType,
    OperationName,
    Redelivered,
    Confirm,
    Returned,
    Duplicate,
    Status,
    DbOperation,
}

/// The attributes of a span that matter.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) order: Option<&'a str>,
    pub(crate) client_type: Option<&'a str>,
    pub(crate) conversation: Option<&'a str>,
    pub(crate) message_id: Option<&'a str>,
    pub(crate) routing_key: Option<&'a str>,
    pub(crate) operation_type: Option<&'a str>,
    pub(crate) operation_name: Option<&'a str>,
    pub(crate) confirm: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) db_operation: Option<&'a str>,
    pub(crate) redelivered: bool,
    pub(crate) returned: bool,
    pub(crate) duplicate: bool,
}

const BUCKETS: usize = 64;

/// Whether an attribute is said to be so.
fn flagged(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.as_str() == "true",
        _ => false,
    }
}

/// The attribute names, by length and two of their bytes: most attributes of a span meet an empty bucket.
#[derive(Debug)]
pub(crate) struct Keys {
    buckets: [Vec<(Box<str>, Field)>; BUCKETS],
    duplicate: Box<str>,
}

impl Keys {
    pub(crate) fn new(names: &Names) -> Self {
        let mut buckets = [const { Vec::new() }; BUCKETS];
        for (name, field) in [
            (&names.order, Field::Order),
            (&names.client_type, Field::ClientType),
            (&names.conversation, Field::Conversation),
            (&names.message_id, Field::MessageId),
            (&names.routing_key, Field::RoutingKey),
            (&names.operation_type, Field::OperationType),
            (&names.operation_name, Field::OperationName),
            (&names.redelivered, Field::Redelivered),
            (&names.confirm, Field::Confirm),
            (&names.returned, Field::Returned),
            (&names.duplicate, Field::Duplicate),
            (&names.status, Field::Status),
            (&names.db_operation, Field::DbOperation),
        ] {
            buckets[bucket(name)].push((name.as_str().into(), field));
        }
        Self { buckets, duplicate: names.duplicate.as_str().into() }
    }

    /// Whether they say that what was asked for had been done before.
    pub(crate) fn repeats(&self, attributes: &[KeyValue]) -> bool {
        attributes.iter().any(|attribute| attribute.key.as_str() == &*self.duplicate && flagged(&attribute.value))
    }

    pub(crate) fn fields<'a>(&self, attributes: &'a [KeyValue]) -> Fields<'a> {
        let mut fields = Fields::default();
        for KeyValue { key, value, .. } in attributes {
            let key = key.as_str();
            for (name, field) in &self.buckets[bucket(key)] {
                if &**name == key {
                    fields.set(*field, value);
                }
            }
        }
        fields
    }
}

impl<'a> Fields<'a> {
    fn set(&mut self, field: Field, value: &'a Value) {
        let text = match value {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        };
        let flag = flagged(value);
        match field {
            Field::Order => self.order = text,
            Field::ClientType => self.client_type = text,
            Field::Conversation => self.conversation = text,
            Field::MessageId => self.message_id = text,
            Field::RoutingKey => self.routing_key = text,
            Field::OperationType => self.operation_type = text,
            Field::OperationName => self.operation_name = text,
            Field::Confirm => self.confirm = text,
            Field::Status => self.status = text,
            Field::DbOperation => self.db_operation = text,
            Field::Redelivered => self.redelivered = flag,
            Field::Returned => self.returned = flag,
            Field::Duplicate => self.duplicate = flag,
        }
    }
}

fn bucket(key: &str) -> usize {
    let bytes = key.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
    (bytes.len() ^ (byte(bytes.len() / 2) << 1) ^ (byte(bytes.len().wrapping_sub(1)) << 2)) % BUCKETS
}
