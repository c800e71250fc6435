//! Faults and the proof they leave.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use faults::{Effect, End, Fault, Kind, NemesisError, Outcome, What};
use simulated::{Config, Simulation};
use world::{
    Failpoint, Node,
    broker::{BrokerError, Sent, Settle},
};

use crate::stage::{QUEUE, channel, ms, publish, publish_all, run, run_new, secs, settle};

fn fault(kind: Kind) -> Fault {
    Fault { name: format!("{}@1", kind.name()), kind, at: Duration::ZERO, lasts: secs(5) }
}

#[test]
fn a_killed_broker_breaks_connections_and_is_away_until_it_is_lifted() {
    run_new(|world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::BROKER_KILL.plain());
        let sender = channel(&world).await;
        let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
        publish(&*sender, 0, true).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        // One waits for its confirm, one is under way, when the broker dies.
        let waiting = world.rt.spawn("confirm", {
            let sender = Arc::clone(&sender);
            async move { publish(&*sender, 1, true).await }
        });
        world.rt.sleep(ms(3)).await;
        assert_eq!(publish(&*sender, 2, false).await, Ok(Sent::Written));
        nemesis.inflict(&fault).await.unwrap();
        assert_eq!(waiting.join().await.unwrap(), Err(BrokerError::ConnectionLost));
        assert!(matches!(consumer.next().await, Err(BrokerError::ConnectionLost)));
        assert_eq!(publish(&*sender, 3, false).await, Err(BrokerError::ConnectionLost));
        assert_eq!(settle(delivery, Settle::Ack).await, Err(BrokerError::ConnectionLost));
        assert!(matches!(world.broker.connect().await, Err(BrokerError::Unreachable(_))));
        nemesis.lift(&fault).await.unwrap();
        assert_eq!(publish(&*sender, 4, false).await, Err(BrokerError::ConnectionLost), "a broken channel stays broken");
        let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
        let again = consumer.next().await.unwrap();
        assert_eq!((&*again.message.message_id, again.redelivered), ("m-0", true));

        let fates = models.messages().fates().await;
        let short: Vec<_> = fates.iter().map(|fate| (fate.sent, fate.end)).collect();
        assert_eq!(
            short,
            [
                (Outcome::Confirmed, End::Unacked),
                (Outcome::Failed, End::Lost),
                (Outcome::Written, End::NotSent),
                (Outcome::Failed, End::NotSent),
                (Outcome::Failed, End::NotSent),
            ]
        );
        let effects = nemesis.effects().await;
        let of = |matches: fn(&What) -> bool| {
            let hit = effects.iter().filter(|effect| matches(&effect.what));
            hit.map(|effect| effect.order_id.clone().unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(of(|what| matches!(what, What::ConnectionLost { .. })).len(), 2);
        assert_eq!(of(|what| matches!(what, What::MessageLost { .. })), ["o-1"]);
        assert_eq!(of(|what| matches!(what, What::PublishFailed { .. })), ["o-2", "o-1", "o-3", "o-4"]);
        assert_eq!(of(|what| matches!(what, What::DeliveryCut { acknowledged: false, .. })), ["o-0"]);
        assert!(effects.iter().all(|effect| effect.fault == "broker-kill@1"));
        assert!(effects.iter().filter(|effect| effect.order_id.is_some()).all(|it| it.hop.as_deref() == Some("order.work")));
    });
}

#[test]
fn a_graceful_restart_loses_no_persistent_message() {
    run_new(|world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::BROKER_RESTART.plain());
        let sender = channel(&world).await;
        for n in 0..40 {
            let mut message = crate::stage::message(n);
            message.persistent = n % 2 == 0;
            sender.publish(message, world::broker::Publish::default()).await.unwrap();
        }
        world.rt.sleep(ms(2)).await;
        nemesis.inflict(&fault).await.unwrap();
        nemesis.lift(&fault).await.unwrap();
        for (n, fate) in models.messages().fates().await.iter().enumerate() {
            assert_eq!(fate.end, if n % 2 == 0 { End::Ready } else { End::Lost });
        }
        let mut consumer = channel(&world).await.consume(QUEUE, 0).await.unwrap();
        for n in 0..20 {
            assert_eq!(&*consumer.next().await.unwrap().message.message_id, format!("m-{}", n * 2).as_str());
        }
    });
}

