//! The tables of the two databases.
//!
//! Shop DB is shared by shop-api and crm-api, as the company has it; MES DB is mes-api's. Both hold an order's row and an
//! append-only history of its transitions, so the same declarations serve both.

use std::sync::Arc;

use world::{
    record,
    record::{Record as _, Serial},
    store::Table,
};

/// Where a row of [`Order`] stands with the relay that publishes `order.submitted` (as-is, without an outbox).
pub const RELAY_CLAIMED: &str = "claimed";
/// An [`Outbox`] row that is not published yet.
pub const OUTBOX_NEW: &str = "new";
/// An [`Outbox`] row that the broker has.
pub const OUTBOX_SENT: &str = "sent";
/// A [`PriceJob`] that waits for a worker.
pub const JOB_QUEUED: &str = "queued";
/// A [`PriceJob`] that is being calculated.
pub const JOB_RUNNING: &str = "running";
/// A [`PriceJob`] that is done.
pub const JOB_DONE: &str = "done";
/// A [`PriceJob`] that nobody will finish: its process died within a message handler, or it cannot be calculated.
pub const JOB_ABANDONED: &str = "abandoned";

record! {
    /// An order as one side knows it.
    pub struct Order in "orders" [column order] {
        /// The order's id, made by shop-api.
        id: Arc<str>,
        /// The client's own reference.
        order_ref: Arc<str>,
        /// `retail` or `api_partner`.
        client_type: Arc<str>,
        /// Pseudonym of the customer.
        customer: Arc<str>,
        /// Its state, by name.
        status: Arc<str>,
        /// How many transitions it has made: the same number on both sides for the same state.
        version: i64,
        /// Where the 3D model is.
        file_ref: Option<Arc<str>>,
        /// How large it is, in bytes.
        file_size: Option<i64>,
        /// Price in cents.
        price: Option<i64>,
        /// Pseudonym of the seller or operator who took it.
        staff: Option<Arc<str>>,
        /// Where it stands with the relay; `NULL` until that has seen it.
        relay: Option<Arc<str>>,
        /// When it came into its state, nanoseconds since the Unix epoch.
        updated_ns: i64,
        /// W3C trace context of the last stage: no protocol carries one across a shared database.
        traceparent: Option<Arc<str>>,
    }
    index [order::status, order::updated_ns];
    unique [order::order_ref];
}

record! {
    /// A transition: written in the transaction that made it, never changed.
    pub struct Transition in "order_transition" [column transition] {
        /// Numbers the rows.
        seq: Serial,
        /// The order.
        order_id: Arc<str>,
        /// The state it left; `NULL` when it had none here.
        from_status: Option<Arc<str>>,
        /// The state it entered.
        to_status: Arc<str>,
        /// The order's version after.
        version: i64,
        /// Names the transition: the same in the message and in the span event.
        event_id: Arc<str>,
        /// When, nanoseconds since the Unix epoch, by the writing service's clock.
        at_ns: i64,
        /// The writing service.
        service: Arc<str>,
    }
    index [transition::order_id];
    unique;
}

record! {
    /// An event that waits to be published (to-be).
    pub struct Outbox in "outbox" [column outbox] {
        /// Numbers the rows: the order of publishing.
        seq: Serial,
        /// The event.
        event_id: Arc<str>,
        /// The order.
        order_id: Arc<str>,
        /// Its routing key.
        routing_key: Arc<str>,
        /// Its payload, JSON.
        body: Arc<str>,
        /// The order's version that it announces.
        version: i64,
        /// `new` or `sent`.
        state: Arc<str>,
        /// W3C trace context of the transition.
        traceparent: Option<Arc<str>>,
    }
    index [outbox::state];
    unique;
}

record! {
    /// A price calculation: one row for each attempt.
    pub struct PriceJob in "price_job" [column price_job] {
        /// `<order id>#<attempt>`.
        id: Arc<str>,
        /// The order.
        order_id: Arc<str>,
        /// Which attempt, from 1.
        attempt: i64,
        /// `queued`, `running`, `done` or `abandoned`.
        state: Arc<str>,
        /// When it was queued, nanoseconds since the Unix epoch.
        queued_ns: i64,
        /// When the calculation began.
        started_ns: Option<i64>,
        /// When it was done.
        finished_ns: Option<i64>,
        /// W3C trace context of the message that asked for it.
        traceparent: Option<Arc<str>>,
    }
    index [price_job::state, price_job::queued_ns] [price_job::order_id];
    unique;
}

/// The orders without the index that their lists need.
static BARE_ORDERS: Table = Table { indexed: false, ..*Order::TABLE };

/// The tables of Shop DB.
pub static SHOP: [&Table; 3] = [Order::TABLE, Transition::TABLE, Outbox::TABLE];
/// The tables of MES DB.
pub static MES: [&Table; 4] = [Order::TABLE, Transition::TABLE, Outbox::TABLE, PriceJob::TABLE];
static BARE_SHOP: [&Table; 3] = [&BARE_ORDERS, Transition::TABLE, Outbox::TABLE];
static BARE_MES: [&Table; 4] = [&BARE_ORDERS, Transition::TABLE, Outbox::TABLE, PriceJob::TABLE];

/// The tables of Shop DB, with the index of the order lists or without.
#[must_use]
pub fn shop(list_index: bool) -> &'static [&'static Table] {
    if list_index { &SHOP } else { &BARE_SHOP }
}

/// The tables of MES DB, with the index of the order lists or without.
#[must_use]
pub fn mes(list_index: bool) -> &'static [&'static Table] {
    if list_index { &MES } else { &BARE_MES }
}
