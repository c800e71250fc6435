//! What random sequences do not reach: restarts, alarms, the consumer timeout, what cannot be declared.

use std::{sync::Arc, time::Duration};

use faults::Resource;
use world::{
    Either,
    broker::{
        Arguments, BrokerError, Channel, Consumer, Delivery, Headers, Message, Publish, Queue, QueueKind, Sent, Settle, Topology,
    },
};

use super::{
    operator::{Down, Laid, Operator, on_the_model},
    play::Client,
};

const CONFIRM: Publish = Publish { confirm: true, mandatory: false };
/// How often a real channel looks for late answers: with its own minute the shortest timeout would take one.
pub(super) const TICK: Duration = Duration::from_millis(256);
const KINDS: [QueueKind; 2] = [QueueKind::Classic, QueueKind::Quorum];

/// Every promise, one after another. Deliveries that stay unanswered are looked for once in [`TICK`].
pub(super) async fn promises(operator: &dyn Operator) {
    what_cannot_be_declared_closes_the_channel(operator).await;
    a_delivery_that_stays_unanswered_closes_its_channel(operator).await;
    for (resource, name) in [(Resource::Memory, "without memory"), (Resource::Disk, "without disk")] {
        an_alarm_blocks_who_publishes_and_nobody_else(operator, resource, name).await;
    }
    a_policy_holds_beside_what_a_queue_was_declared_with(operator).await;
    a_queue_that_nobody_uses_expires(operator).await;
    for (how, names) in [(Down::Stopped, ["kept", "logged", "loose"]), (Down::Killed, ["kept 2", "logged 2", "loose 2"])] {
        a_restart_keeps_what_is_durable(operator, how, names).await;
    }
}

#[test]
fn the_model_keeps_the_promises_for_operators() {
    on_the_model(1, |model| async move { promises(&model).await });
}

/// A message to a queue, by the exchange that each broker has.
pub(super) fn message(queue: &str, id: &str) -> Message {
    Message {
        exchange: "".into(),
        routing_key: queue.to_owned().into(),
        message_id: id.into(),
        correlation_id: "o-1".into(),
        timestamp_s: 0,
        persistent: true,
        expiration: None,
        priority: None,
        headers: Headers::default(),
        deaths: Vec::new(),
        body: "{}".into(),
    }
}

