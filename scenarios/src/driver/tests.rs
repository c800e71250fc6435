//! What people, desks and the driver do, played in a toy house.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use contracts::{Status, architecture::Preset};
use faults::{Effect, Fault, MessageFate, MessageLog, Nemesis, NemesisError};
use world::{Boxed, Runtime};

use super::toy::{Rules, play};
use crate::{
    Scenario,
    actors::intents::{Intent, Outcome, Who},
    classify::classify,
    ledger::{Account, Ledger},
    lifecycle::Lifecycle,
    people::Wait,
    truth::{Class, Truth},
};

mod apart;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn scenario(load: &str) -> Scenario {
    let text = format!("title = \"t\"\nseed = 7\nduration = \"1d\"\n[[load]]\nactor = \"customer\"\n{load}\n");
    Scenario::parse(std::path::Path::new("toy.toml"), text.as_bytes()).unwrap()
}

fn steady() -> Scenario {
    scenario("executor = \"constant-arrival-rate\"\nrate = \"1/h\"")
}

/// Five orders that are priced within minutes, and one seller who looks only when all of them wait.
fn rush() -> Scenario {
    let mut scenario = scenario("executor = \"burst\"\nat = \"1h\"\ncount = 5\nwithin = \"10m\"");
    let at_once = Wait { mean: Duration::from_millis(1), cap: Duration::from_millis(1) };
    (scenario.people.upload, scenario.people.submit) = (at_once, at_once);
    scenario.people.seller = Wait { mean: 100 * HOUR, cap: HOUR };
    scenario.people.sellers = 1;
    scenario
}

fn truths(ledger: &Ledger, scenario: &Scenario) -> Vec<Truth> {
    classify(ledger, &Lifecycle::for_sla(&scenario.sla).unwrap(), Duration::ZERO)
}

fn account<'a>(ledger: &'a Ledger, order_ref: &str) -> &'a Account {
    ledger.orders.iter().find(|account| &*account.order_ref == order_ref).unwrap()
}

fn intent(account: &Account, step: Status) -> &Intent {
    account.intents.iter().find(|intent| intent.step == step).unwrap()
}

fn step(order_ref: &str, status: Status) -> (String, Status) {
    (order_ref.to_owned(), status)
}

#[test]
fn every_order_comes_to_its_end_and_the_run_with_it() {
    let scenario = steady();
    let (ledger, _) = play(&scenario, Rules::default(), |_| {});
    assert!(ledger.orders.len() > 10);
    assert_eq!(ledger.unsettled, None);
    assert!(truths(&ledger, &scenario).iter().all(|truth| truth.class == Class::Ok));
    let intents = || ledger.orders.iter().flat_map(|account| &account.intents);
    assert!(intents().all(|intent| intent.outcome == Outcome::Done));
    assert_eq!(intents().count(), 9 * ledger.orders.len(), "the factory's price is nobody's intent");
    let last_ns = ledger.orders.iter().filter_map(|account| account.shop.last()).map(|step| step.at_ns).max().unwrap();
    assert!(ledger.end_ns - last_ns < 5 * 3_600_000_000_000, "a few looks after the last order was closed");
}

#[test]
fn a_promise_that_nobody_can_keep_ends_no_run_early() {
    let mut scenario = steady();
    scenario.sla.promise = Some(Duration::from_millis(1));
    let (ledger, _) = play(&scenario, Rules::default(), |_| {});
    assert_eq!(ledger.unsettled, None);
    assert!(truths(&ledger, &scenario).iter().all(|truth| truth.class == Class::Slow && truth.closed_ns.is_some()));
}

#[test]
fn a_run_lasts_as_long_as_a_backlog_shrinks() {
    let mut scenario = steady();
    scenario.people.operators = 1;
    scenario.people.bench = Wait { mean: 1000 * DAY, cap: 5 * DAY };
    let (ledger, _) = play(&scenario, Rules::default(), |_| {});
    assert_eq!(ledger.unsettled, None);
    assert!(Duration::from_nanos(ledger.end_ns - ledger.started_ns) > 50 * DAY);
    assert!(truths(&ledger, &scenario).iter().all(|truth| truth.closed_ns.is_some()));
}

