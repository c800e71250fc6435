//! What a request waits for before it has anything to commit: a connection, a lock that somebody else holds, a row.
//!
//! Each wait that is long enough to be told from the noise is a span of its own; where nothing is short there are none, so that a calm
//! run costs no spans for it.

use std::{sync::Arc, time::Duration};

use contracts::{attributes as name, tables::Order};
use opentelemetry::{
    KeyValue,
    trace::{SpanContext, SpanKind},
};
use world::{
    record::{self, Record as _},
    store::{StoreError, Tx},
    telemetry::Origin,
};

use crate::{Service, describe};

/// A shorter wait explains nothing that anybody would complain about.
const TELLING: Duration = Duration::from_millis(10);

/// The name of its span and of its operation.
type Wait = (&'static str, &'static str);

const CONNECTION: Wait = ("connect postgresql", "connect");
const LOCK: Wait = ("lock orders", "lock");
const ROW: Wait = ("SELECT orders", "SELECT");

/// Begins a transaction about an order, for the request or message whose span is `parent`.
///
/// # Errors
/// [`StoreError::Unavailable`] when there is no connection to be had.
pub async fn begin(service: &Service, parent: &SpanContext, order_id: &Arc<str>) -> Result<Box<dyn Tx>, StoreError> {
    telling(service, (parent, order_id), CONNECTION, record::begin(&*service.world.store)).await
}

/// An order's row and its version.
///
/// # Errors
/// Whatever the database says.
pub async fn load(
    service: &Service,
    tx: &mut dyn Tx,
    parent: &SpanContext,
    order_id: &Arc<str>,
) -> Result<Option<(Order, i64)>, StoreError> {
    telling(service, (parent, order_id), ROW, record::load(tx, order_id)).await
}

/// An order's row, read by whoever is going to change it: locked, where the architecture has that.
///
/// # Errors
/// Whatever the database says.
pub async fn to_change(
    service: &Service,
    tx: &mut dyn Tx,
    parent: &SpanContext,
    order_id: &Arc<str>,
) -> Result<Option<(Order, i64)>, StoreError> {
    if service.settings.architecture.row_lock {
        telling(service, (parent, order_id), LOCK, record::lock(tx, order_id)).await
    } else {
        load(service, tx, parent, order_id).await
    }
}

/// Waits, and tells of it afterwards where it took long.
async fn telling<T>(
    service: &Service,
    (parent, order_id): (&SpanContext, &Arc<str>),
    (span_name, operation): Wait,
    asked: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let (rt, telemetry) = (&service.world.rt, &service.world.telemetry);
    let (began, began_ns) = (rt.now(), rt.wall_ns());
    let outcome = asked.await;
    if telemetry.enabled() && rt.now() - began >= TELLING {
        let mut attributes = vec![KeyValue::new(name::ORDER_ID, order_id.clone())];
        attributes.extend(describe::statement(service, operation, Order::TABLE.name));
        let span = telemetry.start_at(began_ns, span_name.into(), SpanKind::Client, Origin::child_of(parent), attributes);
        describe::committed(span, &outcome);
    }
    outcome
}
