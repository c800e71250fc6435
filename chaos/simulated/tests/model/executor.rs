//! The executor: order, kill, deadlock, wedge.

use std::sync::{Arc, Mutex};

use simulated::{Config, DRIVER, Limits, Pick, Pumped, Simulation, Stopped};
use world::Node;

use crate::stage::{ms, run, run_new, secs};

const WORKER: Node = Node::first("worker");

/// The order in which ten tasks run that are woken at the same instants.
fn order(seed: u64, pick: Pick) -> Vec<(u64, u32)> {
    let simulation = Simulation::new(&Config { pick, ..Config::new(seed) });
    run(&simulation, |world, _| async move {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for n in 0..10 {
            let (rt, seen) = (world.rt.clone(), Arc::clone(&seen));
            tasks.push(world.rt.spawn("worker", async move {
                for _ in 0..3 {
                    rt.sleep(ms(5)).await;
                    seen.lock().unwrap().push((u64::try_from(rt.now().as_millis()).unwrap(), n));
                }
            }));
        }
        for task in tasks {
            task.join().await.unwrap();
        }
        Arc::try_unwrap(seen).unwrap().into_inner().unwrap()
    })
}

#[test]
fn the_seed_decides_who_goes_first_and_fifo_asks_no_seed() {
    assert_eq!(order(1, Pick::Keyed), order(1, Pick::Keyed));
    assert_ne!(order(1, Pick::Keyed), order(2, Pick::Keyed));
    assert_eq!(order(1, Pick::Fifo), order(2, Pick::Fifo));
    let fifo: Vec<_> = [5, 10, 15].iter().flat_map(|at| (0..10).map(move |n| (*at, n))).collect();
    assert_eq!(order(1, Pick::Fifo), fifo);
    let mut keyed = order(1, Pick::Keyed);
    keyed.sort_unstable();
    assert_eq!(keyed, fifo, "only the order within an instant differs");
}

#[test]
fn a_killed_node_drops_its_futures_and_runs_nothing_more() {
    let simulation = Simulation::new(&Config::new(1));
    let rt = simulation.world(WORKER, "db").rt;
    let alive = Arc::new(());
    let dead = Arc::downgrade(&alive);
    run(&simulation, |world, models| async move {
        let task = rt.spawn("holds", async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        world.rt.sleep(ms(1)).await;
        assert_eq!(dead.strong_count(), 1);
        models.kill(WORKER);
        assert_eq!(dead.strong_count(), 0);
        assert!(task.join().await.is_none());
        assert!(rt.spawn("late", async {}).join().await.is_none(), "a dead node starts nothing");
    });
}

#[test]
fn a_task_may_kill_its_own_node() {
    let simulation = Simulation::new(&Config::new(1));
    let rt = simulation.world(WORKER, "db").rt;
    let joined = run(&simulation, |_, models| async move {
        let task = rt.spawn("suicide", {
            let rt = rt.clone();
            async move {
                models.kill(WORKER);
                rt.sleep(ms(1)).await;
            }
        });
        task.join().await
    });
    assert_eq!(joined, None);
}

#[test]
fn a_future_that_nobody_can_wake_is_a_deadlock_and_says_who_waits() {
    let simulation = Simulation::new(&Config::new(1));
    let driven = simulation.drive(DRIVER, "stuck", async {
        std::future::pending::<()>().await;
    });
    let Err(Stopped::Deadlock { tasks, .. }) = simulation.run_for_polls(1000) else { panic!("no deadlock") };
    assert!(tasks.contains(&"driver-1.1/stuck".to_owned()), "{tasks:?}");
    assert!(driven.take().is_none());
}

#[test]
fn tasks_that_wake_each_other_for_ever_are_wedged() {
    let limits = Limits { polls_per_instant: 1000, virtual_time: secs(3600) };
    let simulation = Simulation::new(&Config { limits, ..Config::new(1) });
    let _driven = simulation.drive(
        DRIVER,
        "spins",
        std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        }),
    );
    assert!(matches!(simulation.run_for_polls(u64::MAX), Err(Stopped::Wedged { polls: 1000, .. })));
}

#[test]
fn a_run_beyond_its_virtual_time_is_stopped() {
    let limits = Limits { virtual_time: secs(3600), ..Limits::default() };
    let simulation = Simulation::new(&Config { limits, ..Config::new(1) });
    let rt = simulation.world(DRIVER, "db").rt;
    let _driven = simulation.drive(DRIVER, "sleeps", async move {
        loop {
            rt.sleep(secs(60)).await;
        }
    });
    assert!(matches!(simulation.run_for_polls(u64::MAX), Err(Stopped::Overrun { at, .. }) if at == secs(3600)));
}

#[test]
fn a_run_is_pumped_in_slices_of_polls_or_of_time() {
    let simulation = Simulation::new(&Config::new(1));
    let rt = simulation.world(DRIVER, "db").rt;
    let driven = simulation.drive(DRIVER, "ticks", async move {
        for _ in 0..10 {
            rt.sleep(secs(1)).await;
        }
        rt.now()
    });
    assert_eq!(simulation.run_for_polls(3), Ok(Pumped::Sliced));
    assert_eq!(simulation.run_until(ms(4500)), Ok(Pumped::Reached));
    assert_eq!(simulation.now(), ms(4500));
    assert!(driven.take().is_none());
    assert_eq!(simulation.run_until(secs(60)), Ok(Pumped::Done));
    assert_eq!(driven.take(), Some(secs(10)));
    assert_eq!(simulation.run_until(secs(60)), Ok(Pumped::Reached), "time can pass after the run");
    assert_eq!(simulation.now(), secs(60));
}

#[test]
fn a_timer_given_up_neither_fires_nor_holds_time_back() {
    let at = run_new(|world, _| async move {
        for _ in 0..1000 {
            let result = world.rt.timeout(secs(3600), world.rt.sleep(ms(1))).await;
            assert_eq!(result, Ok(()));
        }
        world.rt.now()
    });
    assert_eq!(at, secs(1));
}
