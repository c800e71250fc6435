//! Time to live of queues.

use faults::End;
use world::broker::{Arguments, BrokerError, Queue, Topology};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, ms, publish_all, run_new, secs};

fn queue() -> Queue<'static> {
    Queue::classic(QUEUE).with(Arguments { expires: Some(secs(10)), ..TO_DEAD })
}

#[test]
fn a_queue_that_nobody_uses_is_deleted_and_its_messages_are_not_dead_lettered() {
    run_new(|world, models| async move {
        let channel = declared(&world, queue()).await;
        publish_all(&*channel, [0]).await;
        world.rt.sleep(secs(9)).await;
        assert_eq!(models.management().ready(QUEUE), Some(1), "publishing is no use");
        world.rt.sleep(secs(2)).await;
        assert_eq!((models.management().ready(QUEUE), models.management().ready(DEAD)), (None, Some(0)));
        assert_eq!(models.messages().fates().await[0].end, End::Expired);
        assert!(matches!(channel.consume(QUEUE, 1).await, Err(BrokerError::ChannelClosed { code: 404, .. })));
    });
}

#[test]
fn a_consumer_and_a_declaration_keep_it() {
    run_new(|world, models| async move {
        let channel = declared(&world, queue()).await;
        let topology = Topology { exchanges: &[], queues: &[queue()], bindings: &[] };
        for _ in 0..5 {
            world.rt.sleep(secs(8)).await;
            channel.declare(&topology).await.unwrap();
        }
        let receiver = world.broker.connect().await.unwrap();
        let consumer = receiver.consume(QUEUE, 1).await.unwrap();
        world.rt.sleep(secs(60)).await;
        assert_eq!(models.management().ready(QUEUE), Some(0));
        drop((receiver, consumer));
        world.rt.sleep(secs(9)).await;
        assert_eq!(models.management().ready(QUEUE), Some(0));
        world.rt.sleep(secs(1) + ms(10)).await;
        assert_eq!(models.management().ready(QUEUE), None);
    });
}
