//! What the CRM does with an order: tells the factory, takes its news, lets a seller approve, closes.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use contracts::{
    Architecture, Status,
    architecture::Preset,
    request::{Condition, OrderView, Problem},
    services::{CRM, CRM_API},
    tables::{OUTBOX_NEW, Order, Outbox, Transition},
};
use faults::End;
use rig::{MINUTE, Rig, SECOND, event, failure, settings};
use signals::span::{flag, text};
use world::record::Serial;

const AS_IS: Architecture = Preset::AsIs.architecture();
const TO_BE: Architecture = Preset::ToBe.architecture();

fn crm(architecture: Architecture) -> Rig {
    let rig = Rig::new(settings(architecture));
    rig.start(CRM_API, "shop", crm::api);
    rig.start(CRM, "shop", crm::front);
    rig
}

/// What the shop leaves behind for an order that has come as far as `status`.
fn shop_has(rig: &Rig, id: &str, status: Status) {
    let event = event(status);
    let updated_ns = i64::try_from(rig.sim.now().as_nanos()).expect("it fits");
    rig.write(
        "shop",
        Transition {
            seq: Serial::default(),
            order_id: id.into(),
            from_status: None,
            to_status: status.name().into(),
            version: event.version,
            event_id: format!("e-{id}-{status}").into(),
            at_ns: 0,
            service: "shop-api".into(),
        },
    );
    rig.write(
        "shop",
        Order {
            id: id.into(),
            order_ref: id.into(),
            client_type: event.client_type,
            customer: event.customer,
            status: status.name().into(),
            version: event.version,
            file_ref: event.file_ref,
            file_size: event.file_size,
            price: None,
            staff: None,
            relay: None,
            updated_ns,
            traceparent: None,
        },
    );
}

#[test]
fn a_submitted_order_is_relayed_once_under_the_event_id_of_its_submission() {
    let rig = crm(AS_IS);
    shop_has(&rig, "o-1", Status::Submitted);
    rig.pass(MINUTE);
    let fates = rig.fates();
    let sent: Vec<_> = fates.iter().map(|fate| (&*fate.routing_key, &*fate.event_id, &*fate.message_id)).collect();
    assert_eq!(sent, [("order.submitted", "e-o-1-SUBMITTED", "m-crm-api-1.1-1")]);
    assert_eq!(rig.rows::<Order>("shop")[0].relay.as_deref(), Some("claimed"));
}

#[test]
fn what_is_relayed_while_the_broker_is_away_is_never_sent_again() {
    for (publisher_confirms, attempts) in [(false, 1), (true, 2)] {
        let mut rig = crm(Architecture { publisher_confirms, ..AS_IS });
        let fault = rig.inflict(faults::BROKER_KILL.plain());
        shop_has(&rig, "o-1", Status::Submitted);
        rig.pass(MINUTE);
        rig.lift(fault);
        rig.pass(10 * MINUTE);
        assert!(rig.fates().iter().all(|fate| fate.end == End::NotSent));
        let sends = rig.named("publish orders:order.submitted");
        assert_eq!(sends.len(), attempts);
        assert!(
            sends
                .iter()
                .all(|send| failure(send).is_some() && text(&send.attributes, "alexandrite.event.id") == Some("e-o-1-SUBMITTED"))
        );
    }
}

#[test]
fn the_message_that_finds_the_connection_broken_is_lost_unless_the_broker_had_to_confirm_it() {
    for publisher_confirms in [false, true] {
        let mut rig = crm(Architecture { publisher_confirms, ..AS_IS });
        shop_has(&rig, "o-1", Status::PriceCalculated);
        shop_has(&rig, "o-2", Status::PriceCalculated);
        assert_eq!(rig.step(CRM_API, "/orders/o-1/approve", "e-1"), 200);
        rig.pass(SECOND);
        let fault = rig.inflict(faults::BROKER_RESTART.plain());
        rig.pass(MINUTE);
        rig.lift(fault);
        rig.pass(MINUTE);
        assert_eq!(rig.step(CRM_API, "/orders/o-2/approve", "e-2"), 200);
        rig.pass(MINUTE);
        let arrived: Vec<_> = rig.fates().into_iter().filter(|it| it.end == End::Ready).map(|it| it.event_id).collect();
        assert_eq!(arrived, ["e-1", "e-2"][..if publisher_confirms { 2 } else { 1 }]);
        let sends = rig.named("publish orders:order.manufacturing_approved");
        let told: Vec<_> = sends.iter().map(|send| (failure(send), text(&send.attributes, "alexandrite.amqp.confirm"))).collect();
        let confirm = if publisher_confirms { "ack" } else { "none" };
        assert_eq!(told[0], (None, Some(confirm)));
        assert_eq!(told[1].0, Some("connection_lost"));
        assert_eq!(told.get(2), publisher_confirms.then_some(&(None, Some("ack"))));
    }
}

