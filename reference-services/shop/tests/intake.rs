//! How an order comes in: three requests, and all the ways in which they can go wrong.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use contracts::{
    Architecture, Status,
    architecture::Preset,
    request::{CreateOrder, OrderView, PROBLEM, Problem},
    services::{INTERNET_SHOP, SHOP_API},
    tables::{Order, Outbox},
};
use http::header;
use rig::{Rig, failure, json, settings};
use signals::span::{flag, integer, text};

fn shop(architecture: Architecture) -> Rig {
    let rig = Rig::new(settings(architecture));
    rig.start(SHOP_API, "shop", shop::api);
    rig.start(INTERNET_SHOP, "shop", shop::front);
    rig
}

fn create(rig: &Rig, service: &'static str) -> (u16, String) {
    let body = json(&CreateOrder { order_ref: "c-1".into(), client_type: "retail".into(), customer: "u-1".into() });
    let answer = rig.call(service, "POST", "/orders", body);
    let view: OrderView = serde_json::from_slice(answer.body()).expect("it is an order");
    assert_eq!(answer.headers()[header::LOCATION], format!("/orders/{}", view.order_id));
    (answer.status().as_u16(), view.order_id.to_string())
}

fn upload(rig: &Rig, service: &'static str, id: &str) -> u16 {
    rig.call(service, "PUT", &format!("/orders/{id}/model"), "solid ring").status().as_u16()
}

#[test]
fn an_order_comes_in_through_the_front() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (status, id) = create(&rig, INTERNET_SHOP);
    assert_eq!((status, id.as_str()), (201, "o-1.1-1"));
    assert_eq!(upload(&rig, INTERNET_SHOP, &id), 200);
    assert_eq!(rig.step(INTERNET_SHOP, &format!("/orders/{id}/submit"), "e-submit"), 200);

    let order = rig.rows::<Order>("shop").remove(0);
    assert_eq!((&*order.status, order.version, order.file_ref.as_deref()), ("SUBMITTED", 3, Some("models/o-1.1-1")));
    assert_eq!(
        rig.history("shop"),
        [
            ">INITIATED 1 o-1.1-1:INITIATED",
            "INITIATED>FILE_UPLOADED 2 o-1.1-1:FILE_UPLOADED",
            "FILE_UPLOADED>SUBMITTED 3 e-submit"
        ]
    );
    let files = rig.sim.world(simulated::DRIVER, "driver").files;
    assert_eq!(rig.drive(async move { files.get("models/o-1.1-1").await }).unwrap(), "solid ring");
    rig.check_spans(&[("shop", &[SHOP_API])]);

    let submits = rig.named("POST /orders/{id}/submit");
    let [front, behind] = &submits[..] else { panic!("{submits:#?}") };
    assert_eq!((&*front.resource.service, &*behind.resource.service), (INTERNET_SHOP, SHOP_API));
    assert_eq!(behind.parent_span_id, front.span_id);
    for span in [front, behind] {
        assert_eq!(text(&span.attributes, "order.id"), Some("o-1.1-1"));
        assert_eq!(integer(&span.attributes, "http.response.status_code"), Some(200));
    }
    assert_eq!(text(&behind.attributes, "order.status"), Some("SUBMITTED"));
    assert_eq!(text(&behind.attributes, "client.type"), Some("retail"));
    // The upload is another trace: the row carries the way there.
    let uploads = rig.named("PUT /orders/{id}/model");
    assert_eq!(behind.links[0].trace_id, uploads[0].trace_id);
    assert_ne!(behind.trace_id, uploads[0].trace_id);
}

