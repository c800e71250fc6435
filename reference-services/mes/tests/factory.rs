//! What the factory does with an order: takes it in, has it priced, makes it.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use std::time::Duration;

use contracts::{
    Architecture, Settings, Status,
    architecture::{Preset, Pricing},
    request::CalculatePrice,
    services::{MES, MES_API},
    settings::{Ailment, Trouble},
    tables::{Order, PriceJob},
};
use faults::End;
use rig::{MINUTE, Rig, event, failure, json, settings};
use signals::span::{flag, integer, text};

const AS_IS: Architecture = Preset::AsIs.architecture();
const TO_BE: Architecture = Preset::ToBe.architecture();
const HOUR: Duration = Duration::from_secs(3600);

const TAKEN: &str = ">SUBMITTED 3 e-submit";
const PRICED: &str = "SUBMITTED>PRICE_CALCULATED 4 o-1:PRICE_CALCULATED";

fn factory(architecture: Architecture) -> Rig {
    equipped(Rig::new(settings(architecture)))
}

/// A factory in which each first calculation that begins in the first hour takes so long.
fn slow_factory(architecture: Architecture, takes: Duration) -> Rig {
    let mut settings: Settings = settings(architecture);
    settings.pricing.trouble = vec![Trouble { from: Duration::ZERO, until: HOUR, share: 1.0, with: Ailment::Slow(takes) }];
    equipped(Rig::new(settings))
}

fn equipped(rig: Rig) -> Rig {
    let rig = without_models(rig);
    let files = rig.sim.world(simulated::DRIVER, "driver").files;
    rig.drive(async move { files.put("models/o-1", "solid ring".into()).await.expect("it is put") });
    rig
}

fn without_models(rig: Rig) -> Rig {
    rig.start(MES, "mes-has-none", mes::pricing);
    rig.start(MES_API, "mes", mes::api);
    rig
}

fn kill(rig: &Rig) {
    let fault = rig.inflict(faults::CONSUMER_KILL.with("service", MES_API));
    rig.pass(MINUTE);
    rig.lift(fault);
}

fn jobs(rig: &Rig) -> Vec<(i64, String)> {
    rig.rows::<PriceJob>("mes").iter().map(|job| (job.attempt, job.state.to_string())).collect()
}

#[test]
fn an_order_is_taken_in_priced_and_announced() {
    for architecture in [AS_IS, TO_BE, Architecture { pricing: Pricing::Asynchronous, ..AS_IS }] {
        let mut rig = factory(architecture);
        rig.publish(&event(Status::Submitted), "e-submit");
        rig.pass(HOUR);
        assert_eq!(rig.history("mes"), [TAKEN, PRICED]);
        assert_eq!(jobs(&rig), [(1, "done".to_owned())]);
        let (order, job) = (rig.rows::<Order>("mes").remove(0), rig.rows::<PriceJob>("mes").remove(0));
        assert!(order.price.is_some_and(|cents| cents >= 10_000));
        assert_eq!(job.finished_ns, Some(order.updated_ns));

        let price = rig.fates().pop().unwrap();
        assert_eq!(
            (&*price.routing_key, &*price.event_id, price.end),
            ("order.price_calculated", "o-1:PRICE_CALCULATED", End::Ready)
        );
        rig.check_spans(&[("mes", &[MES_API])]);
        let started = rig.named("price_calculation started").remove(0);
        assert_eq!((started.start_ns, integer(&started.attributes, "pricing.attempt")), (started.end_ns, Some(1)));
        let [client, server] = &rig.named("POST /price")[..] else { panic!("one call is two spans") };
        assert_eq!((server.parent_span_id, &*server.resource.service), (client.span_id, MES));
        // All of it is one trace.
        let process = rig.named("process orders:order.submitted:mes.orders").remove(0);
        for span in [&started, server, &rig.named("publish orders:order.price_calculated")[0]] {
            assert_eq!((span.trace_id, text(&span.attributes, "order.id")), (process.trace_id, Some("o-1")));
        }
    }
}

#[test]
fn an_order_acknowledged_before_the_work_dies_with_its_consumer() {
    let mut rig = slow_factory(AS_IS, 20 * MINUTE);
    rig.publish(&event(Status::Submitted), "e-submit");
    rig.pass(MINUTE);
    kill(&rig);
    rig.pass(3 * HOUR);
    assert_eq!(rig.history("mes"), [TAKEN]);
    assert_eq!(jobs(&rig), [(1, "abandoned".to_owned())]);
    assert_eq!(rig.fates().len(), 1);
    assert_eq!(rig.fates()[0].end, End::Acked);
}

