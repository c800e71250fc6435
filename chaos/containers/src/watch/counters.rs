//! The counters, from RabbitMQ's Prometheus endpoint: of one virtual host, queue by queue.
//!
//! What passes is counted there as it passes; how much is in a queue, and how long the broker has been up, is told once in
//! `collect_statistics_interval`, which the stack sets to a second.

use std::{collections::BTreeMap, time::Duration};

use adapters::runtime::wall_clock_ns;
use signals::{Counters, QueueCounters, Scrape, counters};
use world::Runtime;

use super::{Seen, lock};
use crate::{docker, parts::rabbitmq, stack::BrokerPart};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// The tables that are asked for.
const FAMILIES: [&str; 5] =
    ["queue_coarse_metrics", "queue_delivery_metrics", "queue_exchange_metrics", "exchange_metrics", "node_metrics"];
/// The uptime may be this old, nanoseconds: what it says of the start lies so much too late at most.
const UPTIME_STALE_NS: u64 = 2_000_000_000;

/// One look: when it was made, and what it showed.
pub(super) type Look = (u64, Option<Shown>);

/// What the endpoint shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    uptime: Duration,
    counters: Counters,
}

/// Whoever looks.
pub(super) struct Eye {
    broker: BrokerPart,
    client: reqwest::Client,
}

impl Eye {
    pub(super) fn new(broker: BrokerPart) -> Self {
        Self { broker, client: reqwest::Client::new() }
    }

    /// Looks until it is over.
    pub(super) async fn watch(&self, rt: &Runtime, every: Duration, seen: &Seen) {
        while !seen.over() {
            let asked_ns = wall_clock_ns();
            let shown = self.look().await;
            lock(&seen.looks).push((asked_ns, shown));
            rt.sleep(every).await;
        }
    }

    /// `None` when it does not answer.
    async fn look(&self) -> Option<Shown> {
        let port = docker::port(&self.broker.docker, &self.broker.container, rabbitmq::PROMETHEUS).await.ok()?;
        let families = FAMILIES.map(|family| format!("family={family}")).join("&");
        let vhost = &self.broker.virtual_host;
        let url = format!("http://127.0.0.1:{port}/metrics/detailed?vhost={vhost}&{families}");
        let answer = self.client.get(url).timeout(ANSWER).send().await.ok()?.error_for_status().ok()?;
        shown(&answer.text().await.ok()?)
    }
}

/// Reads Prometheus' text format; `None` when the broker does not say how long it has been up.
fn shown(text: &str) -> Option<Shown> {
    let mut uptime = None;
    let mut queues: BTreeMap<&str, QueueCounters> = BTreeMap::new();
    let (mut unroutable_dropped, mut unroutable_returned) = (0, 0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let Some(name) = name.strip_prefix("rabbitmq_detailed_") else { continue };
        if name == "erlang_uptime_seconds" {
            uptime = Some(Duration::from_secs_f64(value.max(0.0)));
        }
        let count = count(value);
        match name {
            "exchange_messages_unroutable_dropped_total" => unroutable_dropped += count,
            "exchange_messages_unroutable_returned_total" => unroutable_returned += count,
            _ => {}
        }
        let Some(queue) = label(labels, "queue").filter(|queue| *queue != rabbitmq::FIREHOSE) else { continue };
        let counters = queues.entry(queue).or_insert_with(|| QueueCounters { queue: queue.into(), ..QueueCounters::default() });
        match name {
            "queue_messages_ready" => counters.ready = count,
            "queue_messages_unacked" => counters.unacked = count,
            // By exchange.
            "queue_exchange_messages_published_total" => counters.published += count,
            "queue_messages_delivered_ack_total"
            | "queue_messages_delivered_total"
            | "queue_get_ack_total"
            | "queue_get_total" => {
                counters.delivered += count;
            }
            "queue_messages_redelivered_total" => counters.redelivered = count,
            "queue_messages_acked_total" => counters.acked = count,
            _ => {}
        }
    }
    let queues = queues.into_values().collect();
    Some(Shown { uptime: uptime?, counters: Counters { since_ns: 0, unroutable_dropped, unroutable_returned, queues } })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a counter is a whole number, and the cast saturates"
)]
fn count(value: f64) -> u64 {
    value as u64
}

/// The value of a label: `vhost="/",queue="mes.orders"}`.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let begin = labels.find(&format!("{name}=\""))? + name.len() + 2;
    labels[begin..].split('"').next()
}

