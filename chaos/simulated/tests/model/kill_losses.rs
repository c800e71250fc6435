//! What a killed broker loses: the table measured on RabbitMQ 4.0.5, row by row.

use std::time::Duration;

use faults::{End, Fault};
use simulated::{Config, Simulation};
use world::broker::Settle;

use crate::stage::{QUEUE, channel, ms, publish, run, secs, settle};

fn kill() -> Fault {
    Fault { name: "broker-kill@1".into(), kind: faults::BROKER_KILL.plain(), at: Duration::ZERO, lasts: secs(5) }
}

/// How many of `count` messages a kill loses, published every `gap` with `idle` before the kill.
fn lost(seed: u64, count: usize, gap: Duration, idle: Duration) -> usize {
    run(&Simulation::new(&Config::new(seed)), |world, models| async move {
        let channel = channel(&world).await;
        for n in 0..count {
            if n > 0 {
                world.rt.sleep(gap).await;
            }
            publish(&*channel, n, false).await.unwrap();
        }
        // The last one has arrived before the kill.
        world.rt.sleep(idle.max(ms(2))).await;
        let nemesis = models.nemesis();
        nemesis.inflict(&kill()).await.unwrap();
        nemesis.lift(&kill()).await.unwrap();
        let fates = models.messages().fates().await;
        let first = fates.iter().position(|fate| fate.end == End::Lost).unwrap_or(count);
        assert!(fates[first..].iter().all(|fate| fate.end == End::Lost), "the last ones are lost");
        assert!(fates[..first].iter().all(|fate| fate.end == End::Ready), "the first ones are there");
        let proof = nemesis.effects().await;
        assert_eq!(proof.iter().filter(|effect| effect.order_id.is_some()).count(), count - first);
        count - first
    })
}

#[test]
fn a_busy_queue_loses_everything() {
    for seed in 0..20 {
        assert_eq!(lost(seed, 103, ms(20), Duration::ZERO), 103);
        assert_eq!(lost(seed, 50, ms(20), Duration::ZERO), 50);
        assert_eq!(lost(seed, 50, ms(20), ms(500)), 50);
        assert_eq!(lost(seed, 600, ms(150), ms(150)), 600);
    }
    assert_eq!(lost(1, 2038, ms(1), Duration::ZERO), 2038);
}

#[test]
fn a_queue_that_was_idle_loses_nothing() {
    for seed in 0..20 {
        for idle in [2, 5, 15, 60] {
            assert_eq!(lost(seed, 50, ms(20), secs(idle)), 0, "idle for {idle} s");
        }
    }
}

#[test]
fn a_slow_trickle_loses_what_came_after_the_back_off_had_grown() {
    // Measured: 17 of 20 with a gap of 4 s, 8 of 12 (twice) and 2 of 6 with a gap of 9 s. The growth is partly random.
    for (count, gap, measured, least, most) in [(20, 4, 17, 15, 18), (12, 9, 8, 2, 9), (6, 9, 2, 0, 3)] {
        let outcomes: Vec<usize> = (0..60).map(|seed| lost(seed, count, secs(gap), secs(gap) - ms(1))).collect();
        assert!(outcomes.contains(&measured), "{count} every {gap} s: {outcomes:?}");
        let plausible = outcomes.iter().filter(|lost| (least..=most).contains(*lost)).count();
        assert!(plausible >= 50, "{count} every {gap} s: {outcomes:?}");
    }
}

#[test]
fn a_confirmed_message_is_not_lost_nor_what_was_before_it() {
    run(&Simulation::new(&Config::new(3)), |world, models| async move {
        let channel = channel(&world).await;
        for n in 0..30 {
            publish(&*channel, n, n == 20).await.unwrap();
        }
        world.rt.sleep(ms(5)).await;
        models.nemesis().inflict(&kill()).await.unwrap();
        let fates = models.messages().fates().await;
        assert!(fates[..=20].iter().all(|fate| fate.end == End::Ready));
        assert!(fates[21..].iter().all(|fate| fate.end == End::Lost));
    });
}

#[test]
fn an_answer_that_was_not_written_is_forgotten_and_the_message_comes_again() {
    run(&Simulation::new(&Config::new(3)), |world, models| async move {
        let sender = channel(&world).await;
        publish(&*sender, 0, true).await.unwrap();
        let mut consumer = sender.consume(QUEUE, 1).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        settle(delivery, Settle::Ack).await.unwrap();
        world.rt.sleep(ms(100)).await;
        let nemesis = models.nemesis();
        nemesis.inflict(&kill()).await.unwrap();
        nemesis.lift(&kill()).await.unwrap();
        let channel = channel(&world).await;
        let mut consumer = channel.consume(QUEUE, 1).await.unwrap();
        let again = consumer.next().await.unwrap();
        assert_eq!((&*again.message.message_id, again.redelivered), ("m-0", true));
        settle(again, Settle::Ack).await.unwrap();
        // Idle for long enough, the answer is written, and a second kill changes nothing.
        world.rt.sleep(secs(3)).await;
        nemesis.inflict(&kill()).await.unwrap();
        assert_eq!(models.messages().fates().await[0].end, End::Acked);
    });
}

#[test]
fn a_large_backlog_is_written_when_the_store_has_half_a_mebibyte() {
    let lost = run(&Simulation::new(&Config::new(3)), |world, models| async move {
        let channel = channel(&world).await;
        for n in 0..3000 {
            let mut large = crate::stage::message(n);
            large.body = vec![b' '; 300].into();
            channel.publish(large, world::broker::Publish::default()).await.unwrap();
            world.rt.sleep(ms(2)).await;
        }
        models.nemesis().inflict(&kill()).await.unwrap();
        models.messages().fates().await.iter().filter(|fate| fate.end == End::Lost).count()
    });
    assert!((1..1200).contains(&lost), "lost {lost}");
}