#[test]
fn the_same_seed_gives_the_same_ledger() {
    let lines = |scenario: &Scenario| {
        let mut out = Vec::new();
        play(scenario, Rules::default(), |_| {}).0.write_jsonl(&mut out).unwrap();
        out
    };
    assert_eq!(lines(&steady()), lines(&steady()));
    assert_ne!(lines(&steady()), lines(&Scenario { seed: 8, ..steady() }));
}

#[test]
fn a_carrier_who_comes_too_early_comes_again_for_an_hour() {
    let mut scenario = steady();
    scenario.people.uncalled = 0.0;
    let rules = Rules { untold: [step("c-000003", Status::Shipped)].into(), ..Rules::default() };
    let (ledger, toy) = play(&scenario, rules, |_| {});
    let account = account(&ledger, "c-000003");
    let close = intent(account, Status::Closed);
    assert_eq!((close.who, close.outcome, close.status), (Who::Carrier, Outcome::GivenUp, Some(409)));
    assert_eq!(toy.asked.lock().unwrap().iter().filter(|asked| **asked == step("c-000003", Status::Closed)).count(), 7);
    let truth = truths(&ledger, &scenario).into_iter().find(|truth| truth.class.bad()).unwrap();
    assert_eq!((&*truth.order_ref, truth.class), ("c-000003", Class::Lost));
    let shipped_ns = account.mes.iter().find(|step| step.to == Status::Shipped).unwrap().at_ns;
    let due_ns = shipped_ns + u64::try_from((8 * DAY).as_nanos()).unwrap();
    assert!(ledger.end_ns > due_ns, "the last open deadline has passed");
}

#[test]
fn a_delivery_that_no_carrier_calls_about_is_closed_by_hand_a_while_later() {
    let closed = |uncalled| {
        let mut scenario = steady();
        scenario.people.uncalled = uncalled;
        let (ledger, _) = play(&scenario, Rules::default(), |_| {});
        assert_eq!(ledger.unsettled, None);
        assert!(truths(&ledger, &scenario).iter().all(|truth| truth.class == Class::Ok));
        let closes = |account: &Account| (intent(account, Status::Closed).who, account.shop.last().unwrap().at_ns);
        ledger.orders.iter().map(closes).collect::<Vec<_>>()
    };
    let (called, by_hand) = (closed(0.0), closed(1.0));
    assert!(called.iter().all(|(who, _)| *who == Who::Carrier) && by_hand.iter().all(|(who, _)| *who == Who::Seller));
    assert!(called.iter().zip(&by_hand).all(|(called, by_hand)| by_hand.1 > called.1));
    let some = closed(0.5);
    let sellers = some.iter().filter(|(who, _)| *who == Who::Seller).count();
    assert!((1..some.len()).contains(&sellers), "{sellers} of {}", some.len());
}

#[test]
fn whoever_asks_how_an_order_is_changes_nothing() {
    let asked = |askers| {
        let mut scenario = steady();
        scenario.people.askers = askers;
        let (ledger, toy) = play(&scenario, Rules::default(), |_| {});
        let mut lines = Vec::new();
        ledger.write_jsonl(&mut lines).unwrap();
        (toy.questions.load(std::sync::atomic::Ordering::Relaxed), ledger.orders.len(), lines)
    };
    let (none, all) = (asked(0.0), asked(1.0));
    assert_eq!(none.0, 0);
    assert!((all.1..=3 * all.1).contains(&all.0), "{} questions about {} orders", all.0, all.1);
    assert!(none.2 == all.2, "the ledger is the same");
}

