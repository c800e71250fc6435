//! What a kill leaves of classic and quorum queues.

use std::time::Duration;

use faults::{End, Fault, Kind};
use world::broker::{Arguments, BrokerError, Message, Publish, Queue, Settle};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, drain, message, ms, numbers, publish, publish_all, run_new, secs, settle};

fn outage(kind: Kind) -> Fault {
    Fault { name: format!("{}@1", kind.name()), kind, at: Duration::ZERO, lasts: secs(5) }
}

async fn restart(models: &simulated::Models, kind: Kind) {
    let (nemesis, fault) = (models.nemesis(), outage(kind));
    nemesis.inflict(&fault).await.unwrap();
    nemesis.lift(&fault).await.unwrap();
}

#[test]
fn a_quorum_queue_keeps_what_its_log_has_and_loses_what_was_on_its_way_there() {
    run_new(|world, models| async move {
        let channel = declared(&world, Queue::quorum(QUEUE)).await;
        for n in 0..20 {
            publish(&*channel, n, false).await.unwrap();
        }
        world.rt.sleep(ms(10)).await;
        // Not even `delivery-mode` 1 makes a message of a quorum queue transient.
        channel.publish(Message { persistent: false, ..message(20) }, Publish { confirm: true, mandatory: false }).await.unwrap();
        publish(&*channel, 21, false).await.unwrap();
        world.rt.sleep(ms(2)).await;
        restart(&models, faults::BROKER_KILL.plain()).await;
        let fates = models.messages().fates().await;
        assert!(fates[..21].iter().all(|fate| fate.end == End::Ready));
        assert_eq!(fates[21].end, End::Lost);
        assert_eq!(drain(&world, QUEUE).await.len(), 21);
    });
}

#[test]
fn a_restart_counts_as_a_lost_channel_in_a_quorum_queue() {
    run_new(|world, models| async move {
        let queue = Queue::quorum(QUEUE).with(Arguments { delivery_limit: Some(1), ..TO_DEAD });
        let channel = declared(&world, queue).await;
        publish_all(&*channel, 0..2).await;
        for expected in [None, Some(1)] {
            let receiver = world.broker.connect().await.unwrap();
            let mut consumer = receiver.consume(QUEUE, 1).await.unwrap();
            assert_eq!(consumer.next().await.unwrap().delivery_count, expected);
            restart(&models, faults::BROKER_RESTART.plain()).await;
        }
        assert_eq!(numbers(&drain(&world, DEAD).await), [0]);
    });
}

#[test]
fn a_queue_that_is_not_durable_is_gone_after_any_restart() {
    for kind in [faults::BROKER_KILL.plain(), faults::BROKER_RESTART.plain()] {
        run_new(|world, models| async move {
            let channel = declared(&world, Queue { durable: false, ..Queue::classic(QUEUE) }).await;
            publish_all(&*channel, [0]).await;
            restart(&models, kind).await;
            assert_eq!(models.messages().fates().await[0].end, End::Lost);
            let again = world.broker.connect().await.unwrap();
            let refused = again.consume(QUEUE, 1).await.map(drop);
            assert!(matches!(refused, Err(BrokerError::ChannelClosed { code: 404, .. })));
        });
    }
}

#[test]
fn a_time_to_live_runs_on_while_the_broker_is_down() {
    run_new(|world, models| async move {
        let channel = declared(&world, Queue::classic(QUEUE).with(Arguments { message_ttl: Some(secs(60)), ..TO_DEAD })).await;
        publish_all(&*channel, [0]).await;
        let (nemesis, fault) = (models.nemesis(), outage(faults::BROKER_RESTART.plain()));
        nemesis.inflict(&fault).await.unwrap();
        world.rt.sleep(secs(120)).await;
        nemesis.lift(&fault).await.unwrap();
        world.rt.sleep(ms(10)).await;
        assert_eq!(numbers(&drain(&world, DEAD).await), [0]);
    });
}

#[test]
fn a_queue_of_the_same_name_must_be_the_same() {
    run_new(|world, _| async move {
        let channel = declared(&world, Queue::classic(QUEUE)).await;
        let other = world.broker.connect().await.unwrap();
        for queue in
            [Queue::quorum(QUEUE), Queue::classic(QUEUE).with(TO_DEAD), Queue { durable: false, ..Queue::classic(QUEUE) }]
        {
            let topology = world::broker::Topology { exchanges: &[], queues: &[queue], bindings: &[] };
            let other = world.broker.connect().await.unwrap();
            assert!(matches!(other.declare(&topology).await, Err(BrokerError::ChannelClosed { code: 406, .. })));
        }
        publish_all(&*other, [0]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        settle(consumer.next().await.unwrap(), Settle::Ack).await.unwrap();
    });
}
