//! As-is: the CRM looks into the shop's table for submitted orders and tells the factory of each, once.
//!
//! No protocol carries a trace context through a table, so the row does.

use std::sync::Arc;

use chassis::{
    Service,
    announce::announcement,
    describe,
    planted::{self, Bug},
    publisher::Announcement,
    record::column,
    shutdown::Counted,
};
use contracts::{
    Status,
    tables::{Order, RELAY_CLAIMED, Transition, order, transition},
};
use opentelemetry::trace::SpanContext;
use world::{
    record::{self, Record},
    store::{Direction, Expect, Scan, StoreError, Tx, Value},
};

/// How many orders one look takes.
const BATCH: usize = 100;

/// Starts the relay.
pub(crate) fn relay(service: &Arc<Service>) {
    let (relay, counted) = (Arc::clone(service), service.shutdown.count());
    drop(service.world.rt.spawn("submitted-relay", async move { run(&relay, counted).await }));
}

async fn run(service: &Service, _counted: Counted) {
    let unseen = unseen();
    while !service.shutdown.requested() {
        match claim(service).await {
            Ok(claimed) => {
                for (context, announcement) in &claimed {
                    if planted::bites(Bug::ClaimedUnsent, &announcement.order_id) {
                        continue;
                    }
                    // Whoever claimed it is the only one to send it: what fails here is never sent.
                    drop(service.publisher.announce(service, context, announcement).await);
                }
                if claimed.len() < BATCH {
                    let change = service.world.store.poll(Order::TABLE, &unseen, service.settings.poll);
                    service.unless_stopped(change).await;
                }
            }
            Err(_) => drop(service.unless_stopped(service.world.rt.sleep(service.settings.reconnect)).await),
        }
    }
}

/// What submitted orders look like that the relay has not seen.
fn unseen() -> Vec<(usize, Value)> {
    vec![(order::status, Value::Text(column(Status::Submitted))), (order::relay, Value::Null)]
}

/// Marks submitted orders as seen, and says what is to be sent for them.
async fn claim(service: &Service) -> Result<Vec<(SpanContext, Announcement)>, StoreError> {
    let mut tx = record::begin(&*service.world.store).await?;
    let scan = Scan {
        equals: unseen(),
        order_by: Some((order::updated_ns, Direction::Ascending)),
        limit: Some(BATCH),
        claim: true,
        ..Scan::default()
    };
    let orders = record::scan::<Order>(&mut *tx, scan).await?;
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let context = |order: &Order| service.world.telemetry.parse(order.traceparent.as_deref());
    let spans: Vec<_> = orders
        .iter()
        .map(|(order, _)| describe::commit(service, &context(order), Order::TABLE.name, &order.id, Some(&order.client_type)))
        .collect();
    let outcome = mark(tx, &orders).await;
    for span in spans {
        describe::committed(span, &outcome);
    }
    let events = outcome?;
    let told = orders.iter().zip(&events);
    Ok(told
        .filter_map(|((order, _), event_id)| Some((context(order), announcement(order, Status::Submitted, event_id)?)))
        .collect())
}

/// Writes the marks, and reads under which event ids the orders were submitted.
async fn mark(mut tx: Box<dyn Tx>, orders: &[(Order, i64)]) -> Result<Vec<Arc<str>>, StoreError> {
    let mut events = Vec::with_capacity(orders.len());
    for (order, version) in orders {
        let claimed = Order { relay: Some(RELAY_CLAIMED.into()), ..order.clone() };
        record::update(&mut *tx, &claimed, Expect::Version(*version)).await?;
        let equals = vec![
            (transition::order_id, Value::Text(order.id.clone())),
            (transition::to_status, Value::Text(order.status.clone())),
        ];
        let submitted = record::scan::<Transition>(&mut *tx, Scan { equals, ..Scan::default() }).await?;
        events.push(submitted.into_iter().next().map_or_else(|| order.id.clone(), |(row, _)| row.event_id));
    }
    tx.commit().await?;
    Ok(events)
}
