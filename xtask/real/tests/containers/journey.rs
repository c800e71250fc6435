//! One order through all ten states, by hand, and its spans read back from Jaeger.

use std::{collections::BTreeSet, process::Command, time::Duration};

use bytes::Bytes;
use containers::Testimony;
use contracts::{Status, attributes};
use detector::{Detector, Lifecycle, Verdict};
use faults::{End, Outcome};
use http::{Method, Request};
use real::{Assembly, assembly};
use scenarios::lifecycle::LIFECYCLE;
use serde_json::{Value, json};
use signals::span;
use world::{World, files::Files as _};

use crate::gate;

pub(crate) const QUICK: &str = r#"
    title = "One order"
    seed = 7
    duration = "1m"
    architecture = { preset = "to-be" }
    [[load]]
    actor = "customer"
    executor = "constant-arrival-rate"
    rate = "60/h"
    [pricing]
    mean = "200ms"
    max = "1s"
"#;

/// Sends a request, and gives status and body.
pub(crate) async fn ask(world: &World, service: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_string() { Bytes::from_static(b"solid ring") } else { serde_json::to_vec(body).unwrap().into() };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json").body(body).unwrap();
    let answer = world.http.call(service, request).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
}

/// A new order, up to `SUBMITTED`; gives its id.
pub(crate) async fn submit(world: &World, service: &str, order_ref: &str) -> String {
    let id = upload(world, service, order_ref).await;
    step(world, service, &id, "submit", Status::Submitted).await;
    id
}

/// A new order, up to `FILE_UPLOADED`; gives its id.
async fn upload(world: &World, service: &str, order_ref: &str) -> String {
    let id = create(world, service, order_ref).await;
    let (status, answer) = ask(world, service, Method::PUT, &format!("/orders/{id}/model"), &json!("model")).await;
    assert_eq!((status, &answer["status"]), (200, &json!("FILE_UPLOADED")), "{answer}");
    id
}

/// A new order; gives its id.
pub(crate) async fn create(world: &World, service: &str, order_ref: &str) -> String {
    let new = json!({ "order_ref": order_ref, "customer": "u-1" });
    let (status, order) = ask(world, service, Method::POST, "/orders", &new).await;
    assert_eq!(status, 201, "{order}");
    order["order_id"].as_str().unwrap().to_owned()
}

async fn step(world: &World, service: &str, id: &str, verb: &str, to: Status) {
    let event = json!({ "event_id": format!("{id}:{to}"), "by": "s-1" });
    let (status, answer) = ask(world, service, Method::POST, &format!("/orders/{id}/{verb}"), &event).await;
    assert_eq!((status, &answer["status"]), (200, &json!(to.name())), "{verb}: {answer}");
}

