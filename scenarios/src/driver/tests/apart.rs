//! People who are played elsewhere, in a toy house: the same book, and an end of the run when they are gone.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use contracts::Status;
use tokio::sync::mpsc;
use world::Runtime;

use super::{DAY, HOUR, Rules, steady, step};
use crate::{
    Scenario, Stage,
    actors::{briefing::Briefing, intents::Who},
    apart::{Counted, Household, Line, Said, Say, Told, troupe::PeopleError},
    driver::{DriveError, toy},
    ledger::Ledger,
};

/// How the other end behaves.
#[derive(Clone, Copy, Default)]
struct Way {
    /// It is gone from then on.
    dies_at: Option<Duration>,
    /// So many requests are not counted.
    overlooked: u64,
}

/// Moves the people of a stage to another end, as far apart as lines of text are.
fn apart(stage: &mut Stage, scenario: &Scenario, way: Way) {
    let (say, mut said) = mpsc::unbounded_channel::<Say>();
    let (tell, told) = mpsc::unbounded_channel();
    stage.people = Some(Line::new(say, told));
    let (rt, http) = (stage.world.rt.clone(), Arc::clone(&stage.world.http));
    let briefing = Briefing::of(scenario);
    let briefing: Briefing = serde_json::from_str(&serde_json::to_string(&briefing).unwrap()).unwrap();
    let (made, open) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Some(tell))));
    let (counting, line) = (Arc::clone(&made), Arc::clone(&open));
    let household = Household::new(
        (rt.clone(), http),
        (Arc::clone(&stage.shop), Arc::clone(&stage.mes)),
        &briefing,
        Arc::new(move |told: Told| {
            counting.fetch_add(u64::from(matches!(told, Told::Took { .. })), Relaxed);
            let told = Told::read(&told.line().unwrap()).unwrap();
            line.lock().unwrap().iter().for_each(|tell| drop(tell.send(told.clone())));
        }),
    );
    users(&rt, &household, &briefing);
    let dies = Arc::clone(&open);
    let hear = async move {
        while let Some(say) = said.recv().await {
            household.hear(Say::read(&say.line().unwrap()).unwrap()).await;
            if household.is_over() {
                let requests = [("all".to_owned(), made.load(Relaxed) - way.overlooked)].into();
                let over = Told::Over(Counted { tool: "toy".into(), users: BTreeMap::new(), requests });
                open.lock().unwrap().iter().for_each(|tell| drop(tell.send(over.clone())));
            }
        }
    };
    let clock = rt.clone();
    drop(rt.spawn("people's end", async move {
        match way.dies_at {
            Some(at) => {
                clock.race(hear, clock.sleep_until(at)).await;
                *dies.lock().unwrap() = None;
            }
            None => hear.await,
        }
    }));
}

/// One task for each user.
fn users(rt: &Runtime, household: &Arc<Household>, briefing: &Briefing) {
    for (who, workers) in [(Who::Seller, briefing.people.sellers), (Who::Operator, briefing.people.operators)] {
        let desk = Arc::clone(household);
        drop(rt.spawn("desk", async move {
            while !desk.is_over() {
                desk.look(who).await;
            }
        }));
        for worker in 1..=workers {
            let household = Arc::clone(household);
            drop(rt.spawn("worker", async move {
                while !household.is_over() {
                    household.take(who, worker).await;
                }
            }));
        }
    }
    for _ in 0..briefing.askers {
        let household = Arc::clone(household);
        drop(rt.spawn("asker", async move {
            while !household.is_over() {
                household.ask().await;
            }
        }));
    }
}

/// Who meant what, and what became of it.
fn book(ledger: &Ledger) -> Vec<String> {
    let intents = ledger.orders.iter().flat_map(|account| account.intents.iter().map(move |intent| (account, intent)));
    let line = |(account, intent): (&crate::ledger::Account, &crate::actors::intents::Intent)| {
        let (who, step, failed) = (intent.who.name(), intent.step, intent.failed.len());
        format!("{} {who} {step} {:?} {:?} {failed}", account.order_ref, intent.outcome, intent.status)
    };
    intents.map(line).collect()
}

