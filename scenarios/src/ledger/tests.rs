//! What the ledger proves, counts and writes.

use std::time::Duration;

use contracts::{Status, architecture::Pricing};
use expect_test::expect;
use faults::{Effect, End, Fault, Kind, Outcome as Sent, What};

use super::{
    FaultRun, Ledger, effects, latency,
    sample::{DAY, EPOCH, HOUR, MINUTE, Order},
};
use crate::{
    Scenario,
    actors::intents::{Outcome, Who},
    lifecycle::{LIFECYCLE, Lifecycle},
};

fn scenario() -> Scenario {
    let text = "title = \"t\"\nseed = 1\nduration = \"1d\"\n[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"1/h\"\n";
    Scenario::parse(std::path::Path::new("sample.toml"), text.as_bytes()).unwrap()
}

fn fault(kind: Kind, from_ns: u64, until_ns: u64) -> FaultRun {
    let name = format!("{}@1", kind.name());
    let fault = Fault { name, kind, at: Duration::ZERO, lasts: Duration::ZERO };
    FaultRun { fault, inflicted_ns: from_ns, lifted_ns: until_ns }
}

/// The names of effects on the order, with the message or seconds.
fn found(ledger: &Ledger, recorded: Vec<Effect>) -> Vec<String> {
    let about = |what: &What| match what {
        What::MessageLost { message_id, .. } | What::PublishFailed { message_id } => message_id.clone(),
        What::DeliveryCut { message_id, acknowledged } => format!("{message_id} {acknowledged}"),
        What::Meddled { message_id, how } => format!("{message_id} {how}"),
        What::CalculationFailed => String::new(),
        What::WorkedOtherwise { pool } => pool.clone(),
        What::ObjectLost { key, .. } | What::RowOverlooked { key, .. } => key.clone(),
        What::UpdateLost { key, of, .. } => format!("{key} {of}"),
        What::CallHit { to, .. } => to.clone(),
        What::StatementFailed { database, .. } | What::StatementSlowed { database, .. } | What::TableGrown { database, .. } => {
            database.clone()
        }
        What::CalculationSlowed { seconds } => seconds.to_string(),
        What::RolledBack { node } | What::ConnectionLost { node } => node.clone(),
        What::NodeKilled { node } | What::NodePaused { node } | What::NodeThrottled { node, .. } => node.clone(),
        What::SpansBlurred { how, .. } => how.clone(),
    };
    let hit = |effect: Effect| {
        let order = effect.order_id.unwrap_or_default();
        format!("{} {} {order} {}", effect.what.name(), about(&effect.what), effect.hop.unwrap_or_default())
    };
    effects::of(ledger, &scenario(), recorded).into_iter().map(hit).collect()
}

fn slow_pricing(takes: u64) -> Kind {
    faults::SLOW_PRICING.with("share", 1.0).with("takes", Duration::from_secs(takes))
}

#[test]
fn a_calculation_is_slowed_when_it_takes_nine_tenths_of_what_the_fault_says() {
    let ledger = |takes_ns: u64, from_ns: u64| {
        let order = Order::submitted().told(Status::Submitted).calculated(takes_ns);
        let mut ledger = order.ledger();
        ledger.faults = vec![fault(slow_pricing(2_700), from_ns, from_ns + DAY)];
        ledger
    };
    let nine_tenths = 2_430 * 1_000_000_000;
    assert_eq!(found(&ledger(nine_tenths, EPOCH), Vec::new()), ["calculation-slowed 2430 o-1.1-1 pricing work"]);
    assert!(found(&ledger(nine_tenths - 1, EPOCH), Vec::new()).is_empty());
    let begun = EPOCH + 13 * MINUTE + 3_000_000_000;
    assert_eq!(found(&ledger(nine_tenths, begun), Vec::new()).len(), 1, "begun with the fault");
    assert!(found(&ledger(nine_tenths, begun + 1), Vec::new()).is_empty(), "begun before it");
}

