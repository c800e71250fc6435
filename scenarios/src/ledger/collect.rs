//! Reads the ledger from the databases and the world's own accounts, page by page.

use contracts::{
    Status, message,
    tables::{OUTBOX_NEW, Order, Outbox, PriceJob, RELAY_CLAIMED, Transition, outbox},
};
use world::{
    record::{self, Record},
    store::{Scan, Store, StoreError, Value},
};

use super::{Account, Delivery, FaultRun, Job, Ledger, Message, RowState, Step, Unsent, calculation_limit, effects};
use crate::{
    Scenario, Stage,
    actors::{Cast, requests::Times},
    lifecycle::Side,
    numbers::Numbers,
};

/// Rows of a page.
const PAGE: usize = 50_000;

/// Accounts by order, while they are gathered.
struct Gathering {
    orders: Vec<Account>,
    /// The number of an order's id is its place.
    ids: Numbers,
}

/// Reads everything there is to know about a run up to now.
///
/// # Errors
/// When a database cannot be read.
pub(crate) async fn collect(
    (cast, stage): (&Cast, &Stage),
    scenario: &Scenario,
    faults: &[FaultRun],
    unsettled: Option<String>,
) -> Result<Ledger, StoreError> {
    let mut gathering = Gathering { orders: Vec::new(), ids: Numbers::default() };
    for (side, store) in [(Side::Shop, &*stage.shop), (Side::Mes, &*stage.mes)] {
        each::<Order>(store, Scan::default(), |row| gathering.order(side, row)).await?;
        each::<Transition>(store, Scan::default(), |row| gathering.transition(side, row)).await?;
        let new = Scan { equals: vec![(outbox::state, Value::text(OUTBOX_NEW))], ..Scan::default() };
        each::<Outbox>(store, new, |row| gathering.unsent(row)).await?;
    }
    each::<PriceJob>(&*stage.mes, Scan::default(), |row| gathering.job(row)).await?;
    gathering.messages(stage.messages.fates().await);
    let now = stage.world.rt.now();
    let end_ns = stage.world.rt.wall_ns();
    let mut ledger = Ledger {
        started_ns: end_ns.saturating_sub(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)),
        end_ns,
        unsettled,
        calculation_limit: calculation_limit(scenario),
        relayed: !scenario.architecture.outbox,
        orders: gathering.into_orders(cast),
        faults: faults.to_vec(),
        effects: Vec::new(),
        requests: Times::default(),
    };
    let recorded = [stage.nemesis.effects().await, cast.noted()].concat();
    ledger.effects = effects::of(&ledger, scenario, recorded);
    Ok(ledger)
}

/// Whether no database has a transition that the ledger does not know: then it is as true as it was.
///
/// # Errors
/// When a database cannot be read.
pub(crate) async fn nothing_since(cast: &Cast, ledger: &Ledger) -> Result<bool, StoreError> {
    for (side, store) in [(Side::Shop, &*cast.shop), (Side::Mes, &*cast.mes)] {
        let known = ledger.orders.iter().map(|account| account.steps(side).len()).sum();
        let mut tx = record::begin(store).await?;
        let new = Scan { limit: Some(1), offset: known, ..Scan::default() };
        if !record::scan::<Transition>(&mut *tx, new).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Hands each record of a table to `take`.
async fn each<R: Record>(store: &dyn Store, scan: Scan, mut take: impl FnMut(R)) -> Result<(), StoreError> {
    let mut tx = record::begin(store).await?;
    let mut after = None;
    loop {
        let page = tx.scan(R::TABLE, Scan { limit: Some(PAGE), after, ..scan.clone() }).await?;
        let rows = page.len();
        after = page.last().map(|(row, _)| row[0].clone());
        page.into_iter().for_each(|(row, _)| take(R::from_row(row)));
        if rows < PAGE {
            return Ok(());
        }
    }
}

impl Gathering {
    fn account(&mut self, order_id: &str) -> Option<&mut Account> {
        self.ids.known(order_id).map(|index| &mut self.orders[index])
    }

    fn order(&mut self, side: Side, row: Order) {
        let Ok(status) = row.status.parse::<Status>() else { return };
        let claimed = row.relay.as_deref() == Some(RELAY_CLAIMED);
        let state = RowState { status, version: row.version, claimed };
        let index = self.ids.number(&row.id);
        if index == self.orders.len() {
            self.orders.push(Account { order_id: Some(row.id), ..Account::new(row.order_ref, row.client_type) });
        }
        match side {
            Side::Shop => self.orders[index].shop_row = Some(state),
            Side::Mes => self.orders[index].mes_row = Some(state),
        }
    }

    fn transition(&mut self, side: Side, row: Transition) {
        let (Ok(to), Some(account)) = (row.to_status.parse(), self.account(&row.order_id)) else { return };
        let from = row.from_status.and_then(|from| from.parse().ok());
        let at_ns = unsigned(row.at_ns);
        let step = Step { from, to, version: row.version, event_id: row.event_id, at_ns, service: row.service };
        match side {
            Side::Shop => account.shop.push(step),
            Side::Mes => account.mes.push(step),
        }
    }

    fn unsent(&mut self, row: Outbox) {
        let unsent = Unsent { event_id: row.event_id, routing_key: row.routing_key };
        self.account(&row.order_id).into_iter().for_each(|account| account.unsent.push(unsent.clone()));
    }

    fn job(&mut self, row: PriceJob) {
        let job = Job {
            attempt: row.attempt,
            state: row.state,
            queued_ns: unsigned(row.queued_ns),
            started_ns: row.started_ns.map(unsigned),
            finished_ns: row.finished_ns.map(unsigned),
        };
        self.account(&row.order_id).into_iter().for_each(|account| account.jobs.push(job.clone()));
    }

    fn messages(&mut self, fates: Vec<faults::MessageFate>) {
        for fate in fates {
            let (Some(announces), Some(account)) = (message::announced(&fate.routing_key), self.account(&fate.order_id)) else {
                continue;
            };
            let delivery = |handover: faults::Handover| Delivery {
                at_ns: handover.at_ns,
                node: handover.node,
                redelivered: handover.redelivered,
            };
            account.messages.push(Message {
                message_id: fate.message_id.into(),
                event_id: fate.event_id.into(),
                announces,
                published_ns: fate.published_ns,
                sent: fate.sent,
                deliveries: fate.deliveries.into_iter().map(delivery).collect(),
                end: fate.end,
                end_ns: fate.end_ns,
            });
        }
    }

    /// With the actors' intents, by reference. Intents for orders that no database knows make an account without an id.
    fn into_orders(self, cast: &Cast) -> Vec<Account> {
        let mut orders = self.orders;
        let (mut refs, mut first) = (Numbers::default(), Vec::new());
        for (at, account) in orders.iter_mut().enumerate() {
            if refs.number(&account.order_ref) == first.len() {
                first.push(at);
            }
            account.jobs.sort_by_key(|job| job.attempt);
        }
        for (order_ref, intents) in cast.intents.all() {
            match refs.known(&order_ref) {
                Some(number) => orders[first[number]].intents = intents,
                None => {
                    let client = intents.first().map_or("", |intent| intent.who.client_type());
                    orders.push(Account { intents, ..Account::new(order_ref, client.into()) });
                }
            }
        }
        orders.sort_by(|a, b| a.order_ref.cmp(&b.order_ref));
        orders
    }
}

fn unsigned(ns: i64) -> u64 {
    u64::try_from(ns).unwrap_or(0)
}
