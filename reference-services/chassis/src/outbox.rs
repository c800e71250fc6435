//! The relay of an outbox: publishes its rows in order, again and again until the broker has them.

use std::sync::Arc;

use bytes::Bytes;
use contracts::tables::{OUTBOX_NEW, OUTBOX_SENT, Outbox, outbox};
use serde::Deserialize;
use world::{
    record::{self, Record},
    store::{Expect, Scan, StoreError, Tx, Value},
};

use crate::{
    Service, describe,
    planted::{self, Bug},
    publisher::{Announcement, Unsent},
    shutdown::Counted,
    wire::Wire,
};

/// How many rows one transaction takes: they are locked until all of them are sent.
const BATCH: usize = 100;

/// Starts the relay of this service's database.
pub fn relay(service: &Arc<Service>) {
    let (relay, counted) = (Arc::clone(service), service.shutdown.count());
    drop(service.world.rt.spawn("outbox-relay", async move { run(&relay, counted).await }));
}

async fn run(service: &Service, _counted: Counted) {
    let waiting = waiting();
    while !service.shutdown.requested() {
        match turn(service).await {
            Ok(BATCH) => {}
            Ok(_) => {
                let change = service.world.store.poll(Outbox::TABLE, &waiting, service.settings.poll);
                service.unless_stopped(change).await;
            }
            // Rows wait, and no change of the table will say so.
            Err(_) => drop(service.unless_stopped(service.world.rt.sleep(service.settings.reconnect)).await),
        }
    }
}

/// What rows that wait look like.
fn waiting() -> Vec<(usize, Value)> {
    vec![(outbox::state, Value::text(OUTBOX_NEW))]
}

/// Why a turn ended with rows that are not sent.
enum Held {
    Store,
    Broker,
}

impl From<StoreError> for Held {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<Unsent> for Held {
    fn from(_: Unsent) -> Self {
        Self::Broker
    }
}

/// Sends what waits. A crash between the broker's word and ours sends a row again: the same event, another message.
async fn turn(service: &Service) -> Result<usize, Held> {
    let mut tx = record::begin(&*service.world.store).await?;
    let scan = Scan { equals: waiting(), limit: Some(BATCH), claim: true, ..Scan::default() };
    let waiting = record::scan::<Outbox>(&mut *tx, scan).await?;
    let mut sent = Vec::new();
    let mut outcome = Ok(());
    for (row, version) in &waiting {
        outcome = publish(service, row).await;
        if outcome.is_err() {
            break;
        }
        sent.push((row, *version));
    }
    if !sent.is_empty() {
        mark(service, tx, &sent).await?;
    }
    outcome?;
    Ok(waiting.len())
}

async fn publish(service: &Service, row: &Outbox) -> Result<(), Unsent> {
    if planted::bites(Bug::MarkedUnsent, &row.order_id) {
        return Ok(());
    }
    let announcement = Announcement {
        wire: Wire::of(&row.routing_key),
        event_id: row.event_id.clone(),
        order_id: row.order_id.clone(),
        client_type: whose(service, row),
        version: row.version,
        body: Bytes::copy_from_slice(row.body.as_bytes()),
    };
    let context = service.world.telemetry.parse(row.traceparent.as_deref());
    service.publisher.attempt(service, &context, &announcement).await
}

/// Whose order it is: for the span alone, so only where there is one.
fn whose(service: &Service, row: &Outbox) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    struct Whose {
        client_type: Arc<str>,
    }
    let enabled = service.world.telemetry.enabled();
    enabled.then(|| serde_json::from_str::<Whose>(&row.body).ok())?.map(|whose| whose.client_type)
}

/// Notes what the broker has. Only a failure is worth a span: the send itself has one.
async fn mark(service: &Service, mut tx: Box<dyn Tx>, sent: &[(&Outbox, i64)]) -> Result<(), StoreError> {
    let outcome = async {
        for (row, version) in sent {
            let row = Outbox { state: OUTBOX_SENT.into(), ..(*row).clone() };
            record::update(&mut *tx, &row, Expect::Version(*version)).await?;
        }
        tx.commit().await
    }
    .await;
    if let Err(cause) = &outcome {
        for (row, _) in sent {
            let context = service.world.telemetry.parse(row.traceparent.as_deref());
            describe::unwritten(service, &context, Outbox::TABLE.name, &row.order_id, cause);
        }
    }
    outcome
}
