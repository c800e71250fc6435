//! The consumer timeout, beyond the default of 4.0.

use simulated::{BrokerSettings, Config, Simulation, Version};
use world::broker::{Arguments, BrokerError, Queue, QueueKind, Settle};

use crate::stage::{QUEUE, declared, numbers, publish_all, run, secs, settle, soon};

fn version(version: Version) -> Simulation {
    Simulation::new(&Config { broker: BrokerSettings { version, ..BrokerSettings::default() }, ..Config::new(1) })
}

fn queue(kind: QueueKind) -> Queue<'static> {
    let arguments = Arguments { consumer_timeout: Some(secs(600)), ..Arguments::NONE };
    Queue { kind, ..Queue::classic(QUEUE) }.with(arguments)
}

#[test]
fn a_queue_may_say_its_own_and_the_channel_closes_at_its_next_tick() {
    for (of, kind) in
        [(Version::V3_13, QueueKind::Classic), (Version::V4_0, QueueKind::Classic), (Version::V4_0, QueueKind::Quorum)]
    {
        run(&version(of), |world, _| async move {
            let channel = declared(&world, queue(kind)).await;
            publish_all(&*channel, [0]).await;
            let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
            drop(consumer.next().await.unwrap());
            assert!(matches!(consumer.next().await, Err(BrokerError::ChannelClosed { code: 406, .. })));
            assert_eq!(world.rt.now().as_secs(), 660, "{of:?} {kind:?}");
        });
    }
}

#[test]
fn since_4_3_a_quorum_queue_cancels_the_consumer_and_its_channel_lives() {
    run(&version(Version::V4_3), |world, _| async move {
        let channel = declared(&world, queue(QueueKind::Quorum)).await;
        publish_all(&*channel, [0]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        let late = consumer.next().await.unwrap();
        assert!(matches!(consumer.next().await, Err(BrokerError::Cancelled)));
        assert_eq!(world.rt.now().as_secs(), 600);
        // Its answer comes too late, and to a channel that is there.
        settle(late, Settle::Ack).await.unwrap();
        let mut again = channel.consume(QUEUE, 1).await.unwrap();
        let delivery = again.next().await.unwrap();
        assert_eq!((numbers(std::slice::from_ref(&delivery)), delivery.redelivered), (vec![0], true));
        assert_eq!(delivery.delivery_count, None, "it does not count");
        settle(delivery, Settle::Ack).await.unwrap();
    });
}

#[test]
fn since_4_3_a_classic_queue_waits_for_ever() {
    run(&version(Version::V4_3), |world, _| async move {
        let channel = declared(&world, queue(QueueKind::Classic)).await;
        publish_all(&*channel, [0]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        world.rt.sleep(secs(86_400)).await;
        settle(delivery, Settle::Ack).await.unwrap();
        assert!(soon(&world, &mut consumer).await.is_none());
    });
}