#[test]
fn a_killed_consumer_is_started_again_as_its_next_incarnation() {
    let simulation = Simulation::new(&Config::new(1));
    let starts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&starts);
    simulation.start(Node::first("mes-api"), "db", move |world| {
        assert_eq!(world.rt.node().incarnation, counted.fetch_add(1, SeqCst) + 1);
        let rt = world.rt.clone();
        drop(rt.spawn("consumer", async move {
            let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
            while let Ok(delivery) = consumer.next().await {
                world.rt.sleep(secs(60)).await;
                settle(delivery, Settle::Ack).await.unwrap();
            }
        }));
    });
    run(&simulation, |world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::CONSUMER_KILL.with("service", "mes-api"));
        let sender = channel(&world).await;
        for n in 0..2 {
            publish(&*sender, n, false).await.unwrap();
        }
        world.rt.sleep(secs(90)).await;
        nemesis.inflict(&fault).await.unwrap();
        let again = nemesis.inflict(&fault).await;
        assert!(matches!(again, Err(NemesisError::Failed { .. })), "there is nobody left to kill: {again:?}");
        world.rt.sleep(secs(5)).await;
        nemesis.lift(&fault).await.unwrap();
        world.rt.sleep(secs(90)).await;
        let fates = models.messages().fates().await;
        assert!(fates.iter().all(|fate| fate.end == End::Acked), "{fates:?}");
        let nodes: Vec<_> = fates[1].deliveries.iter().map(|it| (&*it.node, it.redelivered)).collect();
        assert_eq!(nodes, [("mes-api-1.1", false), ("mes-api-1.2", true)]);
        let what: Vec<_> = nemesis.effects().await.into_iter().map(|effect| (effect.what, effect.order_id)).collect();
        assert_eq!(
            what,
            [
                (What::NodeKilled { node: "mes-api-1.1".into() }, None),
                (What::DeliveryCut { message_id: "m-1".into(), acknowledged: false }, Some("o-1".into())),
            ]
        );
    });
    assert_eq!(starts.load(SeqCst), 2);
}

#[test]
fn the_broker_is_back_when_the_last_of_two_outages_is_lifted() {
    run_new(|world, models| async move {
        let nemesis = models.nemesis();
        let (kill, restart) = (fault(faults::BROKER_KILL.plain()), fault(faults::BROKER_RESTART.plain()));
        nemesis.inflict(&kill).await.unwrap();
        nemesis.inflict(&restart).await.unwrap();
        nemesis.lift(&kill).await.unwrap();
        assert!(world.broker.connect().await.is_err());
        nemesis.lift(&restart).await.unwrap();
        assert!(world.broker.connect().await.is_ok());
    });
}

#[test]
fn slow_pricing_is_not_the_models_business() {
    run_new(|_, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::SLOW_PRICING.with("share", 0.5).with("takes", secs(3600)));
        assert_eq!(nemesis.inflict(&fault).await, Ok(()));
        assert_eq!(nemesis.lift(&fault).await, Ok(()));
        assert!(nemesis.effects().await.is_empty());
    });
}

#[test]
fn a_node_without_a_connection_feels_an_outage_when_it_is_turned_away() {
    run_new(|world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::BROKER_RESTART.plain());
        nemesis.inflict(&fault).await.unwrap();
        assert_eq!(nemesis.effects().await, []);
        for _ in 0..3 {
            assert!(world.broker.connect().await.is_err());
        }
        let felt: Vec<_> = nemesis.effects().await.into_iter().map(|effect| effect.what).collect();
        assert!(matches!(&felt[..], [What::ConnectionLost { .. }]), "once, however often it tries: {felt:?}");
    });
}

#[test]
fn a_failpoint_hits_what_it_is_aimed_at_once_and_as_often_as_it_may() {
    run_new(|world, models| async move {
        let asks =
            |key: &'static str, event_id: &'static str| world.rt.fails_to_commit(Failpoint { key, event_id, order_id: "o-1" });
        assert!(!asks("order.shipped", "e-0"), "nobody lets anything fail");
        let kind = faults::PHANTOM_PUBLISH.with("key", "order.shipped").with("share", 1.0).with("count", 2_u64);
        let fault = fault(kind);
        models.nemesis().inflict(&fault).await.unwrap();
        assert!(!asks("order.packaging", "e-1"), "another key");
        assert_eq!([asks("order.shipped", "e-1"), asks("order.shipped", "e-1")], [true, false], "tried again, it is spared");
        assert_eq!([asks("order.shipped", "e-2"), asks("order.shipped", "e-3")], [true, false], "two are all it may");
        models.nemesis().lift(&fault).await.unwrap();
        assert!(!asks("order.shipped", "e-4"), "it is over");
        let effects = models.nemesis().effects().await;
        let told = |effect: &Effect| (effect.order_id.clone().unwrap(), effect.hop.clone().unwrap(), effect.what.name());
        let one = || ("o-1".to_owned(), "order.shipped".to_owned(), "rolled-back");
        assert_eq!(effects.iter().map(told).collect::<Vec<_>>(), [one(), one()]);
    });
}

