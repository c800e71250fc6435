//! A broker that is short of something, and one that is started again.

use std::time::Duration;

use faults::Resource;
use world::{
    Either,
    broker::{BrokerError, Message, Queue, Sent, Settle},
};

use super::{CONFIRM, left, marks, message, next, open};
use crate::suite::broker::operator::{Down, Operator};

pub(crate) async fn an_alarm_blocks_who_publishes_and_nobody_else(operator: &dyn Operator, resource: Resource, name: &str) {
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

/// By then the disk knows of a new quorum queue. One that is killed earlier finds nothing of its log, and no leader either: its
/// name is written half a second later (`auto_save` in `ra_directory` of Ra 2.14, which is RabbitMQ 4.0.5's; a real one said
/// `name_not_registered` and started it as a new one).
const REGISTERED: Duration = Duration::from_secs(2);

pub(crate) async fn a_restart_keeps_what_is_durable(operator: &dyn Operator, how: Down, [kept, logged, loose]: [&str; 3]) {
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
    client.rt.sleep(REGISTERED).await;
    operator.restart(how).await;
    let lost = channel.publish(message(kept, "m-5"), CONFIRM).await;
    assert!(lost.is_err(), "the connection is gone: {lost:?}");
    let client = operator.client().await;
    let channel = client.broker.connect().await.unwrap();
    // A quorum queue finds its leader again in its own time: once it confirms it has one.
    for queue in [kept, logged] {
        assert_eq!(channel.publish(message(queue, "m-6"), CONFIRM).await, Ok(Sent::Confirmed), "{queue}");
    }
    // A classic queue that was killed does not know which of its messages were out.
    let again = how == Down::Killed;
    let new = ("m-6", false, None);
    left(&client, &*channel, kept, &[("m-1", true, None), ("m-2", again, None), ("m-4", again, None), new]).await;
    let log = [("m-1", true, Some(1)), ("m-2", false, None), ("m-3", false, None), ("m-4", false, None), new];
    left(&client, &*channel, logged, &log).await;
    let gone = channel.consume(loose, 1).await.map(drop);
    assert!(matches!(gone, Err(BrokerError::ChannelClosed { code: 404, .. })), "{gone:?}");
}