/// The looks as records. Each life of the broker has one start: the earliest that any look of it says.
pub(super) fn scrapes(looks: Vec<Look>) -> Vec<Scrape> {
    let start = |(asked_ns, shown): &Look| {
        let uptime = u64::try_from(shown.as_ref()?.uptime.as_nanos()).unwrap_or(u64::MAX);
        Some(asked_ns.saturating_sub(uptime))
    };
    let mut starts: Vec<u64> = looks.iter().filter_map(start).collect();
    starts.sort_unstable();
    // What is told late looks like a later start, by no more than that.
    starts.dedup_by(|later, earlier| later.saturating_sub(*earlier) <= UPTIME_STALE_NS);
    let mut scrapes = Vec::new();
    for look in looks {
        let life = start(&look).and_then(|at_ns| starts.iter().rfind(|start| **start <= at_ns));
        let (asked_ns, shown) = look;
        // Certainly not before that.
        let since_ns = life.map_or(0, |start| start.saturating_sub(UPTIME_STALE_NS / 2));
        counters::add(&mut scrapes, asked_ns, shown.map(|shown| Counters { since_ns, ..shown.counters }));
    }
    scrapes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RabbitMQ 4.0.5 answered, shortened.
    const ANSWER: &str = r#"
# TYPE rabbitmq_detailed_erlang_uptime_seconds gauge
rabbitmq_detailed_erlang_uptime_seconds 91.61
rabbitmq_detailed_queue_messages_ready{vhost="run1",queue="mes.orders"} 3
rabbitmq_detailed_queue_messages_ready{vhost="run1",queue="loupe.firehose"} 9
rabbitmq_detailed_queue_messages_unacked{vhost="run1",queue="mes.orders"} 1
rabbitmq_detailed_queue_messages_delivered_ack_total{vhost="run1",queue="mes.orders"} 2
rabbitmq_detailed_queue_messages_redelivered_total{vhost="run1",queue="mes.orders"} 1
rabbitmq_detailed_queue_messages_acked_total{vhost="run1",queue="mes.orders"} 1
rabbitmq_detailed_queue_exchange_messages_published_total{vhost="run1",exchange="orders",queue="mes.orders"} 5
rabbitmq_detailed_queue_head_message_timestamp{vhost="run1",queue="mes.orders"} NaN
rabbitmq_detailed_exchange_messages_unroutable_returned_total{vhost="run1",exchange="orders"} 2
rabbitmq_detailed_exchange_messages_unroutable_dropped_total{vhost="run1",exchange="orders"} 1
rabbitmq_build_info{rabbitmq_version="4.0.5"} 1
"#;

    #[test]
    fn an_answer_becomes_counters() {
        let shown = shown(ANSWER).unwrap();
        assert_eq!(shown.uptime, Duration::from_millis(91_610));
        let queue = QueueCounters {
            queue: "mes.orders".into(),
            ready: 3,
            unacked: 1,
            published: 5,
            delivered: 2,
            redelivered: 1,
            acked: 1,
        };
        let expected = Counters { since_ns: 0, unroutable_dropped: 1, unroutable_returned: 2, queues: vec![queue] };
        assert_eq!(shown.counters, expected);
        assert_eq!(super::shown("<html>not RabbitMQ</html>"), None);
    }

    #[test]
    fn looks_of_one_life_say_one_start() {
        let second = 1_000_000_000;
        let look = |at: u64, uptime_ms: u64| {
            let shown = Shown { uptime: Duration::from_millis(uptime_ms), ..shown(ANSWER).unwrap() };
            (at * second, Some(shown))
        };
        // The uptime is told once a second; at 22 the broker is away, and comes back at 23.4.
        let looks = vec![look(20, 9_300), look(21, 10_300), (22 * second, None), look(30, 6_100), look(31, 7_600)];
        let scrapes = scrapes(looks);
        let lives: Vec<_> = scrapes.iter().map(|it| (it.at_ns / second, it.until_ns / second, it.broker.is_some())).collect();
        assert_eq!(lives, [(20, 21, true), (22, 22, false), (30, 31, true)]);
        let since = |scrape: &Scrape| scrape.broker.as_ref().unwrap().since_ns;
        assert!(since(&scrapes[0]) < 10_700_000_000 && since(&scrapes[0]) > 9_000_000_000);
        assert!((22_300_000_000..=23_400_000_000).contains(&since(&scrapes[2])), "{}", since(&scrapes[2]));
    }
}