#[test]
fn what_a_partner_is_refused_is_no_order_and_is_counted() {
    let scenario = Scenario::parse(
        std::path::Path::new("toy.toml"),
        b"title = \"t\"\nseed = 7\nduration = \"1d\"\n[[load]]\nactor = \"api-user\"\nexecutor = \"constant-arrival-rate\"\nrate = \"1/h\"\n",
    )
    .unwrap();
    let first = |order_ref| step(order_ref, Status::Initiated);
    let refused = [(first("p-000002"), (413, 1)), (first("p-000003"), (422, 1)), (first("p-000004"), (503, 1))].into();
    let (ledger, _) = play(&scenario, Rules { refused, ..Rules::default() }, |_| {});
    let turned_away: Vec<_> = ledger.refused().map(|account| (&*account.order_ref, account.intents[0].status)).collect();
    assert_eq!(turned_away, [("p-000002", Some(413)), ("p-000003", Some(422))], "a server that fails is asked again");
    assert_eq!(ledger.initiated().count() + 2, ledger.orders.len());
    assert!(truths(&ledger, &scenario).iter().all(|truth| truth.class == Class::Ok));
    assert!(ledger.initiated().all(|account| &*account.client_type == "api_partner" && account.intents.len() == 9));
}

#[test]
fn a_server_that_fails_is_tried_ten_times_more() {
    let scenario = steady();
    let approve = |order_ref| step(order_ref, Status::ManufacturingApproved);
    let refused = [(approve("c-000001"), (503, 10)), (approve("c-000002"), (503, 11))].into();
    let (ledger, toy) = play(&scenario, Rules { refused, ..Rules::default() }, |_| {});
    let asked = |order_ref| toy.asked.lock().unwrap().iter().filter(|asked| **asked == approve(order_ref)).count();
    let end = |order_ref| {
        let approved = intent(account(&ledger, order_ref), Status::ManufacturingApproved);
        (approved.outcome, approved.status)
    };
    assert_eq!((asked("c-000001"), end("c-000001")), (11, (Outcome::Done, Some(200))));
    assert_eq!((asked("c-000002"), end("c-000002")), (11, (Outcome::GivenUp, Some(503))), "and nobody else takes it");
    let bad: Vec<_> = truths(&ledger, &scenario).into_iter().filter(|truth| truth.class.bad()).collect();
    assert_eq!(bad.len(), 1);
    assert_eq!((bad[0].class, bad[0].hop.as_deref()), (Class::Stuck, Some("MANUFACTURING_APPROVED wait")));
}

#[test]
fn a_refusal_is_taken_at_its_word() {
    let refused = [(step("c-000002", Status::Submitted), (409, 1))].into();
    let (ledger, toy) = play(&steady(), Rules { refused, ..Rules::default() }, |_| {});
    let submitted = intent(account(&ledger, "c-000002"), Status::Submitted);
    assert_eq!((submitted.outcome, submitted.status), (Outcome::GivenUp, Some(409)));
    assert_eq!(toy.asked.lock().unwrap().iter().filter(|asked| asked.0 == "c-000002").count(), 2);
}

#[test]
fn desks_hand_out_the_freshest_or_the_longest_waiting() {
    let approved = |preset| {
        let (_, toy) = play(&rush().with_architecture(preset), Rules::default(), |_| {});
        let asked = toy.asked.lock().unwrap();
        let approvals = asked.iter().filter(|(_, status)| *status == Status::ManufacturingApproved);
        approvals.map(|(order_ref, _)| order_ref.trim_start_matches("c-00000").to_owned()).collect::<Vec<_>>().concat()
    };
    assert_eq!(approved(Preset::AsIs), "54321");
    assert_eq!(approved(Preset::ToBe), "12345");
}

#[test]
fn a_pool_does_not_do_more_at_once_than_it_has_people() {
    for (sellers, most) in [(1, 1), (2, 2), (9, 5)] {
        let mut scenario = rush();
        scenario.people.sellers = sellers;
        let (ledger, _) = play(&scenario, Rules::default(), |_| {});
        let busy: Vec<_> = ledger.orders.iter().map(|account| intent(account, Status::ManufacturingApproved)).collect();
        let at_once = |at_ns| busy.iter().filter(|it| (it.begun_ns..it.ended_ns.unwrap()).contains(&at_ns)).count();
        assert_eq!(busy.iter().map(|it| at_once(it.begun_ns)).max(), Some(most), "{sellers} sellers");
    }
}

