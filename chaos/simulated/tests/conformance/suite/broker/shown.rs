//! What a broker lets see of itself, rule by rule: its counters and its firehose, the same on the model and on RabbitMQ.

use std::{collections::BTreeMap, time::Duration};

use signals::{Passage, QueueCounters, Scrape};
use world::broker::{Arguments, BrokerError, Consumer, Delivery, Overflow, Publish, Queue, Sent, Settle, Topology};

use super::{directed::message, play::Client};

const CONFIRM: Publish = Publish { confirm: true, mandatory: false };
/// RabbitMQ tells its counts once in a second, and they are looked at once in a second.
const TOLD: Duration = Duration::from_secs(4);

/// Where dead letters go: through the exchange that each broker has.
const TO_DEAD: Arguments<'static> =
    Arguments { dead_letter_exchange: Some(""), dead_letter_routing_key: Some("dead"), ..Arguments::NONE };

async fn next(client: &Client, consumer: &mut Box<dyn Consumer>) -> Delivery {
    client.rt.timeout(Duration::from_secs(20), consumer.next()).await.expect("it comes").unwrap()
}

/// A rejected, an expired, a refused and a message that came back too often, and what becomes of their dead letters.
pub(crate) async fn play(client: &Client) {
    let one = Arguments { max_length: Some(1), overflow: Some(Overflow::RejectPublish), ..Arguments::NONE };
    let queues = [
        Queue::classic("work").with(TO_DEAD),
        Queue::classic("full").with(one),
        Queue::quorum("logged").with(Arguments { delivery_limit: Some(1), ..TO_DEAD }),
        Queue::classic("dead"),
    ];
    let channel = client.broker.connect().await.unwrap();
    channel.declare(&Topology { exchanges: &[], queues: &queues, bindings: &[] }).await.unwrap();
    assert_eq!(channel.publish(message("work", "rejected"), CONFIRM).await, Ok(Sent::Confirmed));
    let receiver = client.broker.connect().await.unwrap();
    let mut consumer = receiver.consume("work", 1).await.unwrap();
    next(client, &mut consumer).await.settler.settle(Settle::Reject).await.unwrap();
    receiver.close().await;
    let expiration = Some(Duration::from_millis(100));
    let short = world::broker::Message { expiration, ..message("work", "expired") };
    assert_eq!(channel.publish(short, CONFIRM).await, Ok(Sent::Confirmed));
    assert_eq!(channel.publish(message("full", "kept"), CONFIRM).await, Ok(Sent::Confirmed));
    assert_eq!(channel.publish(message("full", "refused"), CONFIRM).await, Err(BrokerError::Nacked));
    assert_eq!(channel.publish(message("logged", "given up"), CONFIRM).await, Ok(Sent::Confirmed));
    let mut consumer = channel.consume("logged", 1).await.unwrap();
    for _ in 0..2 {
        next(client, &mut consumer).await.settler.settle(Settle::Requeue).await.unwrap();
    }
    client.rt.sleep(Duration::from_secs(1)).await;
    let mut consumer = channel.consume("dead", 1).await.unwrap();
    next(client, &mut consumer).await.settler.settle(Settle::Ack).await.unwrap();
    drop(next(client, &mut consumer).await);
    // As long as somebody uses it: what a channel counts goes with it.
    client.rt.sleep(TOLD).await;
}

/// What is to be seen: of each queue what is ready, out, published, delivered, delivered again, acknowledged; how often each
/// name passed.
pub(crate) fn check(scrapes: &[Scrape], passages: &[Passage]) {
    let shown = scrapes.iter().rev().find_map(|scrape| scrape.broker.as_ref()).expect("it was looked at");
    let row = |queue: &QueueCounters| {
        let QueueCounters { queue, ready, unacked, published, delivered, redelivered, acked } = queue.clone();
        (queue.to_string(), [ready, unacked, published, delivered, redelivered, acked])
    };
    let rows: BTreeMap<String, [u64; 6]> = shown.queues.iter().map(row).collect();
    let expected = [
        // A dead letter is not published: no channel has sent it.
        ("dead", [1, 1, 0, 2, 0, 1]),
        // What a queue refuses was published to it all the same.
        ("full", [1, 0, 2, 0, 0, 0]),
        ("logged", [0, 0, 1, 2, 1, 0]),
        ("work", [0, 0, 2, 1, 0, 0]),
    ];
    assert_eq!(rows, expected.map(|(queue, row)| (queue.to_owned(), row)).into());
    let mut names = BTreeMap::new();
    for passage in passages {
        *names.entry(passage.name()).or_insert(0) += 1;
    }
    let expected = [("deliver.dead", 2), ("deliver.logged", 2), ("deliver.work", 1), ("publish.", 5)];
    assert_eq!(names, expected.map(|(name, times)| (name.to_owned(), times)).into());
}