#[test]
fn what_cannot_be_done_is_said_in_a_problem_document() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (_, id) = create(&rig, SHOP_API);
    let step = r#"{"event_id":"e-1","by":"u-1"}"#;
    let submit = format!("/orders/{id}/submit");
    for (method, path, body, status, kind) in [
        ("POST", "/orders", "{", 400, "malformed"),
        ("POST", "/orders", "{}", 422, "invalid"),
        ("POST", "/orders", r#"{"order_ref":"","client_type":"retail","customer":"u"}"#, 422, "invalid"),
        ("POST", "/orders", r#"{"order_ref":"c","client_type":"gold","customer":"u"}"#, 422, "invalid"),
        ("POST", "/orders/o-9/submit", step, 404, "unknown-order"),
        ("PUT", "/orders/o-9/model", "solid", 404, "unknown-order"),
        ("PUT", "/orders/%ff/model", "solid", 400, "malformed"),
        ("POST", submit.as_str(), step, 409, "illegal-transition"),
        ("POST", submit.as_str(), r#"{"event_id":"","by":"u-1"}"#, 422, "invalid"),
        ("POST", "/nowhere", "", 404, "no-route"),
        ("DELETE", "/orders", "", 405, "no-method"),
    ] {
        let answer = rig.call(SHOP_API, method, path, body);
        let problem: Problem = serde_json::from_slice(answer.body()).unwrap_or_else(|_| panic!("{path}: {:?}", answer.body()));
        assert_eq!((answer.status().as_u16(), problem.status), (status, status), "{path} {body}");
        assert_eq!(problem.r#type, format!("/problems/{kind}"));
        assert_eq!(answer.headers()[header::CONTENT_TYPE], PROBLEM);
    }
    assert_eq!(rig.history("shop").len(), 1);
    // A caller's mistake is no error of the service; a step that the order's state does not allow is.
    let failed: Vec<_> = rig.spans().iter().filter_map(failure).collect();
    assert_eq!(failed, ["illegal_transition"]);
    let unknown = "shop-api UNKNOWN_ORDER unknown_order o-9";
    let illegal = format!("shop-api ILLEGAL_TRANSITION illegal_transition {id}");
    assert_eq!(rig.errors(), [unknown, unknown, &illegal]);
}

#[test]
fn asking_again_changes_nothing() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (_, id) = create(&rig, INTERNET_SHOP);
    assert_eq!(create(&rig, INTERNET_SHOP), (200, id.clone()));
    let submit = format!("/orders/{id}/submit");
    assert_eq!([upload(&rig, SHOP_API, &id), upload(&rig, SHOP_API, &id)], [200, 200]);
    assert_eq!([rig.step(SHOP_API, &submit, "e-1"), rig.step(SHOP_API, &submit, "e-1")], [200, 200]);
    let before = rig.rows::<Order>("shop");
    // What asks for something else is refused: another submission, another model.
    assert_eq!(rig.step(SHOP_API, &submit, "e-2"), 409);
    assert_eq!(upload(&rig, SHOP_API, &id), 409);
    assert_eq!(rig.history("shop").len(), 3);
    assert_eq!(rig.rows::<Order>("shop"), before);
    let repeated = rig.spans().iter().filter(|span| span.name.starts_with('P') && flag(&span.attributes, "duplicate")).count();
    assert_eq!(repeated, 3);
    rig.check_spans(&[("shop", &[SHOP_API])]);
}

#[test]
fn with_an_outbox_the_submission_and_its_event_are_one_transaction() {
    for outbox in [false, true] {
        let mut rig = shop(Architecture { outbox, ..Preset::AsIs.architecture() });
        let (_, id) = create(&rig, SHOP_API);
        upload(&rig, SHOP_API, &id);
        rig.step(SHOP_API, &format!("/orders/{id}/submit"), "e-1");
        let waiting = rig.rows::<Outbox>("shop");
        let told: Vec<_> = waiting.iter().map(|row| (&*row.routing_key, &*row.event_id, &*row.state)).collect();
        if outbox {
            assert_eq!(told, [("order.submitted", "e-1", "new")]);
            let event = contracts::OrderEvent::from_bytes(waiting[0].body.as_bytes()).unwrap();
            assert_eq!((event.status, event.version), (Status::Submitted, 3));
        } else {
            assert!(told.is_empty());
        }
        rig.check_spans(&[("shop", &[SHOP_API])]);
    }
}

#[test]
fn a_front_without_its_backend_says_so() {
    let mut rig = Rig::new(settings(Preset::AsIs.architecture()));
    rig.start(INTERNET_SHOP, "shop", shop::front);
    let answer = rig.call(INTERNET_SHOP, "POST", "/orders", "{}");
    assert_eq!(answer.status(), 503);
    assert_eq!(failure(&rig.named("POST /orders")[0]), Some("connection_refused"));
    assert_eq!(rig.errors(), ["internet-shop REQUEST_FAILED connection_refused -"]);
}
