//! What random sequences do not reach: restarts, alarms, the consumer timeout, what cannot be declared.

mod declaring;
mod outages;
mod policy;
mod purge;
mod unanswered;

use std::{sync::Arc, time::Duration};

use faults::Resource;
use world::broker::{BrokerError, Channel, Consumer, Delivery, Headers, Message, Publish, Queue, QueueKind, Topology};

use super::{
    operator::{Down, Operator},
    play::Client,
};
use declaring::{a_queue_that_nobody_uses_expires, what_cannot_be_declared_closes_the_channel};
use outages::{a_restart_keeps_what_is_durable, an_alarm_blocks_who_publishes_and_nobody_else};
use policy::a_policy_holds_beside_what_a_queue_was_declared_with;
use purge::a_purge_takes_what_is_ready_and_leaves_what_is_out;
use unanswered::a_delivery_that_stays_unanswered_closes_its_channel;

const CONFIRM: Publish = Publish { confirm: true, mandatory: false };
const KINDS: [QueueKind; 2] = [QueueKind::Classic, QueueKind::Quorum];

/// Every promise, one after another.
pub(crate) async fn promises(operator: &dyn Operator) {
    what_cannot_be_declared_closes_the_channel(operator).await;
    a_delivery_that_stays_unanswered_closes_its_channel(operator).await;
    for (resource, name) in [(Resource::Memory, "without memory"), (Resource::Disk, "without disk")] {
        an_alarm_blocks_who_publishes_and_nobody_else(operator, resource, name).await;
    }
    a_policy_holds_beside_what_a_queue_was_declared_with(operator).await;
    a_purge_takes_what_is_ready_and_leaves_what_is_out(operator).await;
    a_queue_that_nobody_uses_expires(operator).await;
    for (how, names) in [(Down::Stopped, ["kept", "replicated", "loose"]), (Down::Killed, ["kept 2", "replicated 2", "loose 2"])]
    {
        a_restart_keeps_what_is_durable(operator, how, names).await;
    }
}

/// A message to a queue, by the exchange that each broker has.
pub(crate) fn message(queue: &str, id: &str) -> Message {
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

/// Takes out what is left in a queue.
async fn left(client: &Client, channel: &dyn Channel, queue: &str, left: &[(&str, bool, Option<u32>)]) {
    let mut consumer = channel.consume(queue, 0).await.unwrap();
    for expected in left {
        assert_eq!(marks(&next(client, &mut consumer).await), *expected, "{queue}");
    }
    assert!(client.rt.timeout(Duration::from_millis(500), consumer.next()).await.is_err(), "{queue}: no more");
}
