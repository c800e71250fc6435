//! The firehose: switched on for the run's virtual host, and listened to through a queue of its own.
//!
//! It is off after each start of the broker. What passes between the last record that was heard and the next moment at which
//! somebody listens again is missed, and known to be.

use std::{sync::Arc, time::Duration};

use adapters::runtime::wall_clock_ns;
use futures_util::StreamExt as _;
use lapin::{
    Connection, ConnectionProperties, Consumer,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use signals::{
    Passage, Silence,
    firehose::{At, ON_THE_WAY_NS},
};
use world::{Either, Runtime};

use super::{Seen, lock};
use crate::{Error, docker, management::Management, parts::rabbitmq, stack::BrokerPart};

/// How long the broker may take to let somebody listen.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two attempts to listen again; so often it is asked whether it is over.
const PAUSE: Duration = Duration::from_millis(200);
/// RabbitMQ's own exchange for it, in each virtual host.
const TRACE: &str = "amq.rabbitmq.trace";

/// What was heard, and when nobody listened.
#[derive(Debug, Default)]
pub(super) struct Heard {
    passages: Vec<Passage>,
    silences: Vec<Silence>,
    /// When the last record was heard, or the listening began; 0 while nobody listens.
    last_ns: u64,
}

impl Heard {
    /// Somebody listens from now on.
    pub(super) fn listening(&mut self, now_ns: u64) {
        match self.silences.last_mut() {
            Some(last) => last.until_ns = now_ns,
            None => self.silences.push(Silence { from_ns: 0, until_ns: now_ns }),
        }
        self.last_ns = now_ns;
    }

    fn hear(&mut self, passage: Passage) {
        self.last_ns = passage.at_ns;
        self.passages.push(passage);
    }

    /// The connection broke: what was on its way is not heard any more.
    fn broken(&mut self) {
        let from_ns = self.last_ns.saturating_sub(ON_THE_WAY_NS);
        self.silences.push(Silence { from_ns, until_ns: u64::MAX });
    }

    /// Nobody listens any more.
    pub(super) fn end(mut self, now_ns: u64) -> (Vec<Passage>, Vec<Silence>) {
        if self.silences.last().is_some_and(|last| last.until_ns != u64::MAX) {
            self.silences.push(Silence { from_ns: now_ns.saturating_sub(ON_THE_WAY_NS), until_ns: u64::MAX });
        }
        (self.passages, self.silences)
    }
}

/// Whoever listens.
pub(super) struct Ear {
    management: Management,
    broker: BrokerPart,
    rt: Runtime,
}

/// An open ear. The connection closes when it is dropped.
pub(super) struct Open {
    records: Consumer,
    #[expect(dead_code, reason = "the consumer lives as long as this does")]
    connection: Connection,
}

impl Ear {
    pub(super) fn new(broker: BrokerPart, rt: Runtime) -> Self {
        Self { management: Management::new(broker.docker.clone(), &*broker.container), broker, rt }
    }

    /// Opens a queue of its own, and switches the firehose on.
    pub(super) async fn connect(&self) -> Result<Open, Error> {
        let failed = |error: lapin::Error| Error::Firehose(error.to_string());
        let port = docker::port(&self.broker.docker, &self.broker.container, rabbitmq::AMQP).await?;
        let url = rabbitmq::url("127.0.0.1", port, &self.broker.virtual_host);
        let opening = async {
            let properties = ConnectionProperties::default().with_connection_name("firehose".into());
            let connection = Connection::connect(&url, properties).await?;
            let channel = connection.create_channel().await?;
            // Gone with its connection, so that nothing piles up where nobody listens.
            let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(rabbitmq::FIREHOSE.into(), options, FieldTable::default()).await?;
            let (options, none) = (QueueBindOptions::default(), FieldTable::default);
            channel.queue_bind(rabbitmq::FIREHOSE.into(), TRACE.into(), "#".into(), options, none()).await?;
            let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
            let records = channel.basic_consume(rabbitmq::FIREHOSE.into(), "".into(), options, none()).await?;
            Ok(Open { records, connection })
        };
        let opened = self.rt.timeout(ANSWER, opening).await.map_err(|_| Error::Firehose("no answer in time".to_owned()))?;
        let open = opened.map_err(failed)?;
        self.management.trace(&self.broker.virtual_host).await?;
        Ok(open)
    }

    /// Listens until it is over, and listens again after each break.
    pub(super) async fn listen(self, first: Open, seen: Arc<Seen>) {
        let mut open = Some(first);
        while !seen.over() {
            if let Some(ear) = open.take() {
                self.hear(ear, &seen).await;
            }
            if seen.over() {
                return;
            }
            lock(&seen.heard).broken();
            while open.is_none() && !seen.over() {
                self.rt.sleep(PAUSE).await;
                open = self.connect().await.ok();
            }
            lock(&seen.heard).listening(wall_clock_ns());
        }
    }

    /// Hears until the connection breaks, or it is over.
    async fn hear(&self, mut ear: Open, seen: &Seen) {
        while !seen.over() {
            match self.rt.race(ear.records.next(), self.rt.sleep(PAUSE)).await {
                Either::Left(Some(Ok(record))) => {
                    let headers = record.properties.headers().clone().unwrap_or_default();
                    if let Some(passage) = passage(record.routing_key.as_str(), &headers, wall_clock_ns()) {
                        lock(&seen.heard).hear(passage);
                    }
                }
                Either::Left(Some(Err(_)) | None) => return,
                Either::Right(()) => {}
            }
        }
    }
}

/// What a record of the firehose says; `None` when it is none.
fn passage(routing_key: &str, record: &FieldTable, at_ns: u64) -> Option<Passage> {
    let (kind, place) = routing_key.split_once('.')?;
    let AMQPValue::FieldTable(properties) = value(record, "properties")? else { return None };
    let at = match kind {
        "publish" => At::Publish {
            exchange: place.into(),
            // A broker that does not say where it went has not said that it went nowhere.
            queues: texts(record, "routed_queues")
                .unwrap_or_else(|| vec![String::new()])
                .iter()
                .map(|it| it.as_str().into())
                .collect(),
        },
        "deliver" => {
            let redelivered = matches!(value(record, "redelivered"), Some(AMQPValue::LongInt(1)));
            At::Deliver { queue: place.into(), redelivered }
        }
        _ => return None,
    };
    let id = |name: &str| value(properties, name).and_then(text).unwrap_or_default().into();
    let none = FieldTable::default();
    let headers = match value(properties, "headers") {
        Some(AMQPValue::FieldTable(headers)) => headers,
        _ => &none,
    };
    Some(Passage {
        at_ns,
        at,
        routing_key: texts(record, "routing_keys")?.first()?.as_str().into(),
        message_id: id("message_id"),
        correlation_id: id("correlation_id"),
        headers: headers.inner().iter().filter_map(|(name, value)| Some((name.to_string().into(), text(value)?))).collect(),
    })
}

fn value<'a>(table: &'a FieldTable, name: &str) -> Option<&'a AMQPValue> {
    table.inner().get(name)
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::ByteArray(bytes) => Some(String::from_utf8_lossy(bytes.as_slice()).into_owned()),
        _ => None,
    }
}