/// Waits until a service lists the order in a state.
pub(crate) async fn listed(world: &World, service: &str, id: &str, status: Status) {
    let path = format!("/orders?status={status}&newest_first=true&limit=500");
    let listed = async {
        loop {
            let (_, answer) = ask(world, service, Method::GET, &path, &Value::Null).await;
            let orders = answer.as_array().or_else(|| answer["orders"].as_array()).cloned().unwrap_or_default();
            if orders.iter().any(|order| order["order_id"] == json!(id)) {
                return;
            }
            world.rt.sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(world.rt.timeout(Duration::from_secs(60), listed).await.is_ok(), "{service} never lists {id} as {status}");
}

#[test]
fn an_order_reaches_its_end_and_its_traces_come_back_whole() {
    if gate::containers() {
        gate::block_on(async {
            let scenario = gate::scenario(QUICK);
            // Its Jaeger will be stopped: nobody else's.
            let config = assembly::config(&scenario, gate::apart()).unwrap();
            let assembly = Assembly::start(config, &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
            for (part, took) in assembly.stack().start_times() {
                eprintln!("{part} ready in {} ms", took.as_millis());
            }
            let id = whole_journey(&assembly).await;
            the_account_is_whole(&assembly).await;
            let gone = an_order_whose_model_is_gone_is_never_priced(&assembly).await;
            let testimony = the_testimony_is_whole(&assembly, &id).await;
            its_traces_say_why(&testimony, &gone);
            without_its_store_the_shop_takes_no_model(&assembly).await;
            assembly.stack().stop_jaeger().await.unwrap();
            let unavailable = assembly.testimony().await.unavailable.unwrap_or_default();
            assert!(unavailable.starts_with("telemetry unavailable: Jaeger is not running"), "{unavailable}");
            assembly.end().await.unwrap();
        });
        assert_eq!(gate::leftovers(), [""; 0]);
    }
}

async fn whole_journey(assembly: &Assembly) -> String {
    let world = assembly.stage().world;
    let id = submit(&world, "internet-shop", "c-000001").await;
    listed(&world, "crm", &id, Status::PriceCalculated).await;
    step(&world, "crm", &id, "approve", Status::ManufacturingApproved).await;
    listed(&world, "mes-api", &id, Status::ManufacturingApproved).await;
    for (verb, to) in [
        ("start", Status::ManufacturingStarted),
        ("complete", Status::ManufacturingCompleted),
        ("package", Status::Packaging),
        ("ship", Status::Shipped),
    ] {
        step(&world, "mes-api", &id, verb, to).await;
    }
    listed(&world, "crm", &id, Status::Shipped).await;
    step(&world, "crm-api", &id, "close", Status::Closed).await;
    id
}

async fn the_account_is_whole(assembly: &Assembly) {
    let (rt, messages) = (assembly.stage().world.rt, assembly.stack().messages());
    let empty = async {
        while faults::MessageLog::depth(&*messages).await > 0 {
            rt.sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(rt.timeout(Duration::from_secs(20), empty).await.is_ok());
    let (fates, _) = messages.account().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fates.len(), 7, "{fates:?}");
    for fate in &fates {
        assert_eq!((fate.end, fate.sent, fate.deliveries.len()), (End::Acked, Outcome::Confirmed, 1), "{fate:?}");
        assert!(fate.published_ns <= fate.deliveries[0].at_ns && !fate.event_id.is_empty(), "{fate:?}");
    }
}

async fn an_order_whose_model_is_gone_is_never_priced(assembly: &Assembly) -> String {
    let world = assembly.stage().world;
    let gone = upload(&world, "internet-shop", "c-000002").await;
    let files = assembly.stack().files().await.unwrap();
    let model = format!("models/{gone}");
    assert_eq!(files.size(&model).await, Ok(10));
    files.delete(&model).await.unwrap();
    step(&world, "internet-shop", &gone, "submit", Status::Submitted).await;
    // Another one overtakes it.
    let other = submit(&world, "internet-shop", "c-000003").await;
    listed(&world, "crm", &other, Status::PriceCalculated).await;
    let (_, answer) = ask(&world, "mes-api", Method::GET, "/orders?status=SUBMITTED&limit=500", &Value::Null).await;
    assert!(answer.to_string().contains(&gone), "{answer}");
    gone
}

/// And the detector calls it lost, where it is.
fn its_traces_say_why(testimony: &Testimony, gone: &str) {
    let own = |name: &str| {
        let named = testimony.spans.iter().filter(move |found| found.name == name);
        let errors = named.filter(|found| span::text(&found.attributes, attributes::ORDER_ID) == Some(gone));
        errors
            .map(|found| span::text(&found.attributes, attributes::ERROR_TYPE).unwrap_or_default().to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(own("get models"), ["NoSuchKey".to_owned()].into());
    assert_eq!(own("POST /price"), ["422".to_owned(), "NoSuchKey".to_owned()].into());
    let mut detector = Detector::new(Lifecycle::parse(LIFECYCLE).unwrap());
    let mut spans = testimony.spans.clone();
    spans.sort_by_key(|span| span.end_ns);
    spans.iter().for_each(|span| detector.observe(span));
    let a_day_later = spans.last().unwrap().end_ns + 86_400 * 1_000_000_000;
    let findings = detector.finish(a_day_later);
    let found = findings.iter().find(|finding| &*finding.order_id == gone).unwrap();
    assert_eq!((found.verdict, found.hop.as_deref()), (Verdict::Lost, Some("pricing work")));
}

async fn without_its_store_the_shop_takes_no_model(assembly: &Assembly) {
    let world = assembly.stage().world;
    let id = create(&world, "shop-api", "c-000004").await;
    let store = format!("loupe-{}-s3", assembly.stack().run());
    assert!(Command::new("docker").args(["kill", &store]).output().unwrap().status.success());
    let (status, problem) = ask(&world, "shop-api", Method::PUT, &format!("/orders/{id}/model"), &json!("model")).await;
    assert_eq!((status, &problem["type"]), (503, &json!("/problems/files-unavailable")), "{problem}");
    assert!(!problem.to_string().contains("Signature"), "{problem}");
    // It is where it was: an order without a model cannot be sent off.
    let event = json!({ "event_id": format!("{id}:submit"), "by": "s-1" });
    let (status, problem) = ask(&world, "shop-api", Method::POST, &format!("/orders/{id}/submit"), &event).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/illegal-transition")), "{problem}");
}

async fn the_testimony_is_whole(assembly: &Assembly, id: &str) -> Testimony {
    let testimony = assembly.testimony().await;
    assert_eq!(testimony.gaps(), [""; 0]);
    assert_eq!(testimony.services.len(), 6);
    assert!(testimony.services.values().all(|service| service.found > 0), "{:?}", testimony.services);
    let own = testimony.spans.iter().filter(|found| span::text(&found.attributes, attributes::ORDER_ID) == Some(id));
    let events = own.flat_map(|found| &found.events).filter(|event| event.name == attributes::STATUS_CHANGED);
    let entered: BTreeSet<&str> = events.filter_map(|event| span::text(&event.attributes, attributes::TO)).collect();
    assert_eq!(entered, Status::ALL.into_iter().map(Status::name).collect());
    drop(entered);
    let debug = testimony.logs.iter().filter(|log| log.level == "DEBUG").map(|log| &*log.action);
    let expected = ["MESSAGE_SETTLED", "TRANSITION_COMMITTED"].into();
    assert_eq!(debug.collect::<BTreeSet<&str>>(), expected, "a place for tests is not production");
    testimony
}