#[test]
fn a_rolled_back_approval_was_announced_all_the_same_unless_there_is_an_outbox() {
    for (architecture, told) in [(AS_IS, [1, 2]), (TO_BE, [0, 1])] {
        let mut rig = crm(architecture);
        shop_has(&rig, "o-1", Status::PriceCalculated);
        let fault = rig.inflict(faults::PHANTOM_PUBLISH.with("key", "order.manufacturing_approved").with("share", 1.0));
        let mut seen = Vec::new();
        for status in [503, 200] {
            assert_eq!(rig.step(CRM_API, "/orders/o-1/approve", "e-1"), status, "a second attempt is spared");
            rig.pass(MINUTE);
            seen.push((&*rig.rows::<Order>("shop")[0].status == "MANUFACTURING_APPROVED", rig.fates().len()));
        }
        assert_eq!(seen, [(false, told[0]), (true, told[1])]);
        assert!(rig.fates().iter().all(|fate| fate.event_id == "e-1"), "it is the same event");
        let rolled_back = &rig.named("commit orders")[0];
        assert_eq!(failure(rolled_back), Some("08006"));
        let sends = rig.named("publish orders:order.manufacturing_approved");
        let before = sends.iter().filter(|send| send.trace_id == rolled_back.trace_id && send.end_ns <= rolled_back.end_ns);
        assert_eq!(before.count(), told[0], "the trace shows which came first");
        shop_has(&rig, "o-2", Status::PriceCalculated);
        rig.lift(fault);
        assert_eq!(rig.step(CRM_API, "/orders/o-2/approve", "e-2"), 200, "it is over");
    }
}

#[test]
fn an_outbox_is_published_when_the_broker_is_back() {
    let mut rig = crm(TO_BE);
    let fault = rig.inflict(faults::BROKER_KILL.plain());
    shop_has(&rig, "o-1", Status::PriceCalculated);
    assert_eq!(rig.step(CRM_API, "/orders/o-1/approve", "e-approve"), 200);
    rig.pass(MINUTE);
    assert_eq!(&*rig.rows::<Outbox>("shop")[0].state, OUTBOX_NEW);
    rig.lift(fault);
    rig.pass(MINUTE);
    assert_eq!(&*rig.rows::<Outbox>("shop")[0].state, "sent");
    let arrived: Vec<_> = rig.fates().into_iter().filter(|fate| fate.end == End::Ready).collect();
    assert_eq!(arrived.len(), 1, "{arrived:#?}");
    assert_eq!((&*arrived[0].event_id, &*arrived[0].routing_key), ("e-approve", "order.manufacturing_approved"));
    let sends = rig.named("publish orders:order.manufacturing_approved");
    assert!(sends.len() > 1 && failure(&sends[0]).is_some() && failure(&sends[sends.len() - 1]).is_none());
    let errors = rig.errors();
    assert_eq!(errors.len(), sends.len() - 1);
    assert!(errors.iter().all(|error| error.starts_with("crm-api PUBLISH_FAILED ") && error.ends_with(" o-1")), "{errors:?}");
    // Each attempt hangs on the transition, and is a message of its own.
    let approval = rig.named("POST /orders/{id}/approve").remove(0);
    assert!(sends.iter().all(|send| send.trace_id == approval.trace_id));
    rig.check_spans(&[]);
}

#[test]
fn an_event_that_comes_twice_is_recorded_twice_unless_consumers_recognise_it() {
    for idempotent_consumers in [false, true] {
        let mut rig = crm(Architecture { idempotent_consumers, ..AS_IS });
        shop_has(&rig, "o-1", Status::Submitted);
        rig.publish(&event(Status::PriceCalculated), "e-price");
        rig.publish(&event(Status::PriceCalculated), "e-price");
        rig.pass(MINUTE);
        let twice = ["SUBMITTED>PRICE_CALCULATED 4 e-price", "PRICE_CALCULATED>PRICE_CALCULATED 4 e-price"];
        assert_eq!(rig.history("shop")[1..], twice[..if idempotent_consumers { 1 } else { 2 }]);
        assert_eq!(rig.rows::<Order>("shop")[0].price, Some(4200));
        let second = rig.named("process orders:order.price_calculated:crm.orders").remove(1);
        assert_eq!(flag(&second.attributes, "duplicate"), idempotent_consumers);
        rig.check_spans(&[]);
    }
}