fn texts(table: &FieldTable, name: &str) -> Option<Vec<String>> {
    match value(table, name)? {
        AMQPValue::FieldArray(array) => Some(array.as_slice().iter().filter_map(text).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::FieldArray;

    use super::*;

    fn long(text: &str) -> AMQPValue {
        AMQPValue::LongString(text.into())
    }

    fn array(texts: &[&str]) -> AMQPValue {
        AMQPValue::FieldArray(FieldArray::from(texts.iter().map(|text| long(text)).collect::<Vec<_>>()))
    }

    fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
        let mut table = FieldTable::default();
        entries.iter().for_each(|(name, value)| {
            table.insert((*name).into(), value.clone());
        });
        table
    }

    /// A record as RabbitMQ 4.0.5 wrote it.
    fn record(more: &[(&str, AMQPValue)]) -> FieldTable {
        let headers = table(&[("traceparent", long("00-1")), ("x-order-version", long("3")), ("x-count", AMQPValue::LongInt(3))]);
        let properties = table(&[
            ("message_id", long("m-1")),
            ("correlation_id", long("o-1")),
            ("delivery_mode", AMQPValue::ShortShortUInt(2)),
            ("headers", AMQPValue::FieldTable(headers)),
        ]);
        let common = [("properties", AMQPValue::FieldTable(properties)), ("routing_keys", array(&["order.submitted"]))];
        table(&[&common[..], more].concat())
    }

    #[test]
    fn a_record_says_where_which_message_passed() {
        let published = passage("publish.orders", &record(&[("routed_queues", array(&["mes.orders"]))]), 7).unwrap();
        assert_eq!(published.at, At::Publish { exchange: "orders".into(), queues: vec!["mes.orders".into()] });
        assert_eq!((&*published.message_id, &*published.correlation_id, published.at_ns), ("m-1", "o-1", 7));
        assert_eq!((published.header("traceparent"), published.header("x-order-version")), (Some("00-1"), Some("3")));
        assert_eq!(&*published.routing_key, "order.submitted");
        let nowhere = passage("publish.orders", &record(&[("routed_queues", array(&[]))]), 7).unwrap();
        assert_eq!(nowhere.at, At::Publish { exchange: "orders".into(), queues: vec![] });
        for (flag, redelivered) in [(0, false), (1, true)] {
            let handed = passage("deliver.mes.orders", &record(&[("redelivered", AMQPValue::LongInt(flag))]), 7).unwrap();
            assert_eq!(handed.at, At::Deliver { queue: "mes.orders".into(), redelivered });
        }
        assert_eq!(passage("publish.orders", &FieldTable::default(), 7), None);
    }

    #[test]
    fn what_may_have_passed_unheard_is_known() {
        let second = 1_000_000_000;
        let mut heard = Heard::default();
        heard.listening(10 * second);
        heard.hear(passage("deliver.mes.orders", &record(&[]), 20 * second).unwrap());
        heard.broken();
        heard.listening(30 * second);
        let (passages, silences) = heard.end(90 * second);
        let times: Vec<_> = silences.iter().map(|silence| (silence.from_ns / second, silence.until_ns / second)).collect();
        assert_eq!((passages.len(), &times[..]), (1, &[(0, 10), (19, 30), (89, u64::MAX / second)][..]));
    }
}
