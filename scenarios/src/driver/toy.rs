//! A toy house: one router answers for all services, and what one side records the other side knows at once.
//!
//! It makes the driver's world small enough to say exactly what a test wants: which steps are refused, and who is never told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post, put},
};
use contracts::{
    Status, message,
    request::{API_PARTNER, CreateOrder, ListOrders, OrderView, PartnerOrder, RETAIL},
    services,
    tables::{self, Order, Transition, order},
};
use simulated::{Config, DRIVER, Pumped, Simulation};
use world::{
    Node, Runtime,
    record::{self, Serial},
    store::{Direction, Expect, Scan, Store, Value},
};

use super::{DriveError, Progress, drive};
use crate::{Scenario, Stage, actors::intents::Who, ledger::Ledger};

/// How the house behaves. Steps are named by order reference and state.
#[derive(Default)]
pub(super) struct Rules {
    /// The status a step is refused with, and how often.
    pub(super) refused: BTreeMap<(String, Status), (u16, u32)>,
    /// States that the other side never learns of.
    pub(super) untold: BTreeSet<(String, Status)>,
}

pub(super) struct Toy {
    shop: Arc<dyn Store>,
    mes: Arc<dyn Store>,
    rt: Runtime,
    rules: Mutex<Rules>,
    /// Steps asked for, in the order of asking.
    pub(super) asked: Mutex<Vec<(String, Status)>>,
    /// How often somebody asked how an order is.
    pub(super) questions: AtomicUsize,
}

/// Plays a scenario in a toy house; `change` may replace parts of the stage.
pub(super) fn play(scenario: &Scenario, rules: Rules, change: impl FnOnce(&mut Stage)) -> (Ledger, Arc<Toy>) {
    let (ledger, toy) = try_play(scenario, rules, change);
    (ledger.unwrap(), toy)
}

/// The same, where the run may fail.
pub(super) fn try_play(
    scenario: &Scenario,
    rules: Rules,
    change: impl FnOnce(&mut Stage),
) -> (Result<Ledger, DriveError>, Arc<Toy>) {
    let simulation = Simulation::new(&Config::new(scenario.seed));
    let mut stage = Stage {
        world: simulation.world(DRIVER, "shop"),
        shop: simulation.store("shop"),
        mes: simulation.store("mes"),
        nemesis: simulation.nemesis(),
        messages: simulation.messages(),
        people: None,
    };
    change(&mut stage);
    let toy = Arc::new(Toy {
        shop: Arc::clone(&stage.shop),
        mes: Arc::clone(&stage.mes),
        rt: stage.world.rt.clone(),
        rules: Mutex::new(rules),
        asked: Mutex::default(),
        questions: AtomicUsize::new(0),
    });
    for service in services::ALL {
        let router = router(&toy);
        simulation.start(Node::first(service), "shop", move |world| {
            let router = router.clone();
            world.rt.clone().spawn("serve", async move { world.http.serve(router).await });
        });
    }
    let scenario = Arc::new(scenario.clone());
    let run = async move {
        stage.shop.migrate(&tables::SHOP).await.unwrap();
        stage.mes.migrate(&tables::MES).await.unwrap();
        drive(stage, scenario, Arc::new(Progress::default())).await
    };
    let driven = simulation.drive(DRIVER, "drive", run);
    assert_eq!(simulation.run_until(Duration::MAX), Ok(Pumped::Done));
    (driven.take().unwrap(), toy)
}

fn router(toy: &Arc<Toy>) -> Router {
    Router::new()
        .route("/orders", post(create).get(list))
        .route("/partner/orders", post(partner))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/model", put(model).post(model))
        .route("/orders/{id}/{verb}", post(step))
        .route("/partner/orders/{id}/{verb}", post(step))
        .with_state(Arc::clone(toy))
}

async fn create(State(toy): State<Arc<Toy>>, Json(create): Json<CreateOrder>) -> (StatusCode, Json<OrderView>) {
    toy.begin(create.order_ref, create.customer, RETAIL).await
}

/// An order with its model.
async fn partner(
    State(toy): State<Arc<Toy>>,
    Json(order): Json<PartnerOrder>,
) -> Result<(StatusCode, Json<OrderView>), StatusCode> {
    if let Some(status) = toy.refused(&(order.order_ref.to_string(), Status::Initiated)) {
        return Err(status);
    }
    let (status, view) = toy.begin(order.order_ref, order.customer, API_PARTNER).await;
    toy.enter(&view.order_id, Status::FileUploaded).await;
    Ok((status, view))
}

async fn model(State(toy): State<Arc<Toy>>, Path(id): Path<String>) -> StatusCode {
    toy.enter(&id, Status::FileUploaded).await
}

async fn step(State(toy): State<Arc<Toy>>, Path((id, verb)): Path<(String, String)>) -> StatusCode {
    let leads = |status: &Status| [Who::Carrier, Who::Seller].into_iter().any(|who| crate::actors::verb(*status, who) == verb);
    let to = Status::ALL.into_iter().find(|status| leads(status) && *status >= Status::Submitted).unwrap();
    let status = toy.enter(&id, to).await;
    if status == StatusCode::OK && to == Status::Submitted {
        toy.rt.clone().spawn("price", async move {
            toy.rt.sleep(Duration::from_secs(150)).await;
            toy.enter(&id, Status::PriceCalculated).await;
        });
    }
    status
}

