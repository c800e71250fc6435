//! A proxy in front of a broker, a queue there, and what can be seen of them.

use std::time::{Duration, Instant};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    message::Delivery,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
    },
    types::{AMQPValue, FieldTable},
};
use proxy::{
    Proxy,
    api::{Config, Entry, Kind, Listener, Rule},
};
use tokio::time::{sleep, timeout};

/// Nothing here takes longer, unless it never comes.
pub(super) const SOON: Duration = Duration::from_secs(10);
/// Long enough to see that nothing comes.
pub(super) const WHILE: Duration = Duration::from_millis(400);
const STEP: Duration = Duration::from_millis(5);

/// A proxy, and a queue behind it.
pub(super) struct Trial {
    pub(super) proxy: Proxy,
    pub(super) queue: String,
    url: String,
    /// Beside the proxy.
    direct: Connection,
    channel: Channel,
}

impl Trial {
    pub(super) async fn start(url: &str, queue: &str) -> Self {
        let (before, rest) = url.split_once('@').unwrap();
        let (upstream, after) = rest.split_once('/').unwrap();
        let listener = Listener { name: "rabbitmq".into(), kind: Kind::Amqp, listen: 0, upstream: upstream.into() };
        let host = "127.0.0.1".parse().unwrap();
        let (seed, event_header, control, keeps) = (1, "x-event-id".into(), 0, 100_000);
        let config = Config { seed, event_header, listeners: vec![listener], host, control, keeps };
        let proxy = Proxy::start(&config).await.unwrap();
        let proxied = format!("{before}@{}/{after}", proxy.address("rabbitmq").unwrap());
        let direct = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = direct.create_channel().await.unwrap();
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap();
        // A run that failed may have left something.
        channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.unwrap();
        Self { proxy, queue: queue.into(), url: proxied, direct, channel }
    }

    pub(super) async fn connect(&self, name: &str) -> Connection {
        let properties = ConnectionProperties::default().with_connection_name(name.to_owned().into());
        Connection::connect(&self.url, properties).await.unwrap()
    }

    /// A client of the proxy.
    pub(super) async fn client(&self, name: &str, confirms: bool) -> (Connection, Channel) {
        let connection = self.connect(name).await;
        let channel = connection.create_channel().await.unwrap();
        if confirms {
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        }
        (connection, channel)
    }

    pub(super) fn put(&self, rule: Rule) {
        self.put_as("fault@1", rule);
    }

    pub(super) fn put_as(&self, fault: &str, rule: Rule) {
        self.proxy.put(fault, rule).unwrap();
    }

    pub(super) fn heal(&self) {
        assert!(self.proxy.delete("fault@1"));
    }

    /// Waits until something is so.
    pub(super) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < SOON, "it never came about: {}, {:?}", self.told(), self.effects());
            sleep(STEP).await;
        }
    }

    /// The next message of the queue.
    pub(super) async fn get(&self) -> Option<Delivery> {
        let options = BasicGetOptions { no_ack: true };
        let got = self.channel.basic_get(self.queue.as_str().into(), options).await.unwrap();
        got.map(|message| message.delivery)
    }

    /// What is in the queue, once nothing more comes.
    pub(super) async fn arrived(&self) -> Vec<String> {
        let mut ids = Vec::new();
        let mut heard = Instant::now();
        while heard.elapsed() < WHILE {
            match self.get().await {
                Some(delivery) => {
                    ids.push(delivery.properties.message_id().as_ref().unwrap().to_string());
                    heard = Instant::now();
                }
                None => sleep(STEP).await,
            }
        }
        ids
    }

    /// What was done to which message.
    pub(super) fn effects(&self) -> Vec<String> {
        let page = self.proxy.effects(0);
        let id =
            |effect: &proxy::api::Effect| effect.message.as_ref().map_or("-".to_owned(), |names| names.message_id.to_string());
        page.items.iter().map(|effect| format!("{} {}", effect.how, id(effect))).collect()
    }

    /// The log, in short.
    pub(super) fn told(&self) -> String {
        let word = |entry: &Entry| match entry {
            Entry::Published => "published",
            Entry::Confirmed { .. } => "confirmed",
            Entry::Returned => "returned",
            Entry::Delivered { .. } => "delivered",
            Entry::Settled { .. } => "settled",
            Entry::Spared { .. } => "spared",
            Entry::Violated { .. } => "violated",
        };
        let page = self.proxy.log(0);
        let id = |line: &proxy::api::Line| line.message.as_ref().map_or("-".to_owned(), |names| names.message_id.to_string());
        page.items.iter().map(|line| format!("{} {}", word(&line.entry), id(line))).collect::<Vec<_>>().join(", ")
    }

    pub(super) async fn end(self) {
        self.channel.queue_delete(self.queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        self.direct.close(200, "closed".into()).await.unwrap();
    }
}

/// What a header of a message says.
pub(super) fn header(delivery: &Delivery, name: &str) -> Option<String> {
    match delivery.properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Publishes a message and waits for its confirm.
pub(super) async fn publish(channel: &Channel, queue: &str, id: &str, body: &[u8]) -> Result<Confirmation, lapin::Error> {
    let confirm = write(channel, queue, id, body).await?;
    timeout(SOON, confirm).await.unwrap()
}

/// Publishes a message; its confirm is waited for later.
pub(super) async fn send(
    channel: &Channel,
    queue: &str,
    id: &str,
) -> impl Future<Output = Result<Confirmation, lapin::Error>> + use<> {
    write(channel, queue, id, b"{}").await.unwrap()
}

async fn write(
    channel: &Channel,
    queue: &str,
    id: &str,
    body: &[u8],
) -> Result<impl Future<Output = Result<Confirmation, lapin::Error>> + use<>, lapin::Error> {
    let mut headers = FieldTable::default();
    headers.insert("x-event-id".into(), AMQPValue::LongString(format!("event-{id}").into()));
    headers.insert("traceparent".into(), AMQPValue::LongString("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()));
    let properties = BasicProperties::default()
        .with_message_id(id.into())
        .with_correlation_id(format!("order-{id}").into())
        .with_delivery_mode(2)
        .with_headers(headers);
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    channel.basic_publish("".into(), queue.into(), options, body, properties).await
}
