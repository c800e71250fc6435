//! What cannot be declared, and what a declared queue does by itself.

use std::time::Duration;

use world::broker::{Arguments, BrokerError, Queue, Settle};

use super::{CONFIRM, KINDS, declare, message, next, open};
use crate::suite::broker::{operator::Operator, play::Client};

/// Declares what cannot be declared.
async fn refused(client: &Client, queue: Queue<'_>) {
    let channel = client.broker.connect().await.unwrap();
    let declared = declare(&*channel, &[queue]).await;
    assert!(matches!(declared, Err(BrokerError::ChannelClosed { code: 406, .. })), "{queue:?}: {declared:?}");
    let after = channel.publish(message("nowhere", "m-1"), CONFIRM).await;
    assert!(matches!(after, Err(BrokerError::ChannelClosed { code: 406, .. })), "{after:?}");
}

pub(crate) async fn what_cannot_be_declared_closes_the_channel(operator: &dyn Operator) {
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

pub(crate) async fn a_queue_that_nobody_uses_expires(operator: &dyn Operator) {
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
