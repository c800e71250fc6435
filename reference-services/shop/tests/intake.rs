//! How an order comes in: a customer's three requests, a partner's two, and all the ways in which they can go wrong.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use bytes::Bytes;
use contracts::{
    Architecture, Status,
    architecture::Preset,
    request::{CreateOrder, OrderView, PROBLEM, PartnerOrder, Problem, Step},
    services::{INTERNET_SHOP, SHOP_API},
    tables::{Order, Outbox},
};
use http::header;
use rig::{Rig, failure, json, settings};
use signals::span::{flag, integer, text};
use world::{
    Boxed, World,
    files::{Files, FilesError},
};

fn shop(architecture: Architecture) -> Rig {
    let rig = Rig::new(settings(architecture));
    rig.start(SHOP_API, "shop", shop::api);
    rig.start(INTERNET_SHOP, "shop", shop::front);
    rig
}

fn create(rig: &Rig, service: &'static str) -> (u16, String) {
    let body = json(&CreateOrder { order_ref: "c-1".into(), customer: "u-1".into() });
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
    let (submit, model) = (format!("/orders/{id}/submit"), format!("/orders/{id}/model"));
    for (method, path, body, status, kind) in [
        ("POST", "/orders", "{", 400, "malformed"),
        ("POST", "/orders", "{}", 422, "invalid"),
        ("POST", "/orders", r#"{"order_ref":"","customer":"u"}"#, 422, "invalid"),
        ("POST", "/orders", r#"{"order_ref":"c","customer":"u","client_type":"gold"}"#, 422, "invalid"),
        ("POST", "/orders", r#"{"order_ref":"c-1","customer":"somebody else"}"#, 409, "taken"),
        ("GET", "/orders/o-9", "", 404, "unknown-order"),
        ("PUT", model.as_str(), "", 422, "invalid"),
        ("POST", model.as_str(), "{", 400, "malformed"),
        ("POST", model.as_str(), r#"{"shape":"crown","diameter_mm":18}"#, 422, "invalid"),
        ("POST", model.as_str(), r#"{"shape":"ring","diameter_mm":80}"#, 422, "invalid"),
        ("POST", "/orders/o-9/model", r#"{"shape":"ring","diameter_mm":18}"#, 404, "unknown-order"),
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
    assert_eq!(rig.errors(), [unknown, unknown, unknown, &illegal]);
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

/// Every way to let two who write a row meet.
fn toggles() -> impl Iterator<Item = (bool, bool)> {
    [false, true].into_iter().flat_map(|version_check| [false, true].map(|row_lock| (version_check, row_lock)))
}

const BETTER: &str = "solid better ring";

#[test]
fn a_better_model_takes_the_place_of_the_first_one() {
    for (version_check, row_lock) in toggles() {
        let mut rig = shop(Architecture { version_check, row_lock, ..Preset::AsIs.architecture() });
        let (_, id) = create(&rig, INTERNET_SHOP);
        upload(&rig, INTERNET_SHOP, &id);
        let path = format!("/orders/{id}/model");
        assert_eq!(rig.call(INTERNET_SHOP, "PUT", &path, BETTER).status(), 200);
        let order = rig.rows::<Order>("shop").remove(0);
        assert_eq!((&*order.status, order.version, order.file_size), ("FILE_UPLOADED", 2, Some(BETTER.len() as i64)));
        let files = rig.sim.world(simulated::DRIVER, "driver").files;
        let key = order.file_ref.clone().unwrap();
        assert_eq!(rig.drive(async move { files.get(&key).await }).unwrap(), BETTER);
        assert_eq!(rig.step(INTERNET_SHOP, &format!("/orders/{id}/submit"), "e-1"), 200);
        assert_eq!(rig.rows::<Order>("shop")[0].file_ref, order.file_ref, "it is sent off with that one");
        assert_eq!(rig.history("shop").len(), 3, "no state has changed for it");
        rig.check_spans(&[("shop", &[SHOP_API])]);
    }
}

/// Sends a better model, which takes a minute to store, and sends the order off meanwhile: the statuses of both.
fn corrected(rig: &Rig, id: &str) -> (u16, u16) {
    let slow = rig.inflict(faults::LOST_UPDATE.with("share", 1.0).with("takes", rig::MINUTE));
    let World { rt, http, .. } = rig.sim.world(simulated::DRIVER, "driver");
    let better =
        http::Request::put(format!("/orders/{id}/model")).body(Bytes::from_static(BETTER.as_bytes())).expect("it is a request");
    let sent =
        rt.spawn("better", async move { http.call(SHOP_API, better).await.expect("there is an answer").status().as_u16() });
    rig.pass(rig::SECOND);
    let submitted = rig.step(SHOP_API, &format!("/orders/{id}/submit"), "e-1");
    let stored = rig.drive(sent.join()).expect("the driver lives");
    rig.lift(slow);
    (stored, submitted)
}

#[test]
fn a_model_that_is_stored_too_late_sets_the_row_back_unless_a_version_or_a_lock_forbids_it() {
    for (version_check, row_lock) in toggles() {
        let mut rig = shop(Architecture { version_check, row_lock, ..Preset::AsIs.architecture() });
        let (_, id) = create(&rig, SHOP_API);
        upload(&rig, SHOP_API, &id);
        let answers = corrected(&rig, &id);
        let order = rig.rows::<Order>("shop").remove(0);
        let conflicts = rig.spans().iter().filter(|span| failure(span) == Some("version_conflict")).count();
        let told = rig.named("PUT /orders/{id}/model").remove(1);
        let events: Vec<_> = told.events.iter().map(|event| (&*event.name, text(&event.attributes, "in"))).collect();
        if version_check || row_lock {
            assert_eq!((answers, &*order.status, order.version), ((409, 200), "SUBMITTED", 3));
            assert_eq!(order.file_ref.as_deref(), Some("models/o-1.1-1"), "what it was sent off with");
            assert_eq!((failure(&told), events), (Some("illegal_transition"), vec![]));
        } else {
            assert_eq!((answers, &*order.status, order.version), ((200, 200), "FILE_UPLOADED", 2));
            assert_eq!((failure(&told), events), (None, vec![("order.row_rewritten", Some("FILE_UPLOADED"))]));
        }
        assert_eq!(conflicts, usize::from(version_check && !row_lock), "under a lock nobody is surprised");
        assert_eq!(rig.history("shop")[2], "FILE_UPLOADED>SUBMITTED 3 e-1", "the history keeps what the row has lost");
        rig.check_spans(&[("shop", &[SHOP_API])]);
    }
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

#[test]
fn a_model_from_the_constructor_is_a_model_like_any_other() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (_, id) = create(&rig, INTERNET_SHOP);
    let path = format!("/orders/{id}/model");
    let ring = r#"{"shape":"ring","diameter_mm":18}"#;
    assert_eq!(rig.call(INTERNET_SHOP, "POST", &path, ring).status(), 200);
    assert_eq!(rig.call(INTERNET_SHOP, "POST", &path, ring).status(), 200, "asked again");
    assert_eq!(rig.step(INTERNET_SHOP, &format!("/orders/{id}/submit"), "e-1"), 200);
    assert_eq!(rig.call(INTERNET_SHOP, "POST", &path, ring).status(), 409);
    assert_eq!(rig.history("shop")[1], "INITIATED>FILE_UPLOADED 2 o-1.1-1:FILE_UPLOADED");
    assert_eq!(rig.rows::<Order>("shop")[0].file_ref.as_deref(), Some("models/o-1.1-1"));
    let files = rig.sim.world(simulated::DRIVER, "driver").files;
    let model = rig.drive(async move { files.get("models/o-1.1-1").await }).unwrap();
    assert!(model.starts_with(b"solid constructed\nfacet normal") && model.ends_with(b"endsolid constructed\n"));
    rig.check_spans(&[("shop", &[SHOP_API])]);
    let built = rig.named("POST /orders/{id}/model");
    let says = |span: &signals::Span| (span.events.len(), text(&span.attributes, "order.model.source").map(str::to_owned));
    let told: Vec<_> = built.iter().filter(|span| &*span.resource.service == SHOP_API).map(says).collect();
    assert_eq!(told[..2], [(1, Some("constructor".to_owned())), (0, Some("constructor".to_owned()))]);
}

#[test]
fn the_trace_says_where_a_model_comes_from() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (_, id) = create(&rig, SHOP_API);
    assert_eq!(upload(&rig, SHOP_API, &id), 200);
    let span = rig.named("PUT /orders/{id}/model").remove(0);
    assert_eq!(text(&span.attributes, "order.model.source"), Some("upload"));
}

#[test]
fn whoever_asks_learns_how_an_order_is_and_moves_nothing() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (_, id) = create(&rig, INTERNET_SHOP);
    let ask = |rig: &Rig| {
        let answer = rig.call(INTERNET_SHOP, "GET", &format!("/orders/{id}"), "");
        serde_json::from_slice::<OrderView>(answer.body()).expect("it is an order").status
    };
    assert_eq!(ask(&rig), Status::Initiated);
    upload(&rig, INTERNET_SHOP, &id);
    assert_eq!(ask(&rig), Status::FileUploaded);
    assert_eq!(rig.history("shop").len(), 2);
    let asked = rig.named("GET /orders/{id}");
    assert_eq!(asked.len(), 4, "a span at the front and one behind it, twice");
    assert!(asked.iter().all(|span| span.events.is_empty() && text(&span.attributes, "order.id") == Some(id.as_str())));
    rig.check_spans(&[("shop", &[SHOP_API])]);
}

fn partner(order_ref: &str, model: &str) -> Bytes {
    json(&PartnerOrder { order_ref: order_ref.into(), customer: "u-1".into(), model: model.to_owned() })
}

#[test]
fn a_partners_order_comes_with_its_model() {
    let mut rig = shop(Preset::AsIs.architecture());
    for status in [201, 200] {
        let answer = rig.call(SHOP_API, "POST", "/partner/orders", partner("p-1", "solid ring\nendsolid ring\n"));
        let view: OrderView = serde_json::from_slice(answer.body()).expect("it is an order");
        assert_eq!((answer.status().as_u16(), view.status), (status, Status::FileUploaded));
        assert_eq!(answer.headers()[header::LOCATION], format!("/orders/{}", view.order_id));
    }
    let moves = [">INITIATED 1 o-1.1-1:INITIATED", "INITIATED>FILE_UPLOADED 2 o-1.1-1:FILE_UPLOADED"];
    assert_eq!(rig.history("shop"), moves);
    let order = rig.rows::<Order>("shop").remove(0);
    assert_eq!((&*order.client_type, order.file_ref.as_deref()), ("api_partner", Some("models/o-1.1-1")));
    assert_eq!(rig.step(SHOP_API, "/partner/orders/o-1.1-1/submit", "e-1"), 200);
    rig.check_spans(&[("shop", &[SHOP_API])]);
    let [first, second] = &rig.named("POST /partner/orders")[..] else { panic!("two requests are two spans") };
    assert_eq!((first.events.len(), second.events.len(), flag(&second.attributes, "duplicate")), (2, 0, true));
    for span in [first, second] {
        for (key, value) in [("client.type", "api_partner"), ("order.ref", "p-1"), ("order.id", "o-1.1-1")] {
            assert_eq!(text(&span.attributes, key), Some(value));
        }
    }
    assert_eq!(rig.call(INTERNET_SHOP, "POST", "/partner/orders", "{}").status(), 404, "customers have another door");
}

#[test]
fn what_a_partner_may_not_send_is_turned_away_and_the_trace_says_why() {
    let mut rig = shop(Preset::AsIs.architecture());
    let limit = rig.settings.partner.model_bytes;
    let long = |bytes: usize| partner("p-1", &format!("solid{}", " ".repeat(bytes - 5)));
    assert_eq!(rig.call(SHOP_API, "POST", "/partner/orders", partner("p-0", "solid")).status(), 201);
    let cases: [(Bytes, u16, &str, Option<&str>); 8] = [
        (long(limit + 1), 413, "too-large", Some("p-1")),
        (long(3 * limit), 413, "too-large", None),
        (partner("p-2", "PK\u{3}\u{4}"), 422, "invalid", Some("p-2")),
        (partner("", "solid"), 422, "invalid", Some("")),
        (Bytes::from_static(br#"{"order_ref":"p-3"}"#), 422, "invalid", None),
        (Bytes::from_static(br#"{"order_ref":"p-3","customer":"u","model":"solid","quantity":2}"#), 422, "invalid", None),
        (Bytes::from_static(b"solid ring"), 400, "malformed", None),
        (
            json(&PartnerOrder { order_ref: "p-0".into(), customer: "u-2".into(), model: "solid".into() }),
            409,
            "taken",
            Some("p-0"),
        ),
    ];
    for (nth, (body, status, kind, order_ref)) in cases.into_iter().enumerate() {
        let answer = rig.call(SHOP_API, "POST", "/partner/orders", body);
        let problem: Problem = serde_json::from_slice(answer.body()).expect("it says why");
        assert_eq!((answer.status().as_u16(), problem.status, &*problem.r#type), (status, status, &*format!("/problems/{kind}")));
        assert_eq!(answer.headers()[header::CONTENT_TYPE], PROBLEM);
        let span = rig.named("POST /partner/orders").remove(nth + 1);
        assert_eq!(failure(&span), Some(&*kind.replace('-', "_")));
        assert_eq!(integer(&span.attributes, "http.response.status_code"), Some(i64::from(status)));
        assert_eq!(text(&span.attributes, "client.type"), Some("api_partner"));
        assert_eq!(text(&span.attributes, "order.ref"), order_ref);
    }
    assert_eq!(rig.rows::<Order>("shop").len(), 1, "what is turned away is no order");
    assert_eq!(rig.call(SHOP_API, "POST", "/partner/orders", long(limit)).status(), 201, "the limit itself is within it");
    rig.check_spans(&[("shop", &[SHOP_API])]);
}

#[test]
fn whatever_a_partner_asks_in_vain_has_a_trace_with_its_cause() {
    let mut rig = shop(Preset::AsIs.architecture());
    assert_eq!(rig.call(SHOP_API, "POST", "/partner/orders", partner("p-1", "solid")).status(), 201);
    let step = json(&Step { event_id: "e-1".into(), by: "u-1".into() });
    let own = "/partner/orders/o-1.1-1/submit";
    assert_eq!(rig.call(SHOP_API, "POST", own, step.clone()).status(), 200);
    let other = json(&Step { event_id: "e-2".into(), by: "u-1".into() });
    let cases: [(&str, Bytes, u16, &str); 5] = [
        (own, other, 409, "illegal_transition"),
        ("/partner/orders/o-9/submit", step, 404, "unknown_order"),
        (own, Bytes::from_static(b"{"), 400, "malformed"),
        (own, Bytes::from_static(b"{}"), 422, "invalid"),
        (own, json(&Step { event_id: "".into(), by: "u-1".into() }), 422, "invalid"),
    ];
    for (nth, (path, body, status, cause)) in cases.into_iter().enumerate() {
        assert_eq!(rig.call(SHOP_API, "POST", path, body).status(), status);
        let span = rig.named("POST /partner/orders/{id}/submit").remove(nth + 1);
        assert_eq!((failure(&span), integer(&span.attributes, "http.response.status_code")), (Some(cause), Some(status.into())));
        assert_eq!(span.attributes.iter().filter(|it| it.key.as_str() == "client.type").count(), 1);
    }
    rig.check_spans(&[("shop", &[SHOP_API])]);
}

/// An object store that fails so often.
struct Failing(Arc<dyn Files>, AtomicU32);

impl Files for Failing {
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>> {
        let left = self.1.load(Relaxed);
        if left > 0 {
            self.1.store(left - 1, Relaxed);
            return Box::pin(async { Err(FilesError::Unavailable("connection refused".to_owned())) });
        }
        self.0.put(key, content)
    }

    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>> {
        self.0.get(key)
    }

    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>> {
        self.0.size(key)
    }
}

#[test]
fn a_partners_order_whose_model_could_not_be_stored_goes_on_when_it_is_sent_again() {
    let mut rig = Rig::new(settings(Preset::AsIs.architecture()));
    rig.start(SHOP_API, "shop", |world, settings| {
        let files = Arc::new(Failing(Arc::clone(&world.files), AtomicU32::new(1)));
        shop::api(World { files, ..world }, settings)
    });
    let send = |rig: &Rig| rig.call(SHOP_API, "POST", "/partner/orders", partner("p-1", "solid")).status().as_u16();
    assert_eq!((send(&rig), rig.history("shop").len()), (503, 1));
    assert_eq!((send(&rig), rig.history("shop").len()), (200, 2));
    let [failed, done] = &rig.named("POST /partner/orders")[..] else { panic!("two requests are two spans") };
    assert_eq!((failure(failed), failure(done)), (Some("unavailable"), None));
    rig.check_spans(&[("shop", &[SHOP_API])]);
}

#[test]
fn a_body_that_nobody_takes_has_a_span_too() {
    let mut rig = shop(Preset::AsIs.architecture());
    let (_, id) = create(&rig, INTERNET_SHOP);
    let huge = vec![b' '; chassis::call::BODY_LIMIT + 1];
    assert_eq!(rig.call(INTERNET_SHOP, "PUT", &format!("/orders/{id}/model"), huge).status(), 413);
    let [front] = &rig.named("PUT /orders/{id}/model")[..] else { panic!("it does not get past the front") };
    assert_eq!((integer(&front.attributes, "http.response.status_code"), failure(front)), (Some(413), None));
}

#[test]
fn news_is_shown_once_and_kept_until_somebody_looks() {
    let mut rig = shop(Preset::ToBe.architecture());
    let path = "/orders/o-1/notice";
    assert_eq!(rig.call(INTERNET_SHOP, "GET", path, "").status(), 204, "there is none yet");
    let told = |body| rig.call(INTERNET_SHOP, "POST", path, body).status().as_u16();
    assert_eq!((told(r#"{"price":12300,"client_type":"retail"}"#), told("{"), told("{}")), (202, 400, 422));
    let seen = rig.call(INTERNET_SHOP, "GET", path, "");
    assert_eq!((seen.status().as_u16(), &**seen.body()), (200, &br#"{"price":12300,"client_type":"retail"}"#[..]));
    assert_eq!(rig.call(INTERNET_SHOP, "GET", path, "").status(), 204, "it was seen");
    let spans = rig.named("GET /orders/{id}/notice");
    assert_eq!(spans.len(), 1, "whoever finds nothing leaves no span");
    assert_eq!(spans[0].events[0].name, "customer.aware");
}
