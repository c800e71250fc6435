//! Half-open connections.

use simulated::DRIVER;
use world::{
    Node,
    broker::{BrokerError, Publish, Sent, Settle},
};

use crate::stage::{QUEUE, channel, message, ms, numbers, publish, publish_all, run_new, secs, settle, soon};

const FAR: Node = Node::first("far");

#[test]
fn what_was_held_arrives_when_the_way_is_free_before_an_end_gives_up() {
    run_new(|world, models| async move {
        let far = models.world(FAR, "db");
        let (sender, receiver) = (channel(&far).await, channel(&world).await);
        let mut consumer = receiver.consume(QUEUE, 1).await.unwrap();
        models.management().cut(FAR);
        assert_eq!(publish(&*sender, 0, false).await, Ok(Sent::Written), "it knows of nothing");
        assert!(far.rt.timeout(secs(30), sender.publish(message(1), Publish { confirm: true, mandatory: false })).await.is_err());
        assert!(soon(&world, &mut consumer).await.is_none());
        models.management().heal(FAR);
        for n in [0, 1] {
            let delivery = consumer.next().await.unwrap();
            assert_eq!(numbers(std::slice::from_ref(&delivery)), [n]);
            settle(delivery, Settle::Ack).await.unwrap();
        }
        publish_all(&*sender, [2]).await;
    });
}

#[test]
fn a_dead_consumer_keeps_its_messages_until_the_broker_has_missed_its_heartbeats() {
    run_new(|world, models| async move {
        let far = models.world(FAR, "db");
        let (sender, receiver) = (channel(&world).await, channel(&far).await);
        let mut dead = receiver.consume(QUEUE, 2).await.unwrap();
        models.management().cut(FAR);
        let cut = world.rt.now();
        publish_all(&*sender, 0..2).await;
        let mut consumer = sender.consume(QUEUE, 2).await.unwrap();
        publish_all(&*sender, [2]).await;
        assert_eq!(numbers(&[consumer.next().await.unwrap()]), [2], "the first ones went to the dead one");
        let again = consumer.next().await.unwrap();
        let after = (world.rt.now() - cut).as_secs();
        assert_eq!((numbers(std::slice::from_ref(&again)), again.redelivered), (vec![0], true));
        assert!((119..=180).contains(&after), "{after} s");
        assert!(matches!(dead.next().await, Err(BrokerError::ConnectionLost)));
    });
}

#[test]
fn a_client_gives_up_too_and_cannot_connect_before_the_way_is_free() {
    run_new(|world, models| async move {
        let far = models.world(FAR, "db");
        let sender = channel(&far).await;
        models.management().cut(FAR);
        let sent = sender.publish(message(0), Publish { confirm: true, mandatory: false }).await;
        assert_eq!(sent, Err(BrokerError::ConnectionLost));
        let after = world.rt.now().as_secs();
        assert!((119..=180).contains(&after), "{after} s");
        assert!(matches!(far.broker.connect().await, Err(BrokerError::Unreachable(_))));
        assert_eq!(world.rt.now().as_secs(), after + 10);
        models.management().heal(FAR);
        let again = channel(&far).await;
        publish_all(&*again, [1]).await;
        world.rt.sleep(ms(10)).await;
        assert_eq!(models.management().ready(QUEUE), Some(1), "what was sent into the dead connection is lost");
        assert_eq!(world.rt.node(), DRIVER);
    });
}
