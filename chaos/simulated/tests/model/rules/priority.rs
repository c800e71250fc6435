//! Priorities.

use simulated::{BrokerSettings, Config, Simulation, Version};
use world::broker::{Arguments, Channel, Message, Publish, Queue, Settle};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, drain, message, ms, numbers, run, run_new};

async fn publish(channel: &dyn Channel, priorities: &[Option<u8>]) {
    for (n, priority) in priorities.iter().enumerate() {
        let message = Message { priority: *priority, ..message(n) };
        channel.publish(message, Publish { confirm: true, mandatory: false }).await.unwrap();
    }
}

fn three() -> Queue<'static> {
    Queue::classic(QUEUE).with(Arguments { max_priority: Some(3), ..TO_DEAD })
}

#[test]
fn a_classic_queue_delivers_the_highest_priority_first_and_none_is_the_lowest() {
    run_new(|world, _| async move {
        let channel = declared(&world, three()).await;
        // 9 is taken for 3, the highest one.
        publish(&*channel, &[None, Some(1), Some(3), Some(0), Some(9), Some(1)]).await;
        assert_eq!(numbers(&drain(&world, QUEUE).await), [2, 4, 1, 5, 0, 3]);
    });
}

#[test]
fn without_the_argument_a_classic_queue_heeds_no_priority() {
    run_new(|world, _| async move {
        let channel = declared(&world, Queue::classic(QUEUE)).await;
        publish(&*channel, &[None, Some(9), Some(3)]).await;
        assert_eq!(numbers(&drain(&world, QUEUE).await), [0, 1, 2]);
    });
}

#[test]
fn a_message_that_comes_back_goes_to_its_place_among_its_like() {
    run_new(|world, _| async move {
        let channel = declared(&world, three()).await;
        publish(&*channel, &[Some(1), Some(1), Some(3)]).await;
        let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
        let (high, low) = (consumer.next().await.unwrap(), consumer.next().await.unwrap());
        low.settler.settle(Settle::Requeue).await.unwrap();
        let again = consumer.next().await.unwrap();
        assert_eq!((&*high.message.message_id, &*again.message.message_id, again.redelivered), ("m-2", "m-0", true));
    });
}

#[test]
fn a_queue_that_is_too_long_drops_the_highest_priority_first() {
    run_new(|world, _| async move {
        let queue = Queue::classic(QUEUE).with(Arguments { max_priority: Some(3), max_length: Some(2), ..TO_DEAD });
        let channel = declared(&world, queue).await;
        publish(&*channel, &[Some(3), Some(1), Some(1)]).await;
        assert_eq!(numbers(&drain(&world, DEAD).await), [0]);
    });
}

#[test]
fn a_quorum_queue_has_no_priorities_in_3_13_two_in_4_0_and_32_in_4_3() {
    let priorities = [Some(0), Some(5), None, Some(7), Some(31), Some(1), Some(6)];
    for (version, order) in [
        (Version::V3_13, [0, 1, 2, 3, 4, 5, 6]),
        // Two high ones, a normal one, and so on.
        (Version::V4_0, [1, 3, 0, 4, 6, 2, 5]),
        // None is 4.
        (Version::V4_3, [4, 3, 6, 1, 2, 5, 0]),
    ] {
        let config = Config { broker: BrokerSettings { version, ..BrokerSettings::default() }, ..Config::new(1) };
        run(&Simulation::new(&config), |world, _| async move {
            let channel = declared(&world, Queue::quorum(QUEUE)).await;
            publish(&*channel, &priorities).await;
            assert_eq!(numbers(&drain(&world, QUEUE).await), order, "{version:?}");
        });
    }
}

#[test]
fn what_goes_to_the_tail_of_a_quorum_queue_has_lost_its_priority() {
    run_new(|world, _| async move {
        let unlimited = Arguments { delivery_limit: Some(-1), ..Arguments::NONE };
        let channel = declared(&world, Queue::quorum(QUEUE).with(unlimited)).await;
        publish(&*channel, &[Some(5), None]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        consumer.next().await.unwrap().settler.settle(Settle::Requeue).await.unwrap();
        assert_eq!(&*consumer.next().await.unwrap().message.message_id, "m-1");
    });
}

#[test]
fn a_message_that_overtakes_others_expires_when_a_classic_queue_looks_next() {
    for first in [None, Some(0)] {
        run_new(|world, models| async move {
            let channel = declared(&world, three()).await;
            if let Some(first) = first {
                publish(&*channel, &[Some(first)]).await;
            }
            let expiring = Message { priority: Some(3), expiration: Some(ms(100)), ..message(7) };
            channel.publish(expiring, Publish { confirm: true, mandatory: false }).await.unwrap();
            world.rt.sleep(ms(500)).await;
            // Into an empty queue it looks.
            assert_eq!(models.management().ready(DEAD), Some(usize::from(first.is_none())));
            // What it has not noticed it hands out, though its time is over.
            let left = numbers(&drain(&world, QUEUE).await);
            assert_eq!(left, first.map_or(vec![], |_| vec![7, 0]));
        });
    }
}

#[test]
fn the_timer_of_a_message_that_is_gone_has_a_classic_queue_look_all_the_same() {
    for early in [false, true] {
        run_new(|world, models| async move {
            let channel = declared(&world, three()).await;
            let expiring = |n, after| Message { priority: Some(3), expiration: Some(after), ..message(n) };
            let confirm = Publish { confirm: true, mandatory: false };
            // It leaves long before its time; the queue has seen it at its head.
            let first = if early { expiring(0, ms(300)) } else { expiring(0, ms(60_000)) };
            channel.publish(first, confirm).await.unwrap();
            let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
            let out = consumer.next().await.unwrap();
            publish(&*channel, &[Some(0)]).await;
            channel.publish(expiring(7, ms(100)), confirm).await.unwrap();
            world.rt.sleep(ms(500)).await;
            assert_eq!(models.management().ready(DEAD), Some(usize::from(early)), "it overtook the other one unseen");
            out.settler.settle(Settle::Ack).await.unwrap();
        });
    }
}