#[test]
fn an_event_that_nobody_published_while_the_broker_was_away_is_proof() {
    let order = |after| Order::submitted().told(Status::Submitted).calculated(after);
    let mut ledger = order(HOUR).ledger();
    let priced_ns = ledger.orders[0].mes.last().unwrap().at_ns;
    ledger.faults = vec![fault(faults::BROKER_KILL.plain(), priced_ns - MINUTE, priced_ns + MINUTE)];
    let proof = ["publish-failed o-1.1-1:PRICE_CALCULATED o-1.1-1 order.price_calculated"];
    assert_eq!(found(&ledger, Vec::new()), proof);
    ledger.faults = vec![fault(faults::CONSUMER_KILL.with("service", "any"), priced_ns, priced_ns)];
    assert_eq!(found(&ledger, Vec::new()), proof, "its publisher was away");
    ledger.faults = vec![fault(faults::CONSUMER_KILL.with("service", "crm-api"), priced_ns, priced_ns)];
    assert!(found(&ledger, Vec::new()).is_empty(), "another service was away");
    ledger.faults = vec![fault(faults::BROKER_KILL.plain(), priced_ns - HOUR, priced_ns - 2 * MINUTE)];
    assert!(found(&ledger, Vec::new()).is_empty(), "the broker was back");
}

#[test]
fn a_row_behind_its_history_is_proof_where_customers_do_not_wait() {
    let set_back = || {
        let mut ledger = Order::submitted().ledger();
        let row = ledger.orders[0].shop_row.as_mut().unwrap();
        (row.status, row.version) = (Status::FileUploaded, 2);
        ledger
    };
    let mut ledger = set_back();
    ledger.faults =
        vec![fault(faults::LOST_UPDATE.with("share", 0.5).with("takes", Duration::from_secs(60)), EPOCH, EPOCH + DAY)];
    assert_eq!(found(&ledger, Vec::new()), ["update-lost o-1.1-1 any o-1.1-1 SUBMITTED"]);
    ledger.orders = Order::submitted().ledger().orders;
    assert!(found(&ledger, Vec::new()).is_empty(), "the row is where its history says");
    let mut other = set_back();
    other.faults = vec![fault(faults::ROWS_OVERLOOKED.with("share", 0.5).with("database", "shop"), EPOCH, EPOCH + DAY)];
    assert!(found(&other, Vec::new()).is_empty(), "another fault lets nobody write");
}

#[test]
fn what_the_world_has_told_is_not_told_twice() {
    let order = Order::submitted().publishes(Status::Submitted, 1, Sent::Failed, End::NotSent);
    let now = order.now;
    let mut ledger = order.ledger();
    ledger.faults = vec![fault(faults::BROKER_KILL.plain(), now - MINUTE, now)];
    assert_eq!(found(&ledger, Vec::new()), ["publish-failed m-0 o-1.1-1 order.submitted"]);
    let what = What::PublishFailed { message_id: "m-0".into() };
    let told = Effect { fault: "broker-kill@1".into(), at_ns: now, what, order_id: None, hop: None };
    assert_eq!(found(&ledger, vec![told]), ["publish-failed m-0 o-1.1-1 order.submitted"], "with its order");
}

#[test]
fn a_message_acknowledged_before_its_work_was_done_went_down_with_the_process() {
    let killed = |order: Order, pricing: Pricing| {
        let what = What::NodeKilled { node: "any-1.1".into() };
        let kill = Effect { fault: "consumer-kill@1".into(), at_ns: order.now + 1, what, order_id: None, hop: None };
        let scenario = Scenario { architecture: contracts::Architecture { pricing, ..scenario().architecture }, ..scenario() };
        let all = effects::of(&order.ledger(), &scenario, vec![kill]);
        all.iter().filter(|effect| matches!(effect.what, What::DeliveryCut { acknowledged: true, .. })).count()
    };
    let received = || Order::submitted().publishes(Status::Submitted, 1, Sent::Written, End::Acked).delivered(1);
    assert_eq!(killed(received(), Pricing::Asynchronous), 1, "not even recorded");
    let calculating = || Order::submitted().told(Status::Submitted).begins_to_calculate("running");
    assert_eq!(killed(calculating(), Pricing::Blocking), 1, "the handler was calculating");
    assert_eq!(killed(calculating(), Pricing::Asynchronous), 0, "a job outlives its process");
    assert_eq!(killed(Order::priced(), Pricing::Blocking), 0, "done");
}