/// How an order is; who asks leaves no trace in what was asked for.
async fn order(State(toy): State<Arc<Toy>>, Path(id): Path<String>) -> Json<OrderView> {
    toy.questions.fetch_add(1, Ordering::Relaxed);
    let row = load(&*toy.shop, &id).await.unwrap();
    let status = row.status.parse().unwrap();
    Json(OrderView { order_id: row.id, order_ref: row.order_ref, status, version: row.version })
}

async fn list(State(toy): State<Arc<Toy>>, Query(query): Query<ListOrders>) -> Json<Vec<OrderView>> {
    let status = query.status.unwrap();
    let store = if status == Status::PriceCalculated { &toy.shop } else { &toy.mes };
    let direction = if query.newest_first { Direction::Descending } else { Direction::Ascending };
    let scan = Scan {
        equals: vec![(order::status, Value::text(status.name()))],
        order_by: Some((order::updated_ns, direction)),
        limit: Some(query.limit),
        offset: (query.page - 1) * query.limit,
        ..Scan::default()
    };
    let mut tx = record::begin(&**store).await.unwrap();
    let rows = record::scan::<Order>(&mut *tx, scan).await.unwrap();
    let view = |order: Order| OrderView { order_id: order.id, order_ref: order.order_ref, status, version: order.version };
    Json(rows.into_iter().map(|(order, _)| view(order)).collect())
}

impl Toy {
    /// The status that the rules refuse a step with, this time.
    fn refused(&self, step: &(String, Status)) -> Option<StatusCode> {
        let mut rules = self.rules.lock().unwrap();
        let (status, left) = rules.refused.get_mut(step).filter(|(_, left)| *left > 0)?;
        *left -= 1;
        StatusCode::from_u16(*status).ok()
    }

    /// A new order.
    async fn begin(&self, order_ref: Arc<str>, customer: Arc<str>, client_type: &str) -> (StatusCode, Json<OrderView>) {
        let id: Arc<str> = format!("o-{order_ref}").into();
        let row = Order {
            id: Arc::clone(&id),
            order_ref: Arc::clone(&order_ref),
            client_type: client_type.into(),
            customer,
            status: "".into(),
            version: 0,
            file_ref: None,
            file_size: None,
            price: None,
            staff: None,
            relay: Some("claimed".into()),
            updated_ns: 0,
            traceparent: None,
        };
        self.write(&*self.shop, row, Status::Initiated, true).await;
        (StatusCode::CREATED, Json(OrderView { order_id: id, order_ref, status: Status::Initiated, version: 1 }))
    }

    /// A step of an order, by its owner's own record; the other side learns of it at once, unless the rules say otherwise.
    async fn enter(&self, id: &str, to: Status) -> StatusCode {
        let step = (id.trim_start_matches("o-").to_owned(), to);
        self.asked.lock().unwrap().push(step.clone());
        if let Some(status) = self.refused(&step) {
            return status;
        }
        let (own, other) = if to.owner() == "MES" { (&self.mes, &self.shop) } else { (&self.shop, &self.mes) };
        let Some(row) = load(&**own, id).await.filter(|row| to.previous().is_some_and(|before| *row.status == *before.name()))
        else {
            return StatusCode::CONFLICT;
        };
        self.write(&**own, row.clone(), to, false).await;
        let told = !self.rules.lock().unwrap().untold.contains(&step);
        if message::routing_key(to).is_some() && told {
            let known = load(&**other, id).await;
            if to == Status::Submitted || known.as_ref().is_some_and(|row| row.version == to as i64) {
                self.write(&**other, known.clone().unwrap_or(row), to, known.is_none()).await;
            }
        }
        StatusCode::OK
    }

    async fn write(&self, store: &dyn Store, row: Order, to: Status, new: bool) {
        let at_ns = i64::try_from(self.rt.wall_ns()).unwrap();
        let version = to as i64 + 1;
        let row = Order { status: to.name().into(), version, updated_ns: at_ns, ..row };
        let transition = Transition {
            seq: Serial(0),
            order_id: Arc::clone(&row.id),
            from_status: to.previous().map(|before| before.name().into()),
            to_status: to.name().into(),
            version,
            event_id: format!("{}:{to}", row.id).into(),
            at_ns,
            service: "toy".into(),
        };
        let mut tx = record::begin(store).await.unwrap();
        if new {
            record::insert(&mut *tx, &row).await.unwrap();
        } else {
            record::update(&mut *tx, &row, Expect::Any).await.unwrap();
        }
        record::insert(&mut *tx, &transition).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn load(store: &dyn Store, id: &str) -> Option<Order> {
    let mut tx = record::begin(store).await.unwrap();
    let key = Scan { equals: vec![(order::id, Value::text(id))], ..Scan::default() };
    record::scan::<Order>(&mut *tx, key).await.unwrap().pop().map(|(row, _)| row)
}
