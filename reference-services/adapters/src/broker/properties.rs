//! A message's properties and headers, in AMQP's terms and back.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};
use world::broker::{Death, DeathReason, Headers, Message};

/// What a message is sent with.
pub(super) fn of(message: &Message) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in &message.headers.0 {
        headers.insert(name.as_ref().into(), AMQPValue::LongString(value.as_str().into()));
    }
    let properties = BasicProperties::default()
        .with_message_id((&*message.message_id).into())
        .with_correlation_id((&*message.correlation_id).into())
        .with_timestamp(message.timestamp_s)
        .with_delivery_mode(if message.persistent { 2 } else { 1 })
        .with_headers(headers);
    let properties = match message.expiration {
        // Milliseconds, as a text.
        Some(expiration) => properties.with_expiration(expiration.as_millis().to_string().as_str().into()),
        None => properties,
    };
    match message.priority {
        Some(priority) => properties.with_priority(priority),
        None => properties,
    }
}

/// The message that was sent with these.
pub(super) fn message(exchange: &ShortString, key: &ShortString, properties: &BasicProperties, body: Vec<u8>) -> Message {
    let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut headers = Headers::default();
    for (name, value) in properties.headers().iter().flat_map(|table| table.inner()) {
        if let AMQPValue::LongString(value) = value {
            headers.set(name.to_string(), value.to_string());
        }
    }
    Message {
        exchange: Cow::Owned(exchange.to_string()),
        routing_key: Cow::Owned(key.to_string()),
        message_id: text(properties.message_id()).into(),
        correlation_id: text(properties.correlation_id()).into(),
        timestamp_s: properties.timestamp().unwrap_or_default(),
        persistent: *properties.delivery_mode() == Some(2),
        expiration: properties.expiration().as_ref().and_then(|text| millis(text.as_str())),
        priority: *properties.priority(),
        headers,
        deaths: deaths(properties),
        body: Bytes::from(body),
    }
}

/// `x-delivery-count`, where there is one.
pub(super) fn delivery_count(properties: &BasicProperties) -> Option<u32> {
    let headers = properties.headers().as_ref()?;
    u32::try_from(integer(headers.inner().get("x-delivery-count")?)?).ok()
}

/// `x-death`: an array of tables. An entry that is none of RabbitMQ's own is left out.
fn deaths(properties: &BasicProperties) -> Vec<Death> {
    let array = properties.headers().as_ref().and_then(|headers| headers.inner().get("x-death"));
    let Some(AMQPValue::FieldArray(array)) = array else { return Vec::new() };
    let tables =
        array.as_slice().iter().filter_map(|value| if let AMQPValue::FieldTable(table) = value { Some(table) } else { None });
    tables.filter_map(death).collect()
}

fn death(table: &FieldTable) -> Option<Death> {
    let text = |name: &str| match table.inner().get(name) {
        Some(AMQPValue::LongString(value)) => Some(value.to_string()),
        Some(AMQPValue::ShortString(value)) => Some(value.to_string()),
        _ => None,
    };
    let reason = text("reason")?;
    let routing_keys = match table.inner().get("routing-keys") {
        Some(AMQPValue::FieldArray(keys)) => keys.as_slice(),
        _ => &[],
    };
    Some(Death {
        queue: text("queue")?,
        reason: DeathReason::ALL.into_iter().find(|known| known.name() == reason)?,
        count: u64::try_from(integer(table.inner().get("count")?)?).ok()?,
        exchange: text("exchange").unwrap_or_default(),
        routing_keys: routing_keys
            .iter()
            .filter_map(|key| if let AMQPValue::LongString(key) = key { Some(key.to_string()) } else { None })
            .collect(),
        time_s: if let Some(AMQPValue::Timestamp(time)) = table.inner().get("time") { *time } else { 0 },
        original_expiration: text("original-expiration").as_deref().and_then(millis),
    })
}

fn millis(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis)
}

fn integer(value: &AMQPValue) -> Option<i64> {
    Some(match value {
        AMQPValue::ShortShortInt(value) => (*value).into(),
        AMQPValue::ShortShortUInt(value) => (*value).into(),
        AMQPValue::ShortInt(value) => (*value).into(),
        AMQPValue::ShortUInt(value) => (*value).into(),
        AMQPValue::LongInt(value) => (*value).into(),
        AMQPValue::LongUInt(value) => (*value).into(),
        AMQPValue::LongLongInt(value) => *value,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use lapin::types::FieldArray;

    use super::*;

    fn sent() -> Message {
        let mut headers = Headers::default();
        headers.set("x-event-id", "e-1");
        Message {
            exchange: "orders".into(),
            routing_key: "order.submitted".into(),
            message_id: "m-1".into(),
            correlation_id: "o-1".into(),
            timestamp_s: 7,
            persistent: true,
            expiration: Some(Duration::from_millis(1500)),
            priority: Some(3),
            headers,
            deaths: Vec::new(),
            body: "{}".into(),
        }
    }

    #[test]
    fn what_is_sent_is_what_is_received() {
        let sent = sent();
        let properties = of(&sent);
        assert_eq!(properties.expiration().as_ref().map(ShortString::as_str), Some("1500"));
        let came = message(&"orders".into(), &"order.submitted".into(), &properties, sent.body.to_vec());
        assert_eq!((came, delivery_count(&properties)), (sent, None));
    }

    #[test]
    fn deaths_and_the_delivery_count_are_read() {
        let text = |text: &str| AMQPValue::LongString(text.into());
        let mut entry = FieldTable::default();
        for (name, value) in [
            ("queue", text("work")),
            ("reason", text("delivery_limit")),
            ("count", AMQPValue::LongLongInt(2)),
            ("exchange", text("orders")),
            ("routing-keys", AMQPValue::FieldArray(FieldArray::from(vec![text("order.submitted")]))),
            ("time", AMQPValue::Timestamp(9)),
            ("original-expiration", text("1500")),
        ] {
            entry.insert(name.into(), value);
        }
        let mut stranger = FieldTable::default();
        stranger.insert("reason".into(), text("boredom"));
        let deaths = FieldArray::from(vec![AMQPValue::FieldTable(entry), AMQPValue::FieldTable(stranger)]);
        let mut headers = FieldTable::default();
        headers.insert("x-death".into(), AMQPValue::FieldArray(deaths));
        headers.insert("x-delivery-count".into(), AMQPValue::LongLongInt(4));
        let properties = BasicProperties::default().with_headers(headers);
        assert_eq!(delivery_count(&properties), Some(4));
        let expected = Death {
            queue: "work".into(),
            reason: DeathReason::DeliveryLimit,
            count: 2,
            exchange: "orders".into(),
            routing_keys: vec!["order.submitted".into()],
            time_s: 9,
            original_expiration: Some(Duration::from_millis(1500)),
        };
        assert_eq!(message(&"".into(), &"".into(), &properties, Vec::new()).deaths, [expected]);
    }
}