#[test]
fn late_orders_are_counted_whether_they_arrived_or_not() {
    let lifecycle = Lifecycle::parse(LIFECYCLE).unwrap();
    let mut ledger = Order::made(9 * HOUR).ledger();
    ledger.orders.extend(Order::priced().told(Status::PriceCalculated).ledger().orders);
    ledger.orders.extend(Order::new().enters(Status::Initiated, 0).ledger().orders);
    let states = latency::states(&ledger, &lifecycle);
    let counts: Vec<_> = states.iter().map(|(_, times)| (times.sorted_ns.len(), times.due, times.breaches)).collect();
    assert_eq!(counts[0], (2, 3, 1), "FILE_UPLOADED: one never came");
    assert_eq!(counts[3], (1, 2, 2), "MANUFACTURING_APPROVED: one too late, one never");
    assert_eq!(counts[8], (1, 1, 0), "CLOSED: only what was shipped is due");
    assert_eq!(states[3].1.sorted_ns, [9 * HOUR + 3_000_000_000]);
    let whole = latency::lead_time(&ledger, &lifecycle);
    assert_eq!((whole.sorted_ns.len(), whole.due, whole.breaches), (1, 3, 2));
    assert_eq!(whole.slowest.as_deref(), Some("c-000001"));
}

#[test]
fn the_ledger_is_one_line_for_the_run_and_one_for_each_order() {
    let order = Order::submitted()
        .means(Who::Customer, Status::Submitted, Outcome::GivenUp)
        .publishes(Status::Submitted, MINUTE, Sent::Written, End::Acked)
        .delivered(1);
    let mut out = Vec::new();
    order.ledger().write_jsonl(&mut out).unwrap();
    expect![[r#"
        {"started_ns":1767571200000000000,"end_ns":1772755200000000000,"orders":1,"unsettled":null}
        {"order_ref":"c-000001","order_id":"o-1.1-1","client_type":"retail","shop_row":{"status":"SUBMITTED","version":3,"claimed":true},"shop":[{"to":"INITIATED","version":1,"event_id":"o-1.1-1:INITIATED","at_ns":1767571200000000000,"service":"any"},{"from":"INITIATED","to":"FILE_UPLOADED","version":2,"event_id":"o-1.1-1:FILE_UPLOADED","at_ns":1767571380000000000,"service":"any"},{"from":"FILE_UPLOADED","to":"SUBMITTED","version":3,"event_id":"o-1.1-1:SUBMITTED","at_ns":1767571980000000000,"service":"any"}],"mes":[],"jobs":[],"messages":[{"message_id":"m-0","event_id":"o-1.1-1:SUBMITTED","announces":"SUBMITTED","published_ns":1767572040000000000,"sent":"written","deliveries":[{"at_ns":1767572040000000001,"node":"any-1.1","redelivered":false}],"end":"acked","end_ns":1767572040000000001}],"intents":[{"who":"customer","step":"SUBMITTED","begun_ns":1767571980000000000,"outcome":"given-up"}]}
    "#]].assert_eq(&String::from_utf8(out).unwrap());
}

#[test]
fn a_fault_is_one_line_with_what_it_did() {
    let mut ledger = Order::submitted().ledger();
    ledger.faults =
        vec![fault(faults::BROKER_KILL.plain(), EPOCH, EPOCH + MINUTE), fault(faults::BROKER_RESTART.plain(), EPOCH, EPOCH)];
    let effect = |what, order_id: Option<&str>| Effect {
        fault: "broker-kill@1".into(),
        at_ns: EPOCH,
        what,
        order_id: order_id.map(str::to_owned),
        hop: None,
    };
    ledger.effects = vec![
        effect(What::ConnectionLost { node: "mes-api-1.1".into() }, None),
        effect(What::PublishFailed { message_id: "m-1".into() }, Some("o-1.1-1")),
        effect(What::PublishFailed { message_id: "m-2".into() }, Some("o-1.1-1")),
    ];
    let mut out = Vec::new();
    ledger.write_faults_jsonl(&mut out).unwrap();
    expect![[r#"
        {"name":"broker-kill@1","kind":"broker-kill","inflicted_ns":1767571200000000000,"lifted_ns":1767571260000000000,"orders":1,"summary":{"connection-lost":1,"publish-failed":2},"effects":[{"fault":"broker-kill@1","at_ns":1767571200000000000,"what":"connection-lost","node":"mes-api-1.1"},{"fault":"broker-kill@1","at_ns":1767571200000000000,"what":"publish-failed","message_id":"m-1","order_id":"o-1.1-1"},{"fault":"broker-kill@1","at_ns":1767571200000000000,"what":"publish-failed","message_id":"m-2","order_id":"o-1.1-1"}]}
        {"name":"broker-restart@1","kind":"broker-restart","inflicted_ns":1767571200000000000,"lifted_ns":1767571200000000000,"orders":0,"summary":{},"effects":[]}
    "#]].assert_eq(&String::from_utf8(out).unwrap());
}