/// How many requests there were of each kind, but those for lists: how often one looks is a matter of when.
fn requests(ledger: &Ledger) -> Vec<(&str, usize)> {
    let all = ledger.requests.iter().map(|(tag, times)| (tag.as_str(), times.len()));
    all.filter(|(tag, _)| !tag.ends_with("/list")).collect()
}

#[test]
fn people_who_are_played_elsewhere_write_the_same_book() {
    let mut scenario = steady();
    scenario.people.askers = 0.5;
    let rules = || {
        let refused = [
            (step("c-000001", Status::ManufacturingApproved), (503, 2)),
            (step("c-000002", Status::ManufacturingStarted), (409, 1)),
            (step("c-000003", Status::ManufacturingApproved), (503, 11)),
        ];
        Rules { refused: refused.into(), ..Rules::default() }
    };
    let (here, asked_here) = toy::play(&scenario, rules(), |_| {});
    let (there, asked_there) = toy::play(&scenario, rules(), |stage| apart(stage, &scenario, Way::default()));
    assert_eq!(book(&here), book(&there));
    assert_eq!(requests(&here), requests(&there));
    assert!(asked_here.questions.load(Relaxed) > 0);
    assert_eq!(asked_here.questions.load(Relaxed), asked_there.questions.load(Relaxed));
    assert_eq!((here.unsettled, there.unsettled), (None, None));
}

#[test]
fn a_habit_of_people_who_are_played_elsewhere_leaves_its_effect() {
    let mut scenario = super::rush();
    let kind = faults::STAFF_AWAY.with("pool", "seller").with("share", 1.0);
    scenario.faults.push(faults::Fault { name: "staff-away@1".into(), kind, at: HOUR, lasts: 20 * HOUR });
    let effects = |ledger: &Ledger| ledger.effects.iter().filter(|effect| effect.fault == "staff-away@1").count();
    let (here, _) = toy::play(&scenario, Rules::default(), |_| {});
    let (there, _) = toy::play(&scenario, Rules::default(), |stage| apart(stage, &scenario, Way::default()));
    assert!(effects(&here) > 0);
    assert_eq!(effects(&here), effects(&there));
}

#[test]
fn a_run_whose_people_are_gone_has_no_ledger() {
    let scenario = steady();
    let way = Way { dies_at: Some(2 * HOUR), ..Way::default() };
    let (ledger, _) = toy::try_play(&scenario, Rules::default(), |stage| apart(stage, &scenario, way));
    assert!(matches!(ledger, Err(DriveError::People(PeopleError::Gone))), "{ledger:?}");
}

#[test]
fn a_request_that_nobody_counted_fails_the_run() {
    let scenario = steady();
    let way = Way { overlooked: 1, ..Way::default() };
    let (ledger, _) = toy::try_play(&scenario, Rules::default(), |stage| apart(stage, &scenario, way));
    let Err(DriveError::People(PeopleError::Uncounted { made, counted })) = ledger else { panic!("{ledger:?}") };
    assert_eq!(made, counted + 1);
}

#[test]
fn a_request_is_measured_from_when_it_was_meant_to_be_made() {
    let (ledger, _) = toy::play(&steady(), Rules::default(), |_| {});
    let slowest = |tag: &str| Duration::from_nanos(*ledger.requests[tag].iter().max().unwrap());
    assert!(slowest("http/seller/approve") < Duration::from_secs(1), "no thinking is in it");
    assert!(slowest("http/operator/complete") < Duration::from_secs(1) && !ledger.requests.contains_key("http/operator/close"));
    assert!(ledger.end_ns > ledger.started_ns + u64::try_from(DAY.as_nanos()).unwrap());
    assert_eq!(ledger.requests["http/customer/order"].len(), ledger.orders.len());
}
