//! What the port of the broker promises.

use std::{sync::Arc, time::Duration};

use world::{
    Either, World,
    broker::{BrokerError, Channel, Consumer, Delivery, Exchange, Headers, Message, Publish, Queue, Sent, Settle, Topology},
};

const TOPOLOGY: Topology<'static> = Topology {
    exchanges: &[Exchange::topic("parcels")],
    queues: &[
        Queue::classic("answered"),
        Queue::classic("reopened"),
        Queue::classic("closed"),
        Queue::classic("counted"),
        Queue::classic("chosen"),
    ],
    bindings: &[
        ("parcels", "answer", "answered"),
        ("parcels", "reopen", "reopened"),
        ("parcels", "close", "closed"),
        ("parcels", "count", "counted"),
        ("parcels", "choose.*", "chosen"),
    ],
};
const CONFIRM: Publish = Publish { confirm: true, mandatory: false };

pub(crate) async fn promises(world: &World) {
    a_message_arrives_as_it_was_sent(world).await;
    an_answer_decides_where_a_message_goes(world).await;
    a_closed_channel_puts_its_messages_back(world).await;
    a_channel_that_is_closed_in_good_order_leaves_nothing_behind(world).await;
    prefetch_limits_what_is_out(world).await;
    a_mandatory_message_without_a_queue_comes_back(world).await;
    a_consumer_of_nothing_closes_the_channel(world).await;
}

fn message(key: &'static str, id: &str) -> Message {
    let mut headers = Headers::default();
    headers.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    headers.set("x-event-id", "e-1");
    Message {
        exchange: "parcels".into(),
        routing_key: key.into(),
        message_id: id.into(),
        correlation_id: "o-1".into(),
        timestamp_s: 1_767_571_200,
        persistent: true,
        expiration: None,
        priority: None,
        headers,
        deaths: Vec::new(),
        body: "{\"weight\":120}".into(),
    }
}

async fn open(world: &World) -> Arc<dyn Channel> {
    let channel = world.broker.connect().await.unwrap();
    // Twice: it changes nothing.
    channel.declare(&TOPOLOGY).await.unwrap();
    channel.declare(&TOPOLOGY).await.unwrap();
    channel
}

async fn settle(delivery: Delivery, how: Settle) {
    delivery.settler.settle(how).await.unwrap();
}

/// The next message, or none within a second.
async fn soon(world: &World, consumer: &mut Box<dyn Consumer>) -> Option<Delivery> {
    match world.rt.race(consumer.next(), world.rt.sleep(Duration::from_secs(1))).await {
        Either::Left(delivery) => Some(delivery.unwrap()),
        Either::Right(()) => None,
    }
}

async fn a_message_arrives_as_it_was_sent(world: &World) {
    let channel = open(world).await;
    let mut consumer = channel.consume("chosen", 1).await.unwrap();
    let sent = message("choose.topic", "m-1");
    assert_eq!(channel.publish(sent.clone(), Publish::default()).await, Ok(Sent::Written));
    let delivery = consumer.next().await.unwrap();
    let mut came = (*delivery.message).clone();
    came.headers.0.sort();
    assert_eq!(came, sent);
    assert_eq!((&*delivery.queue, delivery.redelivered), ("chosen", false));
    settle(delivery, Settle::Ack).await;
}

async fn an_answer_decides_where_a_message_goes(world: &World) {
    let channel = open(world).await;
    let mut consumer = channel.consume("answered", 1).await.unwrap();
    for id in ["m-1", "m-2"] {
        assert_eq!(channel.publish(message("answer", id), CONFIRM).await, Ok(Sent::Confirmed));
    }
    let first = consumer.next().await.unwrap();
    settle(first, Settle::Requeue).await;
    let again = consumer.next().await.unwrap();
    assert_eq!((&*again.message.message_id, again.redelivered), ("m-1", true), "a requeued message goes to the front");
    settle(again, Settle::Reject).await;
    let second = consumer.next().await.unwrap();
    assert_eq!((&*second.message.message_id, second.redelivered), ("m-2", false));
    settle(second, Settle::Ack).await;
    assert!(soon(world, &mut consumer).await.is_none(), "rejected and acknowledged messages are gone");
}