#[test]
fn an_event_that_is_overtaken_is_rejected_and_says_so() {
    let mut rig = crm(Architecture { ack_after_work: true, ..AS_IS });
    shop_has(&rig, "o-1", Status::Packaging);
    rig.publish(&event(Status::ManufacturingStarted), "e-start");
    rig.pass(MINUTE);
    assert_eq!(rig.history("shop").len(), 1);
    assert_eq!(rig.fates()[0].end, End::Rejected);
    let process = rig.named("process orders:order.manufacturing_started:crm.orders").remove(0);
    assert_eq!(failure(&process), Some("illegal_transition"));
    assert_eq!(rig.errors(), ["crm-api ILLEGAL_TRANSITION illegal_transition o-1"]);
}

#[test]
fn an_event_that_comes_too_early_is_given_up_at_once_or_after_some_patience() {
    for (architecture, tries) in [(Architecture { ack_after_work: true, ..AS_IS }, 1), (TO_BE, 4)] {
        let mut rig = crm(architecture);
        shop_has(&rig, "o-1", Status::ManufacturingApproved);
        rig.publish(&event(Status::Shipped), "e-ship");
        rig.pass(MINUTE);
        assert_eq!(rig.history("shop").len(), 1);
        let fate = rig.fates().pop().unwrap();
        assert_eq!((fate.deliveries.len(), fate.end), (tries, End::Rejected));
        let failures: Vec<_> =
            rig.named("process orders:order.shipped:crm.orders").iter().map(|it| failure(it).is_some()).collect();
        assert_eq!(failures, [vec![false; tries - 1], vec![true]].concat());
        assert_eq!(rig.errors(), ["crm-api MESSAGE_FAILED out_of_order o-1"]);
        rig.check_spans(&[]);
    }
}

#[test]
fn a_seller_approves_and_a_carrier_or_a_seller_closes() {
    let mut rig = crm(AS_IS);
    shop_has(&rig, "o-1", Status::PriceCalculated);
    assert_eq!(rig.step(CRM, "/orders/o-1/approve", "e-approve"), 200);
    assert_eq!(rig.step(CRM, "/orders/o-1/approve", "e-approve"), 200);
    assert_eq!(rig.step(CRM, "/orders/o-1/approve", "e-again"), 409);
    shop_has(&rig, "o-2", Status::Shipped);
    for verb in ["close", "delivered"] {
        assert_eq!(rig.step(CRM_API, &format!("/orders/o-1/{verb}"), "e-close"), 409);
        assert_eq!(rig.step(CRM_API, &format!("/orders/o-9/{verb}"), "e-close"), 404);
        assert_eq!(rig.call(CRM_API, "POST", &format!("/orders/o-1/{verb}"), "{}").status(), 422);
        assert_eq!(rig.call(CRM_API, "POST", &format!("/orders/o-1/{verb}"), "{").status(), 400);
    }
    assert_eq!(rig.step(CRM, "/orders/o-2/delivered", "e-close"), 404, "carriers do not come through the front");
    for status in &Status::ALL[5..9] {
        rig.publish(&event(*status), &format!("e-{status}"));
    }
    rig.pass(SECOND);
    assert_eq!(rig.step(CRM_API, "/orders/o-1/delivered", "e-called"), 200);
    assert_eq!(rig.step(CRM_API, "/orders/o-1/delivered", "e-called"), 200);
    assert_eq!(rig.step(CRM, "/orders/o-1/close", "e-by-hand"), 409, "it is closed");
    assert_eq!(rig.step(CRM, "/orders/o-2/close", "e-by-hand"), 200);
    let ends: Vec<_> = rig.history("shop").into_iter().filter(|line| line.contains("CLOSED")).collect();
    assert_eq!(ends, ["SHIPPED>CLOSED 10 e-called", "SHIPPED>CLOSED 10 e-by-hand"]);
    let [by_hand] = &rig.named("POST /orders/{id}/close").into_iter().filter(|it| !it.events.is_empty()).collect::<Vec<_>>()[..]
    else {
        panic!("one order was closed by hand")
    };
    assert_eq!(text(&by_hand.attributes, "staff.pseudo.id"), Some("somebody"));
    let order = rig.rows::<Order>("shop").remove(0);
    assert_eq!((&*order.status, order.version, order.staff.as_deref()), ("CLOSED", 10, Some("somebody")));
    let told: Vec<_> =
        rig.fates().into_iter().map(|fate| fate.routing_key).filter(|key| key == "order.manufacturing_approved").collect();
    assert_eq!(told.len(), 1, "the factory is told of an approval once");
}

