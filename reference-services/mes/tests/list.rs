//! What operators see of the orders: filtered, in order, page by page.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use std::time::Duration;

use contracts::{Status, architecture::Preset, request::OrderView, services::MES_API, tables::Order};
use rig::{MINUTE, Rig, settings};
use signals::span::integer;

const HOUR: Duration = Duration::from_secs(3600);

/// A factory with seven orders, one each hour; the last one has just come.
fn factory() -> Rig {
    let rig = Rig::new(settings(Preset::AsIs.architecture()));
    rig.start(MES_API, "mes", mes::api);
    for n in 1..=7 {
        let made = n % 2 == 0;
        let id: std::sync::Arc<str> = format!("o-{n}").into();
        rig.write(
            "mes",
            Order {
                order_ref: id.clone(),
                id,
                client_type: if n % 3 == 0 { "api_partner" } else { "retail" }.into(),
                customer: "u-1".into(),
                status: if made { Status::ManufacturingStarted } else { Status::ManufacturingApproved }.name().into(),
                version: 5 + i64::from(made),
                file_ref: None,
                file_size: None,
                price: None,
                staff: made.then(|| format!("operator-{}", n / 4).into()),
                relay: None,
                updated_ns: i64::try_from(simulated::EPOCH_NS + rig.sim.now().as_nanos() as u64).expect("it fits"),
                traceparent: None,
            },
        );
        if n < 7 {
            rig.pass(HOUR);
        }
    }
    rig
}

/// The numbers of the orders on a page, and where the next one is.
fn list(rig: &Rig, query: &str) -> (String, Option<String>) {
    let answer = rig.call(MES_API, "GET", &format!("/orders{query}"), "");
    assert_eq!(answer.status(), 200, "{query}");
    let orders: Vec<OrderView> = serde_json::from_slice(answer.body()).expect("it is a list");
    let next = answer.headers().get("link").map(|link| link.to_str().expect("it is text").to_owned());
    (orders.iter().map(|order| order.order_id.trim_start_matches("o-")).collect(), next)
}

#[test]
fn each_filter_leaves_out_what_does_not_pass_it() {
    let rig = factory();
    for (query, orders) in [
        ("", "7654321"),
        ("?newest_first=false", "1234567"),
        ("?status=MANUFACTURING_APPROVED", "7531"),
        ("?status=MANUFACTURING_STARTED&newest_first=false", "246"),
        ("?client_type=api_partner", "63"),
        ("?client_type=retail&status=MANUFACTURING_STARTED", "42"),
        ("?staff=operator-1", "64"),
        ("?staff=nobody", ""),
        ("?waiting_s=14400", "321"),
        ("?waiting_s=0", "7654321"),
        ("?waiting_s=14400&newest_first=false&status=MANUFACTURING_APPROVED", "13"),
        ("?status=CLOSED", ""),
    ] {
        assert_eq!(list(&rig, query).0, orders, "{query}");
    }
}

#[test]
fn an_order_is_shown_as_it_is_whatever_was_filtered_by() {
    let rig = factory();
    let answer = rig.call(MES_API, "GET", "/orders?limit=2", "");
    let orders: Vec<OrderView> = serde_json::from_slice(answer.body()).expect("it is a list");
    let shown: Vec<_> = orders.iter().map(|order| (order.status, order.version)).collect();
    assert_eq!(shown, [(Status::ManufacturingApproved, 5), (Status::ManufacturingStarted, 6)]);
}

#[test]
fn a_list_is_read_page_by_page_until_none_is_left() {
    let mut rig = factory();
    let mut query = "?newest_first=false&limit=3".to_owned();
    let mut pages = Vec::new();
    loop {
        let (orders, next) = list(&rig, &query);
        pages.push(orders);
        let Some(next) = next else { break };
        let (address, relation) = next.split_once(';').expect("a link has a relation");
        assert_eq!(relation, " rel=\"next\"");
        query = address.trim_matches(['<', '>']).trim_start_matches("/orders").to_owned();
    }
    assert_eq!(pages, ["123", "456", "7"]);
    rig.pass(MINUTE);
    let told: Vec<_> = rig
        .named("GET /orders")
        .iter()
        .map(|span| (integer(&span.attributes, "orders.page"), integer(&span.attributes, "orders.returned")))
        .collect();
    assert_eq!(told, [(Some(1), Some(3)), (Some(2), Some(3)), (Some(3), Some(1))]);
}