#[test]
fn an_order_acknowledged_after_the_work_is_calculated_again_by_the_next_incarnation() {
    for idempotent_consumers in [false, true] {
        let mut rig = slow_factory(Architecture { ack_after_work: true, idempotent_consumers, ..AS_IS }, 20 * MINUTE);
        rig.publish(&event(Status::Submitted), "e-submit");
        rig.pass(MINUTE);
        kill(&rig);
        rig.pass(3 * HOUR);
        assert_eq!(rig.history("mes"), [TAKEN, PRICED]);
        assert_eq!(jobs(&rig), [(1, "abandoned".to_owned()), (2, "done".to_owned())]);
        assert_eq!(rig.fates()[0].deliveries.len(), 2);
    }
}

#[test]
fn an_asynchronous_job_outlives_its_worker() {
    let mut rig = slow_factory(TO_BE, 20 * MINUTE);
    rig.publish(&event(Status::Submitted), "e-submit");
    rig.pass(MINUTE);
    kill(&rig);
    rig.pass(3 * HOUR);
    assert_eq!(rig.history("mes"), [TAKEN, PRICED]);
    assert_eq!(jobs(&rig), [(1, "done".to_owned())]);
    assert_eq!(rig.named("price_calculation started").len(), 2);
}

#[test]
fn a_calculation_beyond_the_consumer_timeout_is_made_twice_unless_consumers_recognise_the_event() {
    for idempotent_consumers in [false, true] {
        let mut rig = slow_factory(Architecture { ack_after_work: true, idempotent_consumers, ..AS_IS }, 45 * MINUTE);
        rig.publish(&event(Status::Submitted), "e-submit");
        rig.pass(3 * HOUR);
        let again = "PRICE_CALCULATED>PRICE_CALCULATED 4 o-1:PRICE_CALCULATED#2";
        assert_eq!(rig.history("mes"), [TAKEN, PRICED, again][..if idempotent_consumers { 2 } else { 3 }]);
        let prices = rig.fates().iter().filter(|fate| fate.routing_key == "order.price_calculated").count();
        assert_eq!(prices, if idempotent_consumers { 1 } else { 2 });
        let acks = rig.named("ack orders:order.submitted:mes.orders");
        assert_eq!(acks.iter().map(failure).collect::<Vec<_>>(), [Some("406"), None]);
        let second = rig.named("process orders:order.submitted:mes.orders").remove(1);
        assert!(flag(&second.attributes, "alexandrite.amqp.redelivered"));
        assert_eq!(flag(&second.attributes, "duplicate"), idempotent_consumers);
        rig.check_spans(&[("mes", &[MES_API])]);
    }
}

#[test]
fn one_consumer_calculates_one_price_at_a_time_and_several_do_several() {
    for (mes_consumers, begun) in [(1, 1), (3, 3)] {
        for pricing in [Pricing::Blocking, Pricing::Asynchronous] {
            let mut rig = slow_factory(Architecture { mes_consumers, pricing, ..AS_IS }, 20 * MINUTE);
            for n in 1..=4 {
                let id = format!("o-{n}");
                let order = contracts::OrderEvent {
                    order_id: id.as_str().into(),
                    order_ref: id.as_str().into(),
                    ..event(Status::Submitted)
                };
                rig.publish(&order, &format!("e-{n}"));
            }
            rig.pass(MINUTE);
            let running = jobs(&rig).iter().filter(|(_, state)| state == "running").count();
            assert_eq!(running, begun, "{mes_consumers} {pricing:?}");
            rig.pass(2 * HOUR);
            assert!(jobs(&rig).iter().all(|(_, state)| state == "done"));
        }
    }
}

#[test]
fn an_approval_that_overtakes_its_order_waits_for_it_only_where_consumers_are_patient() {
    for (architecture, records) in [(TO_BE, 3), (Architecture { idempotent_consumers: false, ..TO_BE }, 2)] {
        let mut settings = settings(architecture);
        settings.pricing.max = Duration::from_secs(8);
        let mut rig = equipped(Rig::new(settings));
        rig.publish(&event(Status::ManufacturingApproved), "e-approve");
        rig.publish(&event(Status::Submitted), "e-submit");
        rig.pass(10 * MINUTE);
        assert_eq!(rig.history("mes"), [TAKEN, PRICED, "PRICE_CALCULATED>MANUFACTURING_APPROVED 5 e-approve"][..records]);
    }
}

