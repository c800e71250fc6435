//! AMQP through `loupe-proxy` beside a direct connection to the same broker: persistent messages with confirms, in turns, so that a
//! machine's mood meets both alike.
//!
//! `LOUPE_BROKER=amqp://user:password@host:port/%2f cargo bench -p proxy`; wanted are 100 µs more at most in the middle, and
//! four fifths of the throughput at least.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "real time is what is measured")]
#![expect(clippy::print_stdout, reason = "its output")]

use std::{
    collections::VecDeque,
    process::{Child, Command},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions},
    types::{AMQPValue, FieldTable},
};
use proxy::api::{Config, How, Kind, Listener, Rule};

const QUEUE: &str = "bench-beside";
const ROUNDS: usize = 5;
/// Messages of a round that are confirmed one after the other.
const EACH: usize = 2_000;
/// Messages of a round that are not waited for.
const TOGETHER: usize = 20_000;
/// So many of those wait for their confirm at most.
const WINDOW: usize = 500;
// Below those that the machine gives to whoever connects somewhere.
const AMQP: u16 = 20_682;
const CONTROL: u16 = 20_683;

/// A way to the broker, and what it took.
struct Way {
    name: &'static str,
    channel: Channel,
    _connection: Connection,
    latency: Histogram<u64>,
    per_second: Vec<f64>,
}

impl Way {
    async fn to(name: &'static str, url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { name, channel, _connection: connection, latency: Histogram::new(3).unwrap(), per_second: Vec::new() }
    }

    async fn one_by_one(&mut self) {
        for n in 0..EACH {
            let began = Instant::now();
            write(&self.channel, n).await.await.unwrap();
            self.latency.record(u64::try_from(began.elapsed().as_nanos()).unwrap()).unwrap();
        }
    }

    async fn together(&mut self) {
        let (began, mut open) = (Instant::now(), VecDeque::new());
        for n in 0..TOGETHER {
            open.push_back(write(&self.channel, n).await);
            if open.len() == WINDOW {
                open.pop_front().unwrap().await.unwrap();
            }
        }
        for confirm in open {
            confirm.await.unwrap();
        }
        self.per_second.push(TOGETHER as f64 / began.elapsed().as_secs_f64());
    }

    fn middle(&mut self) -> f64 {
        self.per_second.sort_by(f64::total_cmp);
        self.per_second[self.per_second.len() / 2]
    }
}

async fn write(channel: &Channel, n: usize) -> impl Future<Output = lapin::Result<lapin::Confirmation>> + use<> {
    let mut headers = FieldTable::default();
    headers.insert("x-event-id".into(), AMQPValue::LongString(format!("event-{n}").into()));
    headers.insert("traceparent".into(), AMQPValue::LongString("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()));
    let properties = BasicProperties::default()
        .with_message_id(format!("m-{n}").into())
        .with_correlation_id(format!("c-{n}").into())
        .with_delivery_mode(2)
        .with_headers(headers);
    channel.basic_publish("".into(), QUEUE.into(), BasicPublishOptions::default(), &[b'x'; 300], properties).await.unwrap()
}

/// The proxy in a process of its own.
struct Started(Child);

impl Started {
    async fn before(upstream: &str) -> Self {
        let listener = Listener { name: "rabbitmq".into(), kind: Kind::Amqp, listen: AMQP, upstream: upstream.into() };
        let (host, event_header) = ("127.0.0.1".parse().unwrap(), "x-event-id".into());
        let config = Config { seed: 1, event_header, listeners: vec![listener], host, control: CONTROL, keeps: 1 << 16 };
        let mut command = Command::new(env!("CARGO_BIN_EXE_loupe-proxy"));
        let mut started = Self(command.env("LOUPE_PROXY", serde_json::to_string(&config).unwrap()).spawn().unwrap());
        while reqwest::get(format!("http://127.0.0.1:{CONTROL}/ready")).await.is_err() {
            assert!(started.0.try_wait().unwrap().is_none(), "the proxy does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        started
    }

    /// A rule that looks at each message, and hits none.
    async fn rule(&self) {
        let rule = Rule { key: Some("of nobody".into()), ..Rule::new(How::Lose) };
        let put = reqwest::Client::new().put(format!("http://127.0.0.1:{CONTROL}/rules/lose@1"));
        assert!(put.json(&rule).send().await.unwrap().status().is_success());
    }

    /// What it has computed so far, in seconds. Unlike a throughput, that hardly depends on what else the machine does.
    fn computed(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        // After the name, which is in brackets, the 12th and the 13th field: ticks of a hundredth, of its own and in the kernel.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    fn memory_kb(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.0.kill().and_then(|()| self.0.wait()));
    }
}

fn main() {
    let Ok(url) = std::env::var("LOUPE_BROKER") else {
        println!("skipped: set LOUPE_BROKER to the address of a RabbitMQ to run it");
        return;
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run(&url));
}

async fn run(url: &str) {
    let (before, rest) = url.split_once('@').unwrap();
    let (upstream, after) = rest.split_once('/').unwrap();
    let started = Started::before(upstream).await;
    let proxied = format!("{before}@127.0.0.1:{AMQP}/{after}");
    let direct = Way::to("direct", url).await;
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    direct.channel.queue_declare(QUEUE.into(), options, FieldTable::default()).await.unwrap();
    for ruled in [false, true] {
        if ruled {
            started.rule().await;
        }
        let before = started.computed();
        let mut ways = [Way::to("direct", url).await, Way::to("proxied", &proxied).await];
        for round in 0..ROUNDS {
            for turn in 0..ways.len() {
                let way = &mut ways[(round + turn) % 2];
                way.one_by_one().await;
                way.together().await;
                direct.channel.queue_purge(QUEUE.into(), QueuePurgeOptions::default()).await.unwrap();
            }
        }
        report(ruled, &mut ways);
        let each = (started.computed() - before) / (ROUNDS * (EACH + TOGETHER)) as f64;
        println!("  proxied  {:.1} µs of computing for a message and its confirm", each * 1e6);
    }
    println!("{}", started.memory_kb());
    direct.channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await.unwrap();
}

fn report(ruled: bool, ways: &mut [Way; 2]) {
    println!("{}", if ruled { "with a rule that hits nobody" } else { "without a rule" });
    let micros = |nanos: u64| nanos as f64 / 1e3;
    for way in &mut *ways {
        let (p50, p99) = (micros(way.latency.value_at_quantile(0.5)), micros(way.latency.value_at_quantile(0.99)));
        let per_second = way.middle();
        println!("  {:8} confirm p50 {p50:7.0} µs, p99 {p99:7.0} µs, {per_second:7.0} messages/s", way.name);
    }
    let [direct, proxied] = ways;
    let added = micros(proxied.latency.value_at_quantile(0.5)) - micros(direct.latency.value_at_quantile(0.5));
    println!("  added p50 {added:.0} µs, throughput ratio {:.2}", proxied.middle() / direct.middle());
}
