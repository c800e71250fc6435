//! Dead letters.

use faults::End;
use world::broker::{Arguments, Death, DeathReason, Exchange, ExchangeKind, Message, Publish, Queue, Settle, Topology};

use crate::stage::{DEAD, QUEUE, TO_DEAD, declared, drain, message, ms, publish_all, run_new, secs, settle};

#[test]
fn a_dead_letter_says_where_it_was_why_it_left_and_how_often() {
    run_new(|world, models| async move {
        let channel = declared(&world, Queue::classic(QUEUE).with(TO_DEAD)).await;
        let sent = Message { expiration: Some(secs(60)), ..message(0) };
        channel.publish(sent, Publish { confirm: true, mandatory: false }).await.unwrap();
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        settle(consumer.next().await.unwrap(), Settle::Reject).await.unwrap();
        let dead = drain(&world, DEAD).await;
        let came = &dead[0].message;
        assert_eq!((&*came.exchange, &*came.routing_key, dead[0].redelivered), ("dlx", "order.work", false));
        let expected = Death {
            queue: QUEUE.into(),
            reason: DeathReason::Rejected,
            count: 1,
            exchange: "orders".into(),
            routing_keys: vec!["order.work".into()],
            time_s: simulated::EPOCH_NS / 1_000_000_000,
            original_expiration: Some(secs(60)),
        };
        assert_eq!((came.deaths.as_slice(), came.expiration), (&[expected][..], None));
        for (header, value) in [("reason", "rejected"), ("queue", QUEUE), ("exchange", "orders")] {
            assert_eq!(came.headers.get(&format!("x-first-death-{header}")), Some(value));
            assert_eq!(came.headers.get(&format!("x-last-death-{header}")), Some(value));
        }
        assert_eq!(came.headers.get("x-event-id"), Some("e-0"));
        let ends: Vec<End> = models.messages().fates().await.iter().map(|fate| fate.end).collect();
        assert_eq!(ends, [End::DeadLettered, End::Unacked]);
    });
}

#[test]
fn without_an_exchange_or_a_queue_behind_it_a_dead_letter_is_dropped_without_a_word() {
    let missing = Arguments { dead_letter_exchange: Some("missing"), ..Arguments::NONE };
    let unbound = Arguments { dead_letter_exchange: Some("orders"), dead_letter_routing_key: Some("nowhere"), ..Arguments::NONE };
    for arguments in [Arguments::NONE, missing, unbound] {
        run_new(|world, models| async move {
            let channel = declared(&world, Queue::classic(QUEUE).with(arguments)).await;
            publish_all(&*channel, [0]).await;
            let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
            settle(consumer.next().await.unwrap(), Settle::Reject).await.unwrap();
            world.rt.sleep(ms(10)).await;
            let ends: Vec<End> = models.messages().fates().await.iter().map(|fate| fate.end).collect();
            assert_eq!(ends, [End::Rejected]);
        });
    }
}

/// A queue whose dead letters wait in another one and come back from there.
async fn retry(world: &world::World) -> std::sync::Arc<dyn world::broker::Channel> {
    let channel = world.broker.connect().await.unwrap();
    let wait = Arguments {
        message_ttl: Some(ms(100)),
        dead_letter_exchange: Some(""),
        dead_letter_routing_key: Some(QUEUE),
        ..Arguments::NONE
    };
    let exchanges = [Exchange::topic("orders"), Exchange { kind: ExchangeKind::Fanout, ..Exchange::topic("dlx") }];
    let topology = Topology {
        exchanges: &exchanges,
        queues: &[Queue::classic(QUEUE).with(TO_DEAD), Queue::classic("wait").with(wait)],
        bindings: &[("orders", "order.work", QUEUE), ("dlx", "", "wait")],
    };
    channel.declare(&topology).await.unwrap();
    channel
}

#[test]
fn deaths_add_up_over_a_loop_with_a_rejection() {
    run_new(|world, _| async move {
        let channel = retry(&world).await;
        publish_all(&*channel, [0]).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        for round in 0..4 {
            let delivery = consumer.next().await.unwrap();
            let deaths: Vec<_> =
                delivery.message.deaths.iter().map(|death| (&*death.queue, death.reason.name(), death.count)).collect();
            if round == 0 {
                assert_eq!(deaths, []);
            } else {
                assert_eq!(deaths, [("wait", "expired", round), (QUEUE, "rejected", round)]);
                assert_eq!(delivery.message.headers.get("x-first-death-reason"), Some("rejected"));
                assert_eq!(delivery.message.headers.get("x-last-death-reason"), Some("expired"));
            }
            settle(delivery, Settle::Reject).await.unwrap();
        }
    });
}

#[test]
fn a_loop_without_a_rejection_ends_by_dropping_the_message() {
    run_new(|world, models| async move {
        let channel = retry(&world).await;
        let short = Message { expiration: Some(ms(50)), ..message(0) };
        channel.publish(short, Publish { confirm: true, mandatory: false }).await.unwrap();
        world.rt.sleep(secs(1)).await;
        // It would come again to a queue that it has died in.
        let ends: Vec<End> = models.messages().fates().await.iter().map(|fate| fate.end).collect();
        assert_eq!(ends, [End::DeadLettered, End::Expired]);
        assert!(drain(&world, QUEUE).await.is_empty());
    });
}

#[test]
fn a_queue_may_say_another_key() {
    run_new(|world, _| async move {
        let arguments = Arguments { dead_letter_routing_key: Some("order.dead"), max_length: Some(1), ..TO_DEAD };
        let channel = declared(&world, Queue::classic(QUEUE).with(arguments)).await;
        publish_all(&*channel, 0..2).await;
        let dead = drain(&world, DEAD).await;
        assert_eq!((&*dead[0].message.routing_key, &*dead[0].message.deaths[0].routing_keys[0]), ("order.dead", "order.work"));
    });
}
