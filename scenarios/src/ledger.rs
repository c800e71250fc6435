//! The ledger: what really happened, order by order, from the databases, the message log, the faults and the actors' intents.
//!
//! It holds no trace context, no telemetry and no wall clock of this machine: the same run gives the same bytes whatever
//! its instrumentation. [`collect`] reads it, [`lines`] writes it, [`effects`] proves what faults did, [`latency`] counts.

mod collect;
mod effects;
pub mod latency;
mod lines;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use contracts::Status;
use faults::{Calculation, Deed, Effect, End, Fault, Outcome as Sent};
use serde::Serialize;

pub(crate) use collect::{collect, nothing_since};

use crate::{
    Scenario,
    actors::{
        intents::{Intent, Outcome},
        requests::Times,
    },
    lifecycle::Side,
};

/// What really happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// Begin of the run, nanoseconds since the Unix epoch.
    pub started_ns: u64,
    /// The instant up to which it tells, nanoseconds since the Unix epoch: the last open deadline has passed.
    pub end_ns: u64,
    /// What could still move when patience ran out; `None` when everything had come to rest.
    pub unsettled: Option<String>,
    /// No price calculation takes longer: one that still runs after this has died with its process.
    pub calculation_limit: Duration,
    /// Whether an unclaimed SUBMITTED row will be taken by a relay: as-is, without an outbox.
    pub relayed: bool,
    /// All orders, by reference. Those without an id were never created.
    pub orders: Vec<Account>,
    /// The faults, as they were inflicted.
    pub faults: Vec<FaultRun>,
    /// What the faults did, by time.
    pub effects: Vec<Effect>,
    /// How long people's requests took, by tag. No line of the ledger tells it.
    pub requests: Times,
}

/// A fault that was inflicted.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRun {
    /// Which one.
    pub fault: Fault,
    /// When it began, nanoseconds since the Unix epoch.
    pub inflicted_ns: u64,
    /// When the world had healed, nanoseconds since the Unix epoch.
    pub lifted_ns: u64,
}

/// All that happened to one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The client's own reference.
    pub order_ref: Arc<str>,
    /// The order's id; `None` when it was never created.
    pub order_id: Option<Arc<str>>,
    /// `retail` or `api_partner`.
    pub client_type: Arc<str>,
    /// Its row in Shop DB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shop_row: Option<RowState>,
    /// Its transitions in Shop DB.
    pub shop: Vec<Step>,
    /// Its row in MES DB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mes_row: Option<RowState>,
    /// Its transitions in MES DB.
    pub mes: Vec<Step>,
    /// Its price calculations.
    pub jobs: Vec<Job>,
    /// Events of it that still wait to be published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsent: Vec<Unsent>,
    /// Its messages, in the order of publishing.
    pub messages: Vec<Message>,
    /// What people meant to do for it.
    pub intents: Vec<Intent>,
}

/// Where an order's row stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowState {
    /// Its state.
    pub status: Status,
    /// Its version.
    pub version: i64,
    /// Whether the relay has claimed it.
    pub claimed: bool,
}

/// A transition, as a database has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The state it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Status>,
    /// The state it entered.
    pub to: Status,
    /// The order's version after.
    pub version: i64,
    /// Names the transition.
    pub event_id: Arc<str>,
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The writing service.
    pub service: Arc<str>,
}

/// A price calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// Which attempt, from 1.
    pub attempt: i64,
    /// `queued`, `running` or `done`.
    pub state: Arc<str>,
    /// When it was queued, nanoseconds since the Unix epoch.
    pub queued_ns: u64,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_ns: Option<u64>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_ns: Option<u64>,
}

/// An event in an outbox, not yet published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unsent {
    /// Names the event.
    pub event_id: Arc<str>,
    /// Its routing key.
    pub routing_key: Arc<str>,
}

/// The fate of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// AMQP `message-id`.
    pub message_id: Box<str>,
    /// Names the event over all attempts to deliver it.
    pub event_id: Box<str>,
    /// The state it announces.
    pub announces: Status,
    /// When the publish began, nanoseconds since the Unix epoch.
    pub published_ns: u64,
    /// What the publisher learned.
    pub sent: Sent,
    /// Its deliveries.
    pub deliveries: Vec<Delivery>,
    /// Where it is.
    pub end: End,
    /// Since when, nanoseconds since the Unix epoch.
    pub end_ns: u64,
}

/// One delivery of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// When, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// The node that got it.
    pub node: Arc<str>,
    /// It had been delivered before.
    pub redelivered: bool,
}

impl Ledger {
    /// Orders that were created: those that a run is about.
    pub fn initiated(&self) -> impl Iterator<Item = &Account> {
        self.orders.iter().filter(|account| account.order_id.is_some())
    }

    /// What never became an order: its first request was refused, or failed as often as anybody tries.
    pub fn refused(&self) -> impl Iterator<Item = &Account> {
        let given_up = |account: &&Account| account.intents.iter().any(|intent| intent.outcome == Outcome::GivenUp);
        self.orders.iter().filter(|account| account.order_id.is_none()).filter(given_up)
    }
}

impl Account {
    /// An order of which nothing is known yet.
    pub(crate) fn new(order_ref: Arc<str>, client_type: Arc<str>) -> Self {
        Self {
            order_ref,
            order_id: None,
            client_type,
            shop_row: None,
            shop: Vec::new(),
            mes_row: None,
            mes: Vec::new(),
            jobs: Vec::new(),
            unsent: Vec::new(),
            messages: Vec::new(),
            intents: Vec::new(),
        }
    }

    /// The transitions of one database.
    #[must_use]
    pub fn steps(&self, side: Side) -> &[Step] {
        match side {
            Side::Shop => &self.shop,
            Side::Mes => &self.mes,
        }
    }

    /// Transitions of one database that its row does not show any more: somebody has written it as it had been before them.
    pub(crate) fn overwritten(&self, side: Side) -> impl Iterator<Item = &Step> {
        let row = match side {
            Side::Shop => self.shop_row.as_ref(),
            Side::Mes => self.mes_row.as_ref(),
        };
        let shown = row.map_or(i64::MAX, |row| row.version);
        self.steps(side).iter().filter(move |step| step.version > shown)
    }

    /// When one database first recorded a state, nanoseconds since the Unix epoch.
    #[must_use]
    pub fn entered(&self, side: Side, status: Status) -> Option<u64> {
        self.steps(side).iter().find(|step| step.to == status).map(|step| step.at_ns)
    }
}

/// The longest that a price calculation can take, and a little more for the way there and back.
pub(crate) fn calculation_limit(scenario: &Scenario) -> Duration {
    let slow = scenario.faults.iter().filter_map(|fault| match fault.kind.deed() {
        Deed::Pricing(pricing) => match pricing.how {
            Calculation::Slow(takes) => Some(takes),
            Calculation::Fails => None,
            Calculation::Hangs => Some(fault.lasts),
        },
        _ => None,
    });
    slow.fold(scenario.pricing.max, Duration::max).mul_f64(1.1) + scenario.people.retry
}