#[test]
fn whoever_is_free_again_takes_what_waited_though_nothing_new_comes() {
    for operators in 1..8 {
        let mut scenario = scenario("executor = \"burst\"\nat = \"1h\"\ncount = 40\nwithin = \"10h\"");
        scenario.people.sellers = 40;
        scenario.people.operators = operators;
        let (ledger, _) = play(&scenario, Rules::default(), |_| {});
        assert_eq!(ledger.unsettled, None, "{operators} operators");
    }
}

#[test]
fn a_run_that_never_comes_to_rest_ends_and_says_why() {
    struct Forgotten;
    impl MessageLog for Forgotten {
        fn depth(&self) -> Boxed<'_, u64> {
            Box::pin(async { 1 })
        }
        fn fates(&self) -> Boxed<'_, Vec<MessageFate>> {
            Box::pin(async { Vec::new() })
        }
    }
    let (ledger, _) = play(&steady(), Rules::default(), |stage| stage.messages = Arc::new(Forgotten));
    assert_eq!(ledger.unsettled.as_deref(), Some("1 messages are in queues or unacknowledged"));
    let last_ns = ledger.orders.iter().flat_map(|account| &account.intents).filter_map(|intent| intent.ended_ns).max().unwrap();
    let idle = Duration::from_nanos(ledger.end_ns - last_ns);
    assert!((42 * DAY..43 * DAY).contains(&idle), "the promise twice, and nothing is done: {idle:?}");
}

#[test]
fn faults_end_with_the_arrivals_at_the_latest() {
    struct Notes(Runtime, Mutex<Vec<(String, &'static str, Duration)>>);
    impl Nemesis for Notes {
        fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
            self.1.lock().unwrap().push((fault.name.clone(), "inflicted", self.0.now()));
            Box::pin(async { Ok(()) })
        }
        fn lift<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
            self.1.lock().unwrap().push((fault.name.clone(), "lifted", self.0.now()));
            Box::pin(async { Ok(()) })
        }
        fn effects(&self) -> Boxed<'_, Vec<Effect>> {
            Box::pin(async { Vec::new() })
        }
    }
    let fault = |name: &str, at, lasts| Fault { name: name.to_owned(), kind: faults::BROKER_KILL.plain(), at, lasts };
    let scenario = Scenario { faults: vec![fault("a", HOUR, HOUR), fault("b", 2 * HOUR, 9 * DAY)], ..steady() };
    let mut notes = None;
    let (ledger, _) = play(&scenario, Rules::default(), |stage| {
        let nemesis = Arc::new(Notes(stage.world.rt.clone(), Mutex::default()));
        notes = Some(Arc::clone(&nemesis));
        stage.nemesis = nemesis;
    });
    let mut noted = notes.unwrap().1.lock().unwrap().clone();
    noted.sort_by(|a, b| (&a.0, a.2).cmp(&(&b.0, b.2)));
    let said: Vec<_> = noted.iter().map(|(name, what, at)| (name.as_str(), *what, *at)).collect();
    assert_eq!(said, [("a", "inflicted", HOUR), ("a", "lifted", 2 * HOUR), ("b", "inflicted", 2 * HOUR), ("b", "lifted", DAY),]);
    let lasted: Vec<_> = ledger.faults.iter().map(|run| Duration::from_nanos(run.lifted_ns - run.inflicted_ns)).collect();
    assert_eq!(lasted, [HOUR, 22 * HOUR]);
}

#[test]
fn a_world_that_cannot_inflict_a_fault_ends_the_run() {
    struct Unable;
    impl Nemesis for Unable {
        fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
            Box::pin(async { Err(NemesisError::Unable { fault: fault.name.clone(), world: "toy" }) })
        }
        fn lift<'a>(&'a self, _: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
            Box::pin(async { Ok(()) })
        }
        fn effects(&self) -> Boxed<'_, Vec<Effect>> {
            Box::pin(async { Vec::new() })
        }
    }
    let fault = Fault { name: "a".into(), kind: faults::BROKER_KILL.plain(), at: HOUR, lasts: HOUR };
    let scenario = Scenario { faults: vec![fault], ..steady() };
    let error = super::toy::try_play(&scenario, Rules::default(), |stage| stage.nemesis = Arc::new(Unable)).0.unwrap_err();
    assert_eq!(error.to_string(), "a: the toy world cannot inflict it");
}
