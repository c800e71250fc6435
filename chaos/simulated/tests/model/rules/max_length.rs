//! How long a queue may be.

use faults::{End, Outcome};
use world::broker::{Arguments, BrokerError, Overflow, Publish, Queue, QueueKind, Sent, Settle, Topology};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, drain, message, numbers, publish, publish_all, run_new, settle};

fn two(overflow: Overflow) -> Arguments<'static> {
    Arguments { max_length: Some(2), overflow: Some(overflow), ..TO_DEAD }
}

fn queue(kind: QueueKind, arguments: Arguments<'static>) -> Queue<'static> {
    Queue { kind, ..Queue::classic(QUEUE) }.with(arguments)
}

#[test]
fn the_oldest_message_gives_way() {
    for kind in [QueueKind::Classic, QueueKind::Quorum] {
        run_new(|world, _| async move {
            let channel = declared(&world, queue(kind, two(Overflow::DropHead))).await;
            publish_all(&*channel, 0..5).await;
            assert_eq!(numbers(&drain(&world, DEAD).await), [0, 1, 2]);
            assert_eq!(numbers(&drain(&world, QUEUE).await), [3, 4]);
        });
    }
}

#[test]
fn what_is_out_does_not_count() {
    run_new(|world, models| async move {
        let channel = declared(&world, queue(QueueKind::Classic, two(Overflow::DropHead))).await;
        let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
        publish_all(&*channel, 0..4).await;
        assert_eq!(models.management().ready(QUEUE), Some(2));
        // One that comes back makes the queue too long, and stands at its head.
        settle(consumer.next().await.unwrap(), Settle::Requeue).await.unwrap();
        world.rt.sleep(crate::stage::ms(10)).await;
        assert_eq!(numbers(&drain(&world, DEAD).await), [0]);
    });
}

#[test]
fn a_full_classic_queue_refuses_and_the_publisher_hears_of_it() {
    run_new(|world, models| async move {
        let channel = declared(&world, queue(QueueKind::Classic, two(Overflow::RejectPublish))).await;
        publish_all(&*channel, 0..2).await;
        assert_eq!(publish(&*channel, 2, true).await, Err(BrokerError::Nacked));
        assert_eq!(publish(&*channel, 3, false).await, Ok(Sent::Written), "nobody tells who does not ask");
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        settle(consumer.next().await.unwrap(), Settle::Ack).await.unwrap();
        world.rt.sleep(crate::stage::ms(10)).await;
        assert_eq!(publish(&*channel, 4, true).await, Ok(Sent::Confirmed));
        let fates = models.messages().fates().await;
        let short: Vec<_> = fates.iter().map(|fate| (fate.sent, fate.end)).collect();
        assert_eq!(short[2..4], [(Outcome::Failed, End::Refused), (Outcome::Written, End::Refused)]);
        assert_eq!(models.management().ready(DEAD), Some(0));
    });
}

#[test]
fn a_refused_message_is_dead_lettered_where_that_is_asked_for() {
    run_new(|world, _| async move {
        let channel = declared(&world, queue(QueueKind::Classic, two(Overflow::RejectPublishDlx))).await;
        publish_all(&*channel, 0..2).await;
        assert_eq!(publish(&*channel, 2, true).await, Err(BrokerError::Nacked));
        let dead = drain(&world, DEAD).await;
        assert_eq!((numbers(&dead), dead[0].message.deaths[0].reason.name()), (vec![2], "maxlen"));
    });
}

#[test]
fn one_queue_of_two_that_refuses_is_enough_for_a_nack_and_the_other_has_the_message() {
    run_new(|world, models| async move {
        let channel = declared(&world, queue(QueueKind::Classic, two(Overflow::RejectPublish))).await;
        let topology = Topology { exchanges: &[], queues: &[Queue::classic("all")], bindings: &[("orders", "order.#", "all")] };
        channel.declare(&topology).await.unwrap();
        publish_all(&*channel, 0..2).await;
        assert_eq!(publish(&*channel, 2, true).await, Err(BrokerError::Nacked));
        assert_eq!((models.management().ready(QUEUE), models.management().ready("all")), (Some(2), Some(3)));
    });
}

#[test]
fn a_full_quorum_queue_overshoots_and_takes_messages_again_at_four_fifths() {
    run_new(|world, models| async move {
        let five = Arguments { max_length: Some(5), overflow: Some(Overflow::RejectPublish), ..Arguments::NONE };
        let channel = declared(&world, queue(QueueKind::Quorum, five)).await;
        publish_all(&*channel, 0..6).await;
        assert_eq!(publish(&*channel, 6, true).await, Err(BrokerError::Nacked));
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        let mut ack = async || settle(consumer.next().await.unwrap(), Settle::Ack).await.unwrap();
        // One is out, five are ready.
        assert_eq!(models.management().ready(QUEUE), Some(5));
        assert_eq!(publish(&*channel, 7, true).await, Err(BrokerError::Nacked), "five is not too many, but more than four");
        ack().await;
        assert_eq!(publish(&*channel, 8, true).await, Ok(Sent::Confirmed));
        // Somebody who has not published before is not told before it is too long again.
        let other = world.broker.connect().await.unwrap();
        assert_eq!(other.publish(message(9), Publish { confirm: true, mandatory: false }).await, Ok(Sent::Confirmed));
    });
}