#[test]
fn a_list_shows_orders_in_a_state_freshest_or_oldest_first() {
    let rig = crm(AS_IS);
    for (n, id) in ["o-1", "o-2", "o-3"].into_iter().enumerate() {
        shop_has(&rig, id, Status::PriceCalculated);
        rig.pass(MINUTE * u32::try_from(n).unwrap());
    }
    let list = |query: &str| {
        let answer = rig.call(CRM, "GET", &format!("/orders?{query}"), "");
        let orders = serde_json::from_slice::<Vec<OrderView>>(answer.body()).unwrap_or_default();
        (answer.status().as_u16(), orders.iter().map(|order| order.order_id.to_string()).collect::<Vec<_>>())
    };
    let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(list("status=PRICE_CALCULATED&newest_first=false&limit=2"), (200, ids(&["o-1", "o-2"])));
    assert_eq!(list("status=PRICE_CALCULATED&newest_first=true&limit=2"), (200, ids(&["o-3", "o-2"])));
    assert_eq!(list("status=CLOSED&newest_first=true&limit=2"), (200, ids(&[])));
    assert_eq!(list("status=PRICE_CALCULATED"), (200, ids(&["o-3", "o-2", "o-1"])), "freshest first, 50 on a page");
    for query in [
        "limit=0",
        "limit=501",
        "limit=many",
        "page=0",
        "page=1000001",
        "page=-1",
        "status=LOST",
        "client_type=wholesale",
        "waiting_s=1.5",
        "newest_first=maybe",
        "colour=red",
    ] {
        let answer = rig.call(CRM, "GET", &format!("/orders?{query}"), "");
        let problem: Problem = serde_json::from_slice(answer.body()).expect("it says why");
        assert_eq!((answer.status().as_u16(), &*problem.r#type), (400, "/problems/malformed"), "{query}");
    }
}

#[test]
fn without_the_broker_the_crm_lives_and_is_not_ready() {
    let rig = crm(AS_IS);
    assert_eq!((rig.health(CRM_API, "/readyz").0, rig.health(CRM, "/readyz").0), (200, 200));
    let fault = rig.inflict(faults::BROKER_KILL.plain());
    rig.pass(MINUTE);
    let (status, health) = rig.health(CRM_API, "/readyz");
    assert_eq!((status, health.status, health.missing.len()), (503, Condition::Unready, 1));
    let missing = &health.missing[0];
    assert_eq!((missing.part.as_str(), missing.reason.as_str()), ("broker", "0 of 1 consumers are subscribed"));
    assert_eq!((rig.health(CRM_API, "/healthz").0, rig.health(CRM, "/readyz").0), (200, 200));
    rig.lift(fault);
    rig.pass(MINUTE);
    assert_eq!(rig.health(CRM_API, "/readyz").0, 200);
}

#[test]
fn what_the_relay_has_claimed_is_sent_before_the_crm_stops_and_the_rest_is_left_to_its_next_start() {
    for outbox in [false, true] {
        let (api, rig) = {
            let rig = Rig::new(settings(Architecture { outbox, ..AS_IS }));
            (rig.start(CRM_API, "shop", crm::api), rig)
        };
        shop_has(&rig, "o-1", if outbox { Status::PriceCalculated } else { Status::Submitted });
        if outbox {
            assert_eq!(rig.step(CRM_API, "/orders/o-1/approve", "e-1"), 200);
        }
        rig.pass(2 * SECOND);
        let stopping = rig.stop(&api, MINUTE);
        assert!(rig.stopped(stopping));
        shop_has(&rig, "o-2", Status::Submitted);
        rig.pass(MINUTE);
        let sent: Vec<_> = rig.fates().into_iter().map(|fate| (fate.order_id, fate.end)).collect();
        assert_eq!(sent, [("o-1".to_owned(), End::Ready)], "outbox {outbox}");
        if !outbox {
            assert_eq!(rig.rows::<Order>("shop")[1].relay, None);
            rig.start_again(CRM_API);
            rig.pass(MINUTE);
            assert_eq!(rig.fates().len(), 2);
        }
    }
}