/// Source: AMQP 0-9-1 has no answer to `basic.ack`; what the socket has taken counts as said.
#[test]
fn an_answer_that_is_lost_was_written_and_its_message_comes_again() {
    run_new(|world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::ACK_LOST.plain());
        nemesis.inflict(&fault).await.unwrap();
        publish_all(&*channel(&world).await, 0..1).await;
        let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        assert_eq!(settle(delivery, Settle::Ack).await, Ok(()));
        assert!(matches!(consumer.next().await, Err(BrokerError::ConnectionLost)));
        nemesis.lift(&fault).await.unwrap();
        let again = channel(&world).await.consume(QUEUE, 1).await.unwrap().next().await.unwrap();
        assert_eq!((&*again.message.message_id, again.redelivered), ("m-0", true));
        assert_eq!(settle(again, Settle::Ack).await, Ok(()));
    });
}

#[test]
fn a_purge_comes_again_until_it_is_lifted_and_takes_what_waits() {
    run_new(|world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::QUEUE_PURGED.with("queue", QUEUE).with("each", secs(10)));
        let sender = channel(&world).await;
        publish_all(&*sender, 0..2).await;
        let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
        let out = consumer.next().await.unwrap();
        nemesis.inflict(&fault).await.unwrap();
        publish_all(&*sender, 2..3).await;
        world.rt.sleep(secs(11)).await;
        nemesis.lift(&fault).await.unwrap();
        publish_all(&*sender, 3..4).await;
        world.rt.sleep(secs(60)).await;
        settle(out, Settle::Ack).await.unwrap();
        world.rt.sleep(ms(10)).await;
        let ends: Vec<End> = models.messages().fates().await.iter().map(|fate| fate.end).collect();
        assert_eq!(ends, [End::Acked, End::Purged, End::Purged, End::Unacked]);
        let lost: Vec<_> = nemesis.effects().await.into_iter().map(|effect| (effect.what.name(), effect.order_id)).collect();
        assert_eq!(lost, [("message-lost", Some("o-1".into())), ("message-lost", Some("o-2".into()))]);
    });
}

#[test]
fn a_purge_comes_again_at_its_time_and_not_before() {
    for (lasts, end) in [(ms(9_999), End::Ready), (ms(10_001), End::Purged)] {
        run_new(move |world, models| async move {
            let nemesis = models.nemesis();
            let fault = fault(faults::QUEUE_PURGED.with("queue", QUEUE).with("each", secs(10)));
            let sender = channel(&world).await;
            let begins = world.rt.now() + secs(1);
            world.rt.sleep_until(begins).await;
            nemesis.inflict(&fault).await.unwrap();
            publish_all(&*sender, 0..1).await;
            world.rt.sleep_until(begins + lasts).await;
            nemesis.lift(&fault).await.unwrap();
            world.rt.sleep(secs(60)).await;
            assert_eq!(models.messages().fates().await[0].end, end, "{lasts:?}");
        });
    }
}

/// Handles a message a minute on `mes-api`, and says in seconds of the run when it has handled each.
fn a_message_a_minute(simulation: &Simulation) -> Arc<Mutex<Vec<u64>>> {
    let handled = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&handled);
    simulation.start(Node::first("mes-api"), "db", move |world| {
        let (rt, seen) = (world.rt.clone(), Arc::clone(&seen));
        drop(rt.spawn("consumer", async move {
            loop {
                let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
                while let Ok(delivery) = consumer.next().await {
                    world.rt.sleep(secs(60)).await;
                    seen.lock().unwrap().push(world.rt.now().as_secs());
                    drop(settle(delivery, Settle::Ack).await);
                }
            }
        }));
    });
    handled
}

#[test]
fn a_paused_service_does_nothing_and_goes_on_where_it_was() {
    let simulation = Simulation::new(&Config::new(1));
    let handled = a_message_a_minute(&simulation);
    run(&simulation, |world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::SERVICE_PAUSED.with("service", "mes-api"));
        publish_all(&*channel(&world).await, 0..2).await;
        world.rt.sleep(secs(30)).await;
        nemesis.inflict(&fault).await.unwrap();
        world.rt.sleep(secs(70)).await;
        nemesis.lift(&fault).await.unwrap();
        world.rt.sleep(secs(90)).await;
        let fates = models.messages().fates().await;
        assert!(fates.iter().all(|fate| fate.end == End::Acked && fate.deliveries.len() == 1), "{fates:?}");
        let effects = nemesis.effects().await;
        assert_eq!(effects[0].what, What::NodePaused { node: "mes-api-1.1".into() });
        let held: Vec<_> = effects[1..].iter().map(|effect| (effect.what.name(), effect.order_id.as_deref())).collect();
        assert_eq!(held, [("meddled", Some("o-0")), ("meddled", Some("o-1"))]);
    });
    assert_eq!(*handled.lock().unwrap(), [100, 160], "the first was due after 60 s");
}

