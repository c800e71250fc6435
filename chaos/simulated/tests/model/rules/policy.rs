//! Policies.

use world::broker::{Arguments, BrokerError, Overflow, Queue, QueueKind};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, ms, publish, publish_all, run_new};

#[test]
fn a_policy_holds_from_now_on_and_no_longer_when_it_is_taken_away() {
    for kind in [QueueKind::Classic, QueueKind::Quorum] {
        run_new(|world, models| async move {
            let channel = declared(&world, Queue { kind, ..Queue::classic(QUEUE) }).await;
            let management = models.management();
            publish_all(&*channel, 0..5).await;
            assert!(management.set_policy(QUEUE, Some(Arguments { max_length: Some(2), ..TO_DEAD })));
            assert_eq!((management.ready(QUEUE), management.ready(DEAD)), (Some(2), Some(3)), "{kind:?}");
            assert!(management.set_policy(QUEUE, Some(Arguments { message_ttl: Some(ms(100)), ..Arguments::NONE })));
            publish_all(&*channel, [5]).await;
            world.rt.sleep(ms(200)).await;
            assert_eq!(management.ready(QUEUE), Some(3), "what stands before it has no time to live");
            assert!(management.set_policy(QUEUE, None));
            publish_all(&*channel, 6..9).await;
            world.rt.sleep(ms(200)).await;
            assert_eq!(management.ready(QUEUE), Some(6));
            assert!(!management.set_policy("nothing", None));
        });
    }
}

#[test]
fn a_policy_makes_a_queue_refuse() {
    run_new(|world, models| async move {
        let channel = declared(&world, Queue::classic(QUEUE)).await;
        publish_all(&*channel, 0..2).await;
        let full = Arguments { max_length: Some(2), overflow: Some(Overflow::RejectPublish), ..Arguments::NONE };
        assert!(models.management().set_policy(QUEUE, Some(full)));
        assert_eq!(publish(&*channel, 2, true).await, Err(BrokerError::Nacked));
    });
}