#[test]
fn operators_take_an_order_through_the_bench_step_by_step() {
    let mut rig = factory(AS_IS);
    rig.publish(&event(Status::Submitted), "e-submit");
    rig.pass(HOUR);
    assert_eq!(rig.step(MES_API, "/orders/o-1/start", "e-start"), 409);
    rig.publish(&event(Status::ManufacturingApproved), "e-approve");
    rig.pass(MINUTE);
    for step in ["start", "complete", "package", "ship"] {
        let (path, event_id) = (format!("/orders/o-1/{step}"), format!("e-{step}"));
        assert_eq!([rig.step(MES_API, &path, &event_id), rig.step(MES_API, &path, &event_id)], [200, 200], "{step}");
        assert_eq!(rig.step(MES_API, &path, "e-other"), 409, "{step}");
    }
    let order = rig.rows::<Order>("mes").remove(0);
    assert_eq!((&*order.status, order.version, order.staff.as_deref()), ("SHIPPED", 9, Some("somebody")));
    let keys: Vec<_> = rig.fates().into_iter().map(|fate| fate.routing_key).skip(3).collect();
    assert_eq!(keys, ["order.manufacturing_started", "order.manufacturing_completed", "order.packaging", "order.shipped"]);
    // The other trace that a step follows from is known by the row alone.
    let start = rig.named("POST /orders/{id}/start").remove(1);
    let approval = rig.named("process orders:order.manufacturing_approved:mes.orders").remove(0);
    assert_eq!((start.links.len(), start.links[0].span_id), (1, approval.span_id));
    rig.check_spans(&[("mes", &[MES_API])]);
}

#[test]
fn a_price_needs_a_model_and_an_attempt() {
    let rig = factory(AS_IS);
    let ask = |file_ref: &str, attempt| {
        let asked = CalculatePrice { order_id: "o-1".into(), order_ref: "c-1".into(), file_ref: file_ref.into(), attempt };
        rig.call(MES, "POST", "/price", json(&asked)).status().as_u16()
    };
    assert_eq!([ask("models/o-1", 1), ask("models/o-9", 1), ask("models/o-1", 0)], [200, 422, 422]);
    assert_eq!(rig.call(MES, "POST", "/price", "[").status(), 400);
}

#[test]
fn an_order_whose_model_is_gone_is_never_priced_and_says_why() {
    for architecture in [AS_IS, TO_BE, Architecture { ack_after_work: true, ..AS_IS }] {
        let mut rig = without_models(Rig::new(settings(architecture)));
        rig.publish(&event(Status::Submitted), "e-submit");
        rig.pass(12 * HOUR);
        assert_eq!(rig.history("mes"), [TAKEN]);
        assert_eq!(jobs(&rig), [(1, "abandoned".to_owned())], "asked once: it does not come back by itself");
        assert!(rig.rows::<Order>("mes").iter().all(|order| order.price.is_none()));
        assert_eq!(rig.fates().len(), 1, "nobody is told of a price");

        let [read] = &rig.named("get models")[..] else { panic!("the model is read once") };
        assert_eq!((failure(read), text(&read.attributes, "order.id")), (Some("NoSuchKey"), Some("o-1")));
        let [client, server] = &rig.named("POST /price")[..] else { panic!("one call is two spans") };
        assert_eq!((failure(client), failure(server)), (Some("422"), Some("NoSuchKey")));
    }
}

#[test]
fn without_telemetry_the_same_happens() {
    for architecture in [AS_IS, TO_BE] {
        let happened = |mut rig: Rig| {
            rig.publish(&event(Status::Submitted), "e-submit");
            rig.pass(HOUR);
            rig.publish(&event(Status::ManufacturingApproved), "e-approve");
            rig.pass(MINUTE);
            rig.step(MES_API, "/orders/o-1/start", "e-start");
            rig.pass(MINUTE);
            let orders = rig.rows::<Order>("mes").into_iter().map(|order| Order { traceparent: None, ..order });
            let jobs = rig.rows::<PriceJob>("mes").into_iter().map(|job| PriceJob { traceparent: None, ..job });
            let spans = rig.spans().len();
            (orders.collect::<Vec<_>>(), jobs.collect::<Vec<_>>(), rig.history("mes"), rig.fates(), spans)
        };
        let traced = happened(equipped(Rig::new(settings(architecture))));
        let untraced = happened(equipped(Rig::untraced(settings(architecture))));
        assert_eq!((traced.0, traced.1, traced.2, traced.3), (untraced.0, untraced.1, untraced.2, untraced.3));
        assert!(traced.4 > 15 && untraced.4 == 0);
    }
}