#[test]
fn the_broker_gives_to_others_what_a_service_holds_that_stands_still_for_too_long() {
    let simulation = Simulation::new(&Config::new(1));
    let handled = a_message_a_minute(&simulation);
    run(&simulation, |world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::SERVICE_PAUSED.with("service", "mes-api"));
        publish_all(&*channel(&world).await, 0..1).await;
        world.rt.sleep(secs(30)).await;
        nemesis.inflict(&fault).await.unwrap();
        world.rt.sleep(secs(300)).await;
        let mut other = channel(&world).await.consume(QUEUE, 1).await.unwrap();
        let again = other.next().await.unwrap();
        assert!(again.redelivered);
        settle(again, Settle::Ack).await.unwrap();
        nemesis.lift(&fault).await.unwrap();
        world.rt.sleep(secs(60)).await;
    });
    assert_eq!(*handled.lock().unwrap(), [330], "it ends what it had begun, and nobody takes its answer");
}

#[test]
fn a_paused_service_that_is_killed_is_none_when_the_pause_is_over() {
    let simulation = Simulation::new(&Config::new(1));
    let handled = a_message_a_minute(&simulation);
    run(&simulation, |world, models| async move {
        let nemesis = models.nemesis();
        let (pause, kill) =
            (fault(faults::SERVICE_PAUSED.with("service", "mes-api")), fault(faults::CONSUMER_KILL.with("service", "mes-api")));
        publish_all(&*channel(&world).await, 0..1).await;
        world.rt.sleep(secs(30)).await;
        nemesis.inflict(&pause).await.unwrap();
        nemesis.inflict(&kill).await.unwrap();
        nemesis.lift(&kill).await.unwrap();
        world.rt.sleep(secs(70)).await;
        nemesis.lift(&pause).await.unwrap();
    });
    assert_eq!(*handled.lock().unwrap(), [90], "the next incarnation does not stand still");
}

/// `mes-api` is short of a processor from 1 s to 61 s of the run: a turn takes it 2 s. Gives the effects.
fn short_of_a_processor(simulation: &Simulation) -> Vec<What> {
    run(simulation, |world, models| async move {
        let nemesis = models.nemesis();
        let fault = fault(faults::CPU_LIMIT.with("service", "mes-api").with("cpu-second", secs(2000)));
        world.rt.sleep(secs(1)).await;
        nemesis.inflict(&fault).await.unwrap();
        world.rt.sleep(secs(60)).await;
        nemesis.lift(&fault).await.unwrap();
        nemesis.effects().await.into_iter().map(|effect| effect.what).collect()
    })
}

#[test]
fn a_service_short_of_a_processor_takes_one_turn_at_a_time() {
    let simulation = Simulation::new(&Config { turn: ms(1), ..Config::new(1) });
    let turns = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&turns);
    simulation.start(Node::first("mes-api"), "db", move |world| {
        for n in 0..3 {
            let (rt, seen) = (world.rt.clone(), Arc::clone(&seen));
            drop(world.rt.spawn("worker", async move {
                rt.sleep(secs(10)).await;
                seen.lock().unwrap().push((rt.now().as_secs(), n));
            }));
        }
    });
    // For 2 s two of them waited, and for 2 s more one.
    let waited = What::NodeThrottled { node: "mes-api-1.1".into(), waited_ms: 4_000 };
    assert_eq!(short_of_a_processor(&simulation), [waited]);
    let mut turns = turns.lock().unwrap().clone();
    turns.iter_mut().for_each(|turn| turn.1 = 0);
    assert_eq!(turns, [(10, 0), (12, 0), (14, 0)]);
}

#[test]
fn who_comes_when_a_turn_has_ended_waits_for_no_processor() {
    for (apart, waited_ms) in [(ms(2_000), None), (ms(1_999), Some(1))] {
        let simulation = Simulation::new(&Config { turn: ms(1), ..Config::new(1) });
        simulation.start(Node::first("mes-api"), "db", move |world| {
            for begins in [secs(10), secs(10) + apart] {
                let rt = world.rt.clone();
                drop(world.rt.spawn("worker", async move { rt.sleep(begins).await }));
            }
        });
        let expected = waited_ms.map(|waited_ms| What::NodeThrottled { node: "mes-api-1.1".into(), waited_ms });
        assert_eq!(short_of_a_processor(&simulation), Vec::from_iter(expected), "{apart:?}");
    }
}
