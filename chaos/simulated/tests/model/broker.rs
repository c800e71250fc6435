//! The broker's rules.

use faults::{End, Outcome};
use simulated::{BrokerSettings, Config, Simulation};
use world::{
    Either,
    broker::{BrokerError, Exchange, Message, Publish, Queue, Sent, Settle, Topology},
};

use crate::stage::{QUEUE, channel, message, ms, publish, run, run_new, secs, settle};

#[test]
fn a_message_is_under_way_for_a_link_each_way_and_a_confirm_waits_for_the_disk() {
    run_new(|world, _| async move {
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        let sent = world.rt.now();
        assert_eq!(publish(&*channel, 1, false).await, Ok(Sent::Written));
        assert_eq!(world.rt.now(), sent, "nobody waits for an unconfirmed publish");
        let delivery = consumer.next().await.unwrap();
        assert_eq!(world.rt.now() - sent, ms(2));
        assert_eq!((&*delivery.message.message_id, delivery.redelivered, &*delivery.queue), ("m-1", false, QUEUE));
        let sent = world.rt.now();
        assert_eq!(publish(&*channel, 2, true).await, Ok(Sent::Confirmed));
        assert_eq!(world.rt.now() - sent, ms(7));
    });
}

#[test]
fn prefetch_limits_what_is_out_and_an_answer_makes_room() {
    run_new(|world, models| async move {
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
        for n in 0..4 {
            publish(&*channel, n, false).await.unwrap();
        }
        let first = consumer.next().await.unwrap();
        let second = consumer.next().await.unwrap();
        assert!(matches!(world.rt.race(consumer.next(), world.rt.sleep(secs(60))).await, Either::Right(())));
        assert_eq!(models.messages().depth().await, 4);
        settle(first, Settle::Ack).await.unwrap();
        assert_eq!(&*consumer.next().await.unwrap().message.message_id, "m-2");
        settle(second, Settle::Reject).await.unwrap();
        assert_eq!(&*consumer.next().await.unwrap().message.message_id, "m-3");
        let ends: Vec<_> = models.messages().fates().await.into_iter().map(|fate| fate.end).collect();
        assert_eq!(ends, [End::Acked, End::Rejected, End::Unacked, End::Unacked]);
    });
}

#[test]
fn a_requeued_message_comes_first_again_and_says_so() {
    run_new(|world, _| async move {
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        for n in 0..3 {
            publish(&*channel, n, false).await.unwrap();
        }
        let first = consumer.next().await.unwrap();
        settle(first, Settle::Requeue).await.unwrap();
        let again = consumer.next().await.unwrap();
        assert_eq!((&*again.message.message_id, again.redelivered), ("m-0", true));
        settle(again, Settle::Ack).await.unwrap();
        let next = consumer.next().await.unwrap();
        assert_eq!((&*next.message.message_id, next.redelivered), ("m-1", false));
    });
}

#[test]
fn a_dropped_delivery_stays_out_until_its_channel_closes() {
    run_new(|world, models| async move {
        let sender = channel(&world).await;
        let receiver = channel(&world).await;
        let mut consumer = receiver.consume(QUEUE, 0).await.unwrap();
        for n in 0..3 {
            publish(&*sender, n, false).await.unwrap();
        }
        for _ in 0..3 {
            drop(consumer.next().await.unwrap());
        }
        assert!(matches!(world.rt.race(consumer.next(), world.rt.sleep(secs(600))).await, Either::Right(())));
        drop(receiver);
        world.rt.sleep(ms(10)).await;
        assert!(models.messages().fates().await.iter().all(|fate| fate.end == End::Unacked), "the consumer holds it open");
        drop(consumer);
        world.rt.sleep(ms(10)).await;
        let mut consumer = sender.consume(QUEUE, 0).await.unwrap();
        for n in 0..3 {
            let delivery = consumer.next().await.unwrap();
            assert_eq!((&*delivery.message.message_id, delivery.redelivered), (&*format!("m-{n}"), true));
        }
    });
}

#[test]
fn consumers_take_turns() {
    run_new(|world, _| async move {
        let channel = channel(&world).await;
        let mut a = channel.consume(QUEUE, 2).await.unwrap();
        let mut b = channel.consume(QUEUE, 2).await.unwrap();
        for n in 0..4 {
            publish(&*channel, n, false).await.unwrap();
        }
        let mut got = Vec::new();
        for consumer in [&mut a, &mut b] {
            for _ in 0..2 {
                got.push(consumer.next().await.unwrap().message.message_id.to_string());
            }
        }
        assert_eq!(got, ["m-0", "m-2", "m-1", "m-3"]);
    });
}

#[test]
fn an_unroutable_message_is_confirmed_and_only_mandatory_gives_it_back() {
    run_new(|world, models| async move {
        let channel = channel(&world).await;
        let nowhere = |n| Message { routing_key: "order.nowhere".into(), ..message(n) };
        for (n, confirm, mandatory, sent) in [
            (0, false, false, Sent::Written),
            (1, false, true, Sent::Written),
            (2, true, false, Sent::Confirmed),
            (3, true, true, Sent::Returned),
        ] {
            assert_eq!(channel.publish(nowhere(n), Publish { confirm, mandatory }).await, Ok(sent));
        }
        world.rt.sleep(ms(10)).await;
        let fates = models.messages().fates().await;
        assert!(fates.iter().all(|fate| fate.end == End::Unroutable));
        let sent: Vec<_> = fates.iter().map(|fate| fate.sent).collect();
        assert_eq!(sent, [Outcome::Written, Outcome::Written, Outcome::Confirmed, Outcome::Returned]);
    });
}

