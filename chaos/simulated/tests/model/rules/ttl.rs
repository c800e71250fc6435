//! Time to live of messages.

use faults::End;
use world::broker::{Arguments, Channel, Message, Publish, Queue, QueueKind, Settle};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, drain, message, ms, numbers, publish_all, run_new, settle, soon};

async fn expiring(channel: &dyn Channel, n: usize, after: u64) {
    let message = Message { expiration: Some(ms(after)), ..message(n) };
    channel.publish(message, Publish { confirm: true, mandatory: false }).await.unwrap();
}

fn queue(kind: QueueKind, arguments: Arguments<'static>) -> Queue<'static> {
    Queue { kind, ..Queue::classic(QUEUE) }.with(arguments)
}

const KINDS: [QueueKind; 2] = [QueueKind::Classic, QueueKind::Quorum];

#[test]
fn a_message_expires_at_its_time_and_not_before() {
    for kind in KINDS {
        run_new(|world, models| async move {
            let channel = declared(&world, queue(kind, Arguments { message_ttl: Some(ms(500)), ..TO_DEAD })).await;
            let start = world.rt.now();
            publish_all(&*channel, [0]).await;
            let came = world.rt.now();
            world.rt.sleep(ms(490) - (came - start)).await;
            assert_eq!(models.management().ready(QUEUE), Some(1));
            world.rt.sleep(ms(30)).await;
            assert_eq!((models.management().ready(QUEUE), models.management().ready(DEAD)), (Some(0), Some(1)));
        });
    }
}

#[test]
fn an_expired_message_behind_one_that_lives_stays_until_it_is_at_the_head() {
    for kind in KINDS {
        run_new(|world, models| async move {
            let channel = declared(&world, queue(kind, TO_DEAD)).await;
            publish_all(&*channel, [0]).await;
            expiring(&*channel, 1, 100).await;
            publish_all(&*channel, [2]).await;
            world.rt.sleep(ms(500)).await;
            assert_eq!(models.management().ready(QUEUE), Some(3), "it counts, though it is over");
            let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
            settle(consumer.next().await.unwrap(), Settle::Ack).await.unwrap();
            let next = consumer.next().await.unwrap();
            assert_eq!(&*next.message.message_id, "m-2", "it is never delivered");
            assert_eq!(numbers(&drain(&world, DEAD).await), [1]);
        });
    }
}

#[test]
fn a_requeued_message_keeps_its_time_and_one_that_is_out_does_not_expire() {
    for kind in KINDS {
        run_new(|world, models| async move {
            let channel = declared(&world, queue(kind, Arguments { message_ttl: Some(ms(500)), ..Arguments::NONE })).await;
            publish_all(&*channel, [0, 1]).await;
            let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
            let (first, second) = (consumer.next().await.unwrap(), consumer.next().await.unwrap());
            world.rt.sleep(ms(1000)).await;
            settle(second, Settle::Ack).await.unwrap();
            settle(first, Settle::Requeue).await.unwrap();
            assert!(soon(&world, &mut consumer).await.is_none(), "its time was over when it came back");
            let ends: Vec<End> = models.messages().fates().await.iter().map(|fate| fate.end).collect();
            assert_eq!(ends, [End::Expired, End::Acked]);
        });
    }
}

#[test]
fn with_a_time_to_live_of_nothing_a_message_comes_through_to_whoever_is_free() {
    run_new(|world, models| async move {
        let channel = declared(&world, queue(QueueKind::Classic, Arguments { message_ttl: Some(ms(0)), ..TO_DEAD })).await;
        publish_all(&*channel, [0]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        publish_all(&*channel, [1, 2]).await;
        assert_eq!(&*consumer.next().await.unwrap().message.message_id, "m-1");
        assert_eq!(numbers(&drain(&world, DEAD).await), [0, 2]);
        assert_eq!(models.management().ready(QUEUE), Some(0));
    });
}

#[test]
fn a_message_for_two_queues_may_die_in_one_and_live_in_the_other() {
    run_new(|world, models| async move {
        let short = queue(QueueKind::Classic, Arguments { message_ttl: Some(ms(100)), ..Arguments::NONE });
        let channel = declared(&world, short).await;
        let topology = world::broker::Topology {
            exchanges: &[],
            queues: &[Queue::classic("long")],
            bindings: &[("orders", "order.#", "long")],
        };
        channel.declare(&topology).await.unwrap();
        publish_all(&*channel, [0]).await;
        world.rt.sleep(ms(200)).await;
        assert_eq!((models.management().ready(QUEUE), models.management().ready("long")), (Some(0), Some(1)));
    });
}
