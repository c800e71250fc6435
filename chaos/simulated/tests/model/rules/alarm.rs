//! Memory and disk alarms.

use faults::Resource;
use world::{
    Either,
    broker::{Publish, Sent, Settle},
};

use crate::stage::{QUEUE, channel, message, ms, numbers, publish, publish_all, run_new, secs, settle, soon};

const CONFIRM: Publish = Publish { confirm: true, mandatory: false };

#[test]
fn a_publisher_is_blocked_and_told_so_and_its_message_arrives_when_the_alarm_is_over() {
    run_new(|world, models| async move {
        let (sender, receiver) = (channel(&world).await, channel(&world).await);
        let mut consumer = receiver.consume(QUEUE, 1).await.unwrap();
        models.management().alarm(Resource::Memory, true);
        assert!(!sender.blocked(), "it has not tried to publish");
        let sending = sender.publish(message(0), CONFIRM);
        let Either::Left(sent) = world
            .rt
            .race(sending, async {
                world.rt.sleep(secs(60)).await;
                assert!(sender.blocked() && !receiver.blocked());
                assert!(soon(&world, &mut consumer).await.is_none());
                // The other alarm goes on before this one is over: nobody is read from before both are.
                models.management().alarm(Resource::Disk, true);
                models.management().alarm(Resource::Memory, false);
                world.rt.sleep(secs(60)).await;
                assert!(sender.blocked());
                models.management().alarm(Resource::Disk, false);
                world.rt.sleep(secs(60)).await;
            })
            .await
        else {
            panic!("it is confirmed before the end")
        };
        assert_eq!(sent, Ok(Sent::Confirmed));
        assert_eq!((world.rt.now().as_secs(), sender.blocked()), (120, false));
        assert_eq!(numbers(&[consumer.next().await.unwrap()]), [0]);
    });
}

#[test]
fn deliveries_and_answers_on_other_connections_go_on() {
    run_new(|world, models| async move {
        let (sender, receiver) = (channel(&world).await, channel(&world).await);
        publish_all(&*sender, 0..3).await;
        models.management().alarm(Resource::Disk, true);
        let mut consumer = receiver.consume(QUEUE, 1).await.unwrap();
        for n in 0..3 {
            let delivery = consumer.next().await.unwrap();
            assert_eq!(numbers(std::slice::from_ref(&delivery)), [n]);
            settle(delivery, Settle::Ack).await.unwrap();
        }
    });
}

#[test]
fn a_connection_that_publishes_gets_no_answer_through_either() {
    run_new(|world, models| async move {
        let both = channel(&world).await;
        publish_all(&*both, 0..2).await;
        let mut consumer = both.consume(QUEUE, 1).await.unwrap();
        let first = consumer.next().await.unwrap();
        models.management().alarm(Resource::Memory, true);
        assert_eq!(publish(&*both, 2, false).await, Ok(Sent::Written), "nobody waits for it");
        world.rt.sleep(ms(10)).await;
        settle(first, Settle::Ack).await.unwrap();
        assert!(soon(&world, &mut consumer).await.is_none(), "the answer is not read, so nothing more comes");
        assert_eq!(models.management().ready(QUEUE), Some(1));
        models.management().alarm(Resource::Memory, false);
        for n in [1, 2] {
            let delivery = consumer.next().await.unwrap();
            assert_eq!(numbers(std::slice::from_ref(&delivery)), [n]);
            settle(delivery, Settle::Ack).await.unwrap();
        }
    });
}