#[test]
fn what_is_not_there_closes_the_channel_with_404() {
    run_new(|world, models| async move {
        let channel = channel(&world).await;
        let Err(BrokerError::ChannelClosed { code: 404, text }) = channel.consume("nothing", 1).await else { panic!() };
        assert!(text.contains("no queue 'nothing'"), "{text}");
        assert!(matches!(publish(&*channel, 0, false).await, Err(BrokerError::ChannelClosed { code: 404, .. })));
        let other = world.broker.connect().await.unwrap();
        let lost = Message { exchange: "nothing".into(), ..message(1) };
        let Err(BrokerError::ChannelClosed { code: 404, .. }) =
            other.publish(lost, Publish { confirm: true, mandatory: false }).await
        else {
            panic!()
        };
        let fates = models.messages().fates().await;
        assert!(fates.iter().all(|fate| (fate.sent, fate.end) == (Outcome::Failed, End::NotSent)), "{fates:?}");
    });
}

#[test]
fn a_message_for_two_queues_has_two_fates() {
    const BOTH: Topology<'static> = Topology {
        exchanges: &[Exchange::topic("orders")],
        queues: &[Queue::classic("a"), Queue::classic("b")],
        bindings: &[("orders", "order.*", "a"), ("orders", "order.work", "b")],
    };
    run_new(|world, models| async move {
        let channel = world.broker.connect().await.unwrap();
        channel.declare(&BOTH).await.unwrap();
        channel.declare(&BOTH).await.unwrap();
        let mut consumer = channel.consume("b", 1).await.unwrap();
        assert_eq!(publish(&*channel, 0, true).await, Ok(Sent::Confirmed));
        let delivery = consumer.next().await.unwrap();
        settle(delivery, Settle::Ack).await.unwrap();
        world.rt.sleep(ms(5)).await;
        let fates = models.messages().fates().await;
        let short: Vec<_> = fates.iter().map(|fate| (fate.message_id.as_str(), fate.end, fate.sent)).collect();
        assert_eq!(short, [("m-0", End::Ready, Outcome::Confirmed), ("m-0", End::Acked, Outcome::Confirmed)]);
        assert_eq!((fates[1].event_id.as_str(), fates[1].order_id.as_str(), &*fates[1].from), ("e-0", "o-0", "driver"));
        assert_eq!(fates[1].deliveries.len(), 1);
    });
}

/// When a delivery that is never answered comes back, for a consumer timeout and a tick.
fn comes_back_after(timeout: u64, tick: u64) -> u128 {
    let broker = BrokerSettings { consumer_timeout: Some(ms(timeout)), channel_tick: ms(tick), ..BrokerSettings::default() };
    let simulation = Simulation::new(&Config { broker, ..Config::new(1) });
    run(&simulation, |world, models| async move {
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 2).await.unwrap();
        let start = world.rt.now();
        for n in 0..3 {
            publish(&*channel, n, false).await.unwrap();
        }
        let first = consumer.next().await.unwrap();
        let Err(BrokerError::ChannelClosed { code: 406, text }) = async {
            drop(consumer.next().await.unwrap());
            consumer.next().await.map(|_| ())
        }
        .await
        else {
            panic!("not closed")
        };
        let expected =
            format!("PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: {timeout}");
        assert!(text.starts_with(&expected), "{text}");
        let after = world.rt.now() - start;
        assert!(matches!(settle(first, Settle::Ack).await, Err(BrokerError::ChannelClosed { code: 406, .. })));
        assert!(matches!(publish(&*channel, 9, false).await, Err(BrokerError::ChannelClosed { code: 406, .. })));
        let ends: Vec<_> = models.messages().fates().await.iter().take(3).map(|fate| fate.end).collect();
        assert_eq!(ends, [End::Ready; 3]);
        let channel = world.broker.connect().await.unwrap();
        let mut consumer = channel.consume(QUEUE, 3).await.unwrap();
        for redelivered in [true, true, false] {
            assert_eq!(consumer.next().await.unwrap().redelivered, redelivered);
        }
        // Rounded: a channel opens a few milliseconds before it declares and consumes.
        (after.as_millis() + 50) / 100 * 100
    })
}

#[test]
fn a_delivery_times_out_at_the_first_tick_after_its_time() {
    // What RabbitMQ 4.0.5 did with its tick of 60 s, and with one of 256 ms.
    assert_eq!(comes_back_after(10_000, 60_000), 60_000);
    assert_eq!(comes_back_after(60_000, 60_000), 120_000);
    assert_eq!(comes_back_after(1_800_000, 60_000), 1_860_000);
    assert_eq!(comes_back_after(2_000, 256), 2_000);
    assert_eq!(comes_back_after(3_000, 256), 3_100);
}

#[test]
fn a_message_waiting_in_the_clients_buffer_times_out_too() {
    run_new(|world, _| async move {
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        for n in 0..2 {
            publish(&*channel, n, false).await.unwrap();
        }
        // Answered before the work, as the shop does it: the next message is out while the work lasts.
        let first = consumer.next().await.unwrap();
        settle(first, Settle::Ack).await.unwrap();
        world.rt.sleep(secs(2000)).await;
        assert!(matches!(consumer.next().await, Err(BrokerError::ChannelClosed { code: 406, .. })));
    });
}

#[test]
fn answers_in_time_never_close_a_channel() {
    run_new(|world, _| async move {
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        for n in 0..20 {
            publish(&*channel, n, false).await.unwrap();
            let delivery = consumer.next().await.unwrap();
            world.rt.sleep(secs(1799)).await;
            settle(delivery, Settle::Ack).await.unwrap();
        }
    });
}