async fn declare(channel: &dyn Channel, queues: &[Queue<'_>]) -> Result<(), BrokerError> {
    channel.declare(&Topology { exchanges: &[], queues, bindings: &[] }).await
}

async fn open(client: &Client, queues: &[Queue<'_>]) -> Arc<dyn Channel> {
    let channel = client.broker.connect().await.unwrap();
    declare(&*channel, queues).await.unwrap();
    channel
}

async fn next(client: &Client, consumer: &mut Box<dyn Consumer>) -> Delivery {
    client.rt.timeout(Duration::from_secs(20), consumer.next()).await.expect("it comes").unwrap()
}

/// What a delivery says of itself.
fn marks(delivery: &Delivery) -> (&str, bool, Option<u32>) {
    (&delivery.message.message_id, delivery.redelivered, delivery.delivery_count)
}

/// Declares what cannot be declared.
async fn refused(client: &Client, queue: Queue<'_>) {
    let channel = client.broker.connect().await.unwrap();
    let declared = declare(&*channel, &[queue]).await;
    assert!(matches!(declared, Err(BrokerError::ChannelClosed { code: 406, .. })), "{queue:?}: {declared:?}");
    let after = channel.publish(message("nowhere", "m-1"), CONFIRM).await;
    assert!(matches!(after, Err(BrokerError::ChannelClosed { code: 406, .. })), "{after:?}");
}

/// Takes out what is left in a queue.
async fn left(client: &Client, channel: &dyn Channel, queue: &str, left: &[(&str, bool, Option<u32>)]) {
    let mut consumer = channel.consume(queue, 0).await.unwrap();
    for expected in left {
        assert_eq!(marks(&next(client, &mut consumer).await), *expected, "{queue}");
    }
    assert!(client.rt.timeout(Duration::from_millis(500), consumer.next()).await.is_err(), "{queue}: no more");
}

async fn what_cannot_be_declared_closes_the_channel(operator: &dyn Operator) {
    let client = operator.client().await;
    let there = Queue::classic("there").with(Arguments { message_ttl: Some(Duration::from_secs(60)), ..Arguments::NONE });
    let channel = open(&client, &[there]).await;
    // Again it changes nothing; another one of the same name there cannot be.
    declare(&*channel, &[there]).await.unwrap();
    refused(&client, Queue::quorum("there")).await;
    refused(&client, Queue::classic("there")).await;
    refused(&client, there.with(Arguments { message_ttl: Some(Duration::from_secs(61)), ..Arguments::NONE })).await;
    refused(&client, Queue { durable: false, ..there }).await;
    // What no queue can be.
    refused(&client, Queue { durable: false, ..Queue::quorum("other") }).await;
    refused(&client, Queue::quorum("other").with(Arguments { max_priority: Some(3), ..Arguments::NONE })).await;
    refused(&client, Queue::classic("other").with(Arguments { delivery_limit: Some(3), ..Arguments::NONE })).await;
    refused(&client, Queue::classic("other").with(Arguments { expires: Some(Duration::ZERO), ..Arguments::NONE })).await;
    refused(&client, Queue::classic("other").with(Arguments { dead_letter_routing_key: Some("key"), ..Arguments::NONE })).await;
}

async fn a_delivery_that_stays_unanswered_closes_its_channel(operator: &dyn Operator) {
    let client = operator.client().await;
    for (kind, name) in KINDS.into_iter().zip(["slow classic", "slow quorum"]) {
        let arguments = Arguments { consumer_timeout: Some(Duration::from_secs(2)), ..Arguments::NONE };
        let queue = Queue { kind, ..Queue::classic(name) }.with(arguments);
        let channel = open(&client, &[queue]).await;
        for id in ["m-1", "m-2", "m-3"] {
            channel.publish(message(name, id), CONFIRM).await.unwrap();
        }
        let receiver = client.broker.connect().await.unwrap();
        let mut consumer = receiver.consume(name, 2).await.unwrap();
        let late = next(&client, &mut consumer).await;
        drop(next(&client, &mut consumer).await);
        let closed = client.rt.timeout(Duration::from_secs(70), consumer.next()).await.expect("it closes").map(drop);
        let Err(BrokerError::ChannelClosed { code: 406, text }) = closed else { panic!("{closed:?}") };
        assert!(text.contains("timed out") && text.contains("2000 ms"), "{text}");
        let answered = late.settler.settle(Settle::Ack).await;
        assert!(matches!(answered, Err(BrokerError::ChannelClosed { code: 406, .. })), "{answered:?}");
        // Everything that the channel had out is back.
        let mut consumer = channel.consume(name, 3).await.unwrap();
        let count = (kind == QueueKind::Quorum).then_some(1);
        for (id, redelivered, count) in [("m-1", true, count), ("m-2", true, count), ("m-3", false, None)] {
            let delivery = next(&client, &mut consumer).await;
            assert_eq!(marks(&delivery), (id, redelivered, count), "{kind:?}");
            delivery.settler.settle(Settle::Ack).await.unwrap();
        }
    }
}

async fn an_alarm_blocks_who_publishes_and_nobody_else(operator: &dyn Operator, resource: Resource, name: &str) {
    let client = operator.client().await;
    let sender = open(&client, &[Queue::classic(name)]).await;
    for id in ["m-1", "m-2"] {
        sender.publish(message(name, id), CONFIRM).await.unwrap();
    }
    operator.alarm(resource, true).await;
    client.rt.sleep(Duration::from_millis(500)).await;
    assert!(!sender.blocked(), "it has not tried to publish since");
    let watching = async {
        client.rt.sleep(Duration::from_secs(1)).await;
        assert!(sender.blocked());
        let receiver = client.broker.connect().await.unwrap();
        let mut consumer = receiver.consume(name, 1).await.unwrap();
        for id in ["m-1", "m-2"] {
            let delivery = next(&client, &mut consumer).await;
            assert_eq!(marks(&delivery), (id, false, None));
            delivery.settler.settle(Settle::Ack).await.unwrap();
        }
        let nothing = client.rt.timeout(Duration::from_millis(500), consumer.next()).await;
        assert!(nothing.is_err(), "the blocked message has not arrived");
        assert!(!receiver.blocked());
        operator.alarm(resource, false).await;
        assert_eq!(&*next(&client, &mut consumer).await.message.message_id, "m-3");
        client.rt.sleep(Duration::from_secs(10)).await;
    };
    match client.rt.race(sender.publish(message(name, "m-3"), CONFIRM), watching).await {
        Either::Left(sent) => assert_eq!(sent, Ok(Sent::Confirmed)),
        Either::Right(()) => panic!("a publish waits for the end of the alarm, not longer"),
    }
    // Whoever waited has been released; whoever watched was cut short, which is as well.
    assert!(!sender.blocked());
    sender.publish(message(name, "m-4"), CONFIRM).await.unwrap();
}

async fn a_queue_that_nobody_uses_expires(operator: &dyn Operator) {
    let client = operator.client().await;
    for (kind, name) in KINDS.into_iter().zip(["short classic", "short quorum"]) {
        let arguments = Arguments { expires: Some(Duration::from_secs(1)), ..Arguments::NONE };
        let channel = open(&client, &[Queue { kind, ..Queue::classic(name) }.with(arguments)]).await;
        let mut consumer = channel.consume(name, 1).await.unwrap();
        client.rt.sleep(Duration::from_secs(3)).await;
        // It has a consumer.
        channel.publish(message(name, "m-1"), CONFIRM).await.unwrap();
        next(&client, &mut consumer).await.settler.settle(Settle::Ack).await.unwrap();
        drop((channel, consumer));
        // No promise is made how soon it is gone: a quorum queue looks every few seconds.
        client.rt.sleep(Duration::from_secs(15)).await;
        let channel = client.broker.connect().await.unwrap();
        let gone = channel.consume(name, 1).await.map(drop);
        assert!(matches!(gone, Err(BrokerError::ChannelClosed { code: 404, .. })), "{kind:?}: {gone:?}");
    }
}

async fn a_policy_holds_beside_what_a_queue_was_declared_with(operator: &dyn Operator) {
    /// A policy is heard of a little later.
    const HEARD: Duration = Duration::from_secs(1);
    let client = operator.client().await;
    for (kind, name) in KINDS.into_iter().zip(["ruled classic", "ruled quorum"]) {
        let arguments = Arguments { max_length: Some(3), ..Arguments::NONE };
        let channel = open(&client, &[Queue { kind, ..Queue::classic(name) }.with(arguments)]).await;
        for id in ["m-1", "m-2", "m-3"] {
            channel.publish(message(name, id), CONFIRM).await.unwrap();
        }
        // The smaller length counts, and at once.
        operator.policy(name, Some(Laid { max_length: Some(2), ..Laid::default() })).await;
        client.rt.sleep(HEARD).await;
        operator.policy(name, None).await;
        client.rt.sleep(HEARD).await;
        channel.publish(message(name, "m-4"), CONFIRM).await.unwrap();
        // What is there keeps the time to live that it came with: none.
        operator.policy(name, Some(Laid { message_ttl: Some(Duration::from_millis(200)), max_length: Some(9) })).await;
        client.rt.sleep(HEARD).await;
        left(&client, &*channel, name, &[("m-2", false, None), ("m-3", false, None), ("m-4", false, None)]).await;
        operator.policy(name, None).await;
    }
}

async fn a_restart_keeps_what_is_durable(operator: &dyn Operator, how: Down, [kept, logged, loose]: [&str; 3]) {
    let client = operator.client().await;
    let queues = [Queue::classic(kept), Queue::quorum(logged), Queue { durable: false, ..Queue::classic(loose) }];
    let channel = open(&client, &queues).await;
    for queue in [kept, logged, loose] {
        for (id, persistent) in [("m-1", true), ("m-2", true), ("m-3", false), ("m-4", true)] {
            channel.publish(Message { persistent, ..message(queue, id) }, CONFIRM).await.unwrap();
        }
    }
    let mut out = Vec::new();
    for queue in [kept, logged] {
        let mut consumer = channel.consume(queue, 1).await.unwrap();
        out.push(next(&client, &mut consumer).await);
    }
    operator.restart(how).await;
    let lost = channel.publish(message(kept, "m-5"), CONFIRM).await;
    assert!(lost.is_err(), "the connection is gone: {lost:?}");
    let client = operator.client().await;
    let channel = client.broker.connect().await.unwrap();
    left(&client, &*channel, kept, &[("m-1", true, None), ("m-2", false, None), ("m-4", false, None)]).await;
    let log = [("m-1", true, Some(1)), ("m-2", false, None), ("m-3", false, None), ("m-4", false, None)];
    left(&client, &*channel, logged, &log).await;
    let gone = channel.consume(loose, 1).await.map(drop);
    assert!(matches!(gone, Err(BrokerError::ChannelClosed { code: 404, .. })), "{gone:?}");
}
