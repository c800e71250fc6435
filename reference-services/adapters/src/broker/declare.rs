//! Exchanges, queues and bindings, in AMQP's terms.

use std::time::Duration;

use lapin::{
    ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use world::broker::{self as port, Arguments, BrokerError, Overflow, QueueKind, Topology};

use super::{ANSWER, Open};

impl Open {
    /// Declares everything, one after another.
    pub(super) async fn declare(&self, topology: &Topology<'_>) -> Result<(), BrokerError> {
        let channel = &self.link.channel;
        for exchange in topology.exchanges {
            let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
            let mut arguments = FieldTable::default();
            if let Some(alternate) = exchange.alternate {
                arguments.insert("alternate-exchange".into(), text(alternate));
            }
            let kind = match exchange.kind {
                port::ExchangeKind::Topic => ExchangeKind::Topic,
                port::ExchangeKind::Direct => ExchangeKind::Direct,
                port::ExchangeKind::Fanout => ExchangeKind::Fanout,
            };
            self.answer(ANSWER, channel.exchange_declare(exchange.name.into(), kind, options, arguments)).await?;
        }
        for queue in topology.queues {
            let options = QueueDeclareOptions { durable: queue.durable, ..QueueDeclareOptions::default() };
            let declared = channel.queue_declare(queue.name.into(), options, arguments(queue.kind, &queue.arguments));
            self.answer(ANSWER, declared).await?;
        }
        for (exchange, key, queue) in topology.bindings {
            let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
            let call = channel.queue_bind((*queue).into(), (*exchange).into(), (*key).into(), options, arguments);
            self.answer(ANSWER, call).await?;
        }
        Ok(())
    }
}

/// A queue's optional arguments.
fn arguments(kind: QueueKind, wanted: &Arguments<'_>) -> FieldTable {
    let kind = match kind {
        QueueKind::Classic => "classic",
        QueueKind::Quorum => "quorum",
    };
    let given = [
        ("x-queue-type", Some(text(kind))),
        ("x-message-ttl", wanted.message_ttl.map(millis)),
        ("x-expires", wanted.expires.map(millis)),
        ("x-max-length", wanted.max_length.map(|length| AMQPValue::LongLongInt(length.into()))),
        ("x-overflow", wanted.overflow.map(Overflow::name).map(text)),
        ("x-dead-letter-exchange", wanted.dead_letter_exchange.map(text)),
        ("x-dead-letter-routing-key", wanted.dead_letter_routing_key.map(text)),
        ("x-delivery-limit", wanted.delivery_limit.map(AMQPValue::LongInt)),
        ("x-max-priority", wanted.max_priority.map(|priority| AMQPValue::LongInt(priority.into()))),
        ("x-single-active-consumer", wanted.single_active_consumer.then_some(AMQPValue::Boolean(true))),
        ("x-consumer-timeout", wanted.consumer_timeout.map(millis)),
    ];
    let mut table = FieldTable::default();
    for (name, value) in given {
        if let Some(value) = value {
            table.insert(name.into(), value);
        }
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn millis(value: Duration) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(value.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_declared() {
        let names = |table: &FieldTable| table.inner().keys().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&arguments(QueueKind::Classic, &Arguments::NONE)), ["x-queue-type"]);
        let wanted = Arguments {
            message_ttl: Some(Duration::from_secs(60)),
            overflow: Some(Overflow::RejectPublish),
            delivery_limit: Some(-1),
            ..Arguments::NONE
        };
        let table = arguments(QueueKind::Quorum, &wanted);
        assert_eq!(names(&table), ["x-delivery-limit", "x-message-ttl", "x-overflow", "x-queue-type"]);
        assert_eq!(table.inner().get("x-message-ttl"), Some(&AMQPValue::LongLongInt(60_000)));
        assert_eq!(table.inner().get("x-overflow"), Some(&text("reject-publish")));
    }
}