async fn a_closed_channel_puts_its_messages_back(world: &World) {
    let publisher = open(world).await;
    publisher.publish(message("reopen", "m-1"), CONFIRM).await.unwrap();
    let channel = open(world).await;
    let mut consumer = channel.consume("reopened", 1).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    // A dropped delivery is unanswered; only the end of its channel puts it back.
    drop(delivery);
    assert!(soon(world, &mut consumer).await.is_none());
    drop((consumer, channel));
    let channel = open(world).await;
    let mut consumer = channel.consume("reopened", 1).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    assert!(delivery.redelivered);
    settle(delivery, Settle::Ack).await;
}

async fn a_channel_that_is_closed_in_good_order_leaves_nothing_behind(world: &World) {
    const MESSAGES: usize = 50;
    let publisher = open(world).await;
    for n in 0..MESSAGES {
        let sent = publisher.publish(message("close", &format!("m-{n}")), Publish::default()).await;
        assert_eq!(sent, Ok(Sent::Written));
    }
    publisher.close().await;
    let channel = open(world).await;
    let mut consumer = channel.consume("closed", 1).await.unwrap();
    let taken = consumer.next().await.unwrap();
    channel.close().await;
    assert!(consumer.next().await.is_err(), "a subscription ends with its channel");
    assert!(taken.settler.settle(Settle::Ack).await.is_err(), "and so does the right to answer");
    let channel = open(world).await;
    let mut consumer = channel.consume("closed", 10).await.unwrap();
    for n in 0..MESSAGES {
        let delivery = consumer.next().await.unwrap();
        assert_eq!((&*delivery.message.message_id, delivery.redelivered), (&*format!("m-{n}"), n == 0));
        settle(delivery, Settle::Ack).await;
    }
    channel.close().await;
    channel.close().await;
}

async fn prefetch_limits_what_is_out(world: &World) {
    let channel = open(world).await;
    for id in ["m-1", "m-2", "m-3"] {
        channel.publish(message("count", id), CONFIRM).await.unwrap();
    }
    let mut consumer = channel.consume("counted", 2).await.unwrap();
    let first = consumer.next().await.unwrap();
    let second = consumer.next().await.unwrap();
    assert!(soon(world, &mut consumer).await.is_none());
    settle(first, Settle::Ack).await;
    let third = consumer.next().await.unwrap();
    assert_eq!(&*third.message.message_id, "m-3");
    settle(second, Settle::Ack).await;
    settle(third, Settle::Ack).await;
}

async fn a_mandatory_message_without_a_queue_comes_back(world: &World) {
    let channel = open(world).await;
    let nowhere = || message("nowhere", "m-1");
    let mandatory = Publish { confirm: true, mandatory: true };
    assert_eq!(channel.publish(nowhere(), mandatory).await, Ok(Sent::Returned));
    assert_eq!(channel.publish(nowhere(), CONFIRM).await, Ok(Sent::Confirmed), "what is dropped is confirmed too");
    assert_eq!(channel.publish(message("count", "m-4"), mandatory).await, Ok(Sent::Confirmed));
    let mut consumer = channel.consume("counted", 1).await.unwrap();
    settle(consumer.next().await.unwrap(), Settle::Ack).await;
}

async fn a_consumer_of_nothing_closes_the_channel(world: &World) {
    let channel = open(world).await;
    let refused = channel.consume("no such queue", 1).await.map(drop);
    assert!(matches!(refused, Err(BrokerError::ChannelClosed { code: 404, .. })), "{refused:?}");
    let closed = channel.publish(message("count", "m-5"), CONFIRM).await;
    assert!(matches!(closed, Err(BrokerError::ChannelClosed { code: 404, .. })), "{closed:?}");
}
