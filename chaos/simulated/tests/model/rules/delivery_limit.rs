//! What comes back to a quorum queue.

use faults::End;
use simulated::{BrokerSettings, Config, Simulation, Version};
use world::broker::{Arguments, Queue, Settle};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, drain, ms, numbers, publish_all, run, settle, soon};

fn version(version: Version) -> Simulation {
    Simulation::new(&Config { broker: BrokerSettings { version, ..BrokerSettings::default() }, ..Config::new(1) })
}

fn limited(limit: i32) -> Queue<'static> {
    Queue::quorum(QUEUE).with(Arguments { delivery_limit: Some(limit), ..TO_DEAD })
}

#[test]
fn a_message_that_came_back_too_often_is_dead_lettered() {
    run(&version(Version::V4_0), |world, models| async move {
        let channel = declared(&world, limited(2)).await;
        publish_all(&*channel, [0]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        for (count, redelivered) in [(None, false), (Some(1), true), (Some(2), true)] {
            let delivery = consumer.next().await.unwrap();
            assert_eq!((delivery.delivery_count, delivery.redelivered), (count, redelivered));
            settle(delivery, Settle::Requeue).await.unwrap();
        }
        assert!(soon(&world, &mut consumer).await.is_none());
        let dead = drain(&world, DEAD).await;
        assert_eq!((numbers(&dead), dead[0].message.deaths[0].reason.name()), (vec![0], "delivery_limit"));
        assert_eq!(models.messages().fates().await[0].end, End::DeadLettered);
    });
}

#[test]
fn a_lost_channel_counts_in_every_version_and_a_nack_until_4_3() {
    for (of, nacked_twice) in [(Version::V3_13, 1), (Version::V4_0, 1), (Version::V4_3, 0)] {
        run(&version(of), |world, models| async move {
            let channel = declared(&world, limited(1)).await;
            publish_all(&*channel, 0..3).await;
            let receiver = world.broker.connect().await.unwrap();
            let mut consumer = receiver.consume(QUEUE, 1).await.unwrap();
            for _ in 0..2 {
                settle(consumer.next().await.unwrap(), Settle::Requeue).await.unwrap();
            }
            let out = consumer.next().await.unwrap();
            assert_eq!(models.management().ready(DEAD), Some(nacked_twice), "{of:?}");
            settle(out, Settle::Ack).await.unwrap();
            drop((receiver, consumer));
            for _ in 0..2 {
                let lost = world.broker.connect().await.unwrap();
                let mut consumer = lost.consume(QUEUE, 1).await.unwrap();
                drop(soon(&world, &mut consumer).await);
                drop((lost, consumer));
                world.rt.sleep(ms(10)).await;
            }
            world.rt.sleep(ms(10)).await;
            assert!(models.management().ready(DEAD) > Some(nacked_twice), "{of:?}");
        });
    }
}

#[test]
fn without_a_limit_a_message_comes_back_for_ever_and_to_the_tail_until_4_3() {
    for (of, limit, order) in [
        (Version::V3_13, None, [1, 0]),
        (Version::V4_0, Some(-1), [1, 0]),
        (Version::V4_0, None, [0, 1]),
        (Version::V4_3, Some(-1), [0, 1]),
    ] {
        run(&version(of), |world, _| async move {
            let queue = Queue::quorum(QUEUE).with(Arguments { delivery_limit: limit, ..Arguments::NONE });
            let channel = declared(&world, queue).await;
            publish_all(&*channel, 0..2).await;
            let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
            settle(consumer.next().await.unwrap(), Settle::Requeue).await.unwrap();
            let mut came = Vec::new();
            for _ in 0..2 {
                let delivery = consumer.next().await.unwrap();
                came.extend(numbers(std::slice::from_ref(&delivery)));
                settle(delivery, Settle::Ack).await.unwrap();
            }
            assert_eq!(came, order, "{of:?} {limit:?}");
        });
    }
}

#[test]
fn the_default_limit_is_20_since_4_0() {
    for (of, deliveries) in [(Version::V3_13, 40), (Version::V4_0, 21), (Version::V4_3, 40)] {
        run(&version(of), |world, _| async move {
            let channel = declared(&world, Queue::quorum(QUEUE)).await;
            publish_all(&*channel, [0]).await;
            let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
            let mut came = 0;
            while let Some(delivery) = soon(&world, &mut consumer).await.filter(|_| came < 40) {
                came += 1;
                settle(delivery, Settle::Requeue).await.unwrap();
            }
            assert_eq!(came, deliveries, "{of:?}");
        });
    }
}

#[test]
fn what_came_back_to_a_quorum_queue_goes_first_in_the_order_in_which_it_came() {
    run(&version(Version::V4_0), |world, _| async move {
        let channel = declared(&world, Queue::quorum(QUEUE)).await;
        publish_all(&*channel, 0..3).await;
        let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
        let (first, second) = (consumer.next().await.unwrap(), consumer.next().await.unwrap());
        // The consumer holds two again after each; so the other one stays in the queue.
        settle(second, Settle::Requeue).await.unwrap();
        settle(first, Settle::Requeue).await.unwrap();
        let again = [consumer.next().await.unwrap(), consumer.next().await.unwrap()];
        assert_eq!(numbers(&again), [1, 0]);
    });
}
