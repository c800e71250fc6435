//! A single active consumer.

use world::broker::{Arguments, Queue, QueueKind, Settle};

use crate::stage::{QUEUE, declared, ms, numbers, publish_all, run_new, settle, soon};

#[test]
fn one_consumer_gets_everything_until_it_is_gone() {
    for kind in [QueueKind::Classic, QueueKind::Quorum] {
        run_new(|world, _| async move {
            let arguments = Arguments { single_active_consumer: true, ..Arguments::NONE };
            let channel = declared(&world, Queue { kind, ..Queue::classic(QUEUE) }.with(arguments)).await;
            let first = world.broker.connect().await.unwrap();
            let mut active = first.consume(QUEUE, 1).await.unwrap();
            let second = world.broker.connect().await.unwrap();
            let mut waiting = second.consume(QUEUE, 1).await.unwrap();
            publish_all(&*channel, 0..3).await;
            let out = active.next().await.unwrap();
            assert!(soon(&world, &mut waiting).await.is_none(), "it waits, though the other one is busy");
            settle(out, Settle::Ack).await.unwrap();
            drop(active.next().await.unwrap());
            drop((first, active));
            world.rt.sleep(ms(10)).await;
            let next = waiting.next().await.unwrap();
            assert_eq!((numbers(std::slice::from_ref(&next)), next.redelivered), (vec![1], true));
            settle(next, Settle::Ack).await.unwrap();
            assert_eq!(numbers(&[waiting.next().await.unwrap()]), [2]);
        });
    }
}
