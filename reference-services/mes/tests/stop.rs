//! The factory is asked to end in the middle of its work.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use std::time::Duration;

use contracts::{
    Architecture, OrderEvent, Settings, Status,
    architecture::{Preset, Pricing},
    request::{CalculatePrice, Problem},
    services::{MES, MES_API},
    settings::{Ailment, Trouble},
    tables::PriceJob,
};
use faults::End;
use rig::{MINUTE, Rig, SECOND, event, failure, json, settings};
use simulated::DRIVER;
use world::http::HttpError;

const AS_IS: Architecture = Preset::AsIs.architecture();
const HOUR: Duration = Duration::from_secs(3600);

/// A factory in which each first calculation of the first hour takes 20 minutes, and three orders.
fn busy(architecture: Architecture) -> (Rig, std::sync::Arc<chassis::Service>) {
    let mut settings: Settings = settings(architecture);
    settings.pricing.trouble = vec![Trouble { from: Duration::ZERO, until: HOUR, share: 1.0, with: Ailment::Slow(20 * MINUTE) }];
    let mut rig = Rig::new(settings);
    let files = rig.sim.world(DRIVER, "driver").files;
    rig.drive(async move { files.put("models/o-1", "solid ring".into()).await.expect("it is put") });
    rig.start(MES, "mes-has-none", mes::pricing);
    let api = rig.start(MES_API, "mes", mes::api);
    for id in ["o-1", "o-2", "o-3"] {
        let order = OrderEvent { order_id: id.into(), order_ref: id.into(), ..event(Status::Submitted) };
        rig.publish(&order, &format!("e-{id}"));
    }
    rig.pass(MINUTE);
    (rig, api)
}

fn jobs(rig: &Rig) -> Vec<String> {
    rig.rows::<PriceJob>("mes").iter().map(|job| job.state.to_string()).collect()
}

/// Where the submissions are: those of other keys are answers.
fn submissions(rig: &Rig) -> Vec<End> {
    rig.fates().iter().filter(|fate| fate.routing_key == "order.submitted").map(|fate| fate.end).collect()
}

#[test]
fn what_is_at_work_finishes_and_the_rest_stays_in_the_queue() {
    for ack_after_work in [false, true] {
        let (mut rig, api) = busy(Architecture { ack_after_work, ..AS_IS });
        let stopping = rig.stop(&api, HOUR);
        assert!(rig.stopped(stopping), "20 minutes are enough");
        assert_eq!(rig.sim.now().as_secs() / 60, 20, "and it did not wait longer");
        assert_eq!(jobs(&rig), ["done"]);
        assert_eq!(submissions(&rig), [End::Acked, End::Ready, End::Ready]);
        let prices = rig.fates().iter().filter(|fate| fate.routing_key == "order.price_calculated").count();
        assert_eq!(prices, 1, "its price was announced");
        assert!(rig.spans().iter().all(|span| failure(span).is_none()));
        rig.check_spans(&[("mes", &[MES_API])]);
        rig.start_again(MES_API);
        rig.pass(HOUR);
        assert_eq!(jobs(&rig), ["done", "done", "done"]);
        assert_eq!(submissions(&rig), [End::Acked; 3]);
        rig.check_spans(&[("mes", &[MES_API])]);
    }
}

#[test]
fn what_outlasts_the_grace_says_so_and_goes_back_where_it_came_from() {
    for (pricing, left) in [(Pricing::Blocking, "running"), (Pricing::Asynchronous, "queued")] {
        let (mut rig, api) = busy(Architecture { ack_after_work: true, idempotent_consumers: true, pricing, ..AS_IS });
        let stopping = rig.stop(&api, MINUTE);
        assert!(!rig.stopped(stopping));
        assert_eq!(jobs(&rig)[0], left);
        assert!(submissions(&rig).iter().all(|end| matches!(end, End::Ready | End::Acked)));
        let cut: Vec<_> = rig.spans().iter().filter_map(failure).collect();
        assert_eq!(cut, ["stopping"]);
        rig.start_again(MES_API);
        rig.pass(2 * HOUR);
        rig.check_spans(&[("mes", &[MES_API])]);
        assert_eq!(rig.history("mes").iter().filter(|line| line.contains("PRICE_CALCULATED")).count(), 3);
        assert_eq!(submissions(&rig), [End::Acked; 3]);
    }
}

#[test]
fn what_was_acknowledged_before_the_work_is_lost_when_the_grace_is_too_short() {
    let (rig, api) = busy(AS_IS);
    let stopping = rig.stop(&api, MINUTE);
    assert!(!rig.stopped(stopping));
    rig.start_again(MES_API);
    rig.pass(HOUR);
    assert_eq!(jobs(&rig), ["abandoned", "done", "done"]);
}

#[test]
fn a_request_that_was_taken_is_answered_and_no_other_is_taken() {
    for (grace, status) in [(HOUR, 200), (SECOND, 503)] {
        let mut rig = Rig::new(settings(AS_IS));
        let pricing = rig.start(MES, "mes-has-none", mes::pricing);
        let (files, http) = (rig.sim.world(DRIVER, "driver").files, rig.sim.world(DRIVER, "driver").http);
        rig.drive(async move { files.put("models/o-1", "solid ring".into()).await.expect("it is put") });
        let ask = |attempt| {
            let asked =
                CalculatePrice { order_id: "o-1".into(), order_ref: "c-1".into(), file_ref: "models/o-1".into(), attempt };
            http::Request::builder().method("POST").uri("/price").body(json(&asked)).expect("it is a request")
        };
        let caller = rig.sim.world(DRIVER, "driver").rt;
        let (first, link) = (ask(1), std::sync::Arc::clone(&http));
        let taken = caller.spawn("first", async move { link.call(MES, first).await });
        rig.pass(SECOND);
        let stopping = rig.stop(&pricing, grace);
        rig.pass(SECOND / 2);
        let second = ask(2);
        let refused = rig.drive(async move { http.call(MES, second).await });
        assert_eq!(refused.map(|answer| answer.status()), Err(HttpError::Refused(MES.to_owned())));
        assert_eq!(rig.stopped(stopping), status == 200);
        let answer = rig.drive(taken.join()).expect("the caller lives").expect("it is answered");
        assert_eq!(answer.status(), status);
        if status == 503 {
            let problem: Problem = serde_json::from_slice(answer.body()).expect("it says why");
            assert_eq!(problem.r#type, "/problems/stopping");
            assert_eq!(failure(&rig.named("POST /price")[0]), Some("stopping"));
        }
    }
}
