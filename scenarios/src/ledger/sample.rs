//! Hand-made ledgers: one order, made hop by hop.

use std::time::Duration;

use contracts::Status;
use faults::{End, Outcome as Sent};

use super::{Account, Delivery, Job, Ledger, Message, RowState, Step};
use crate::{
    actors::{
        intents::{Intent, Outcome, Who},
        requests::Times,
    },
    lifecycle::Side,
};

pub(crate) const MINUTE: u64 = 60_000_000_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;
pub(crate) const EPOCH: u64 = 1_767_571_200_000_000_000;

/// How far an order comes, and when: made hop by hop, so that a test can stop, repeat or delay any of them.
pub(crate) struct Order {
    pub(crate) account: Account,
    pub(crate) now: u64,
}

impl Order {
    pub(crate) fn new() -> Self {
        let mut account = Account::new("c-000001".into(), "retail".into());
        account.order_id = Some("o-1.1-1".into());
        Self { account, now: EPOCH }
    }

    /// An order whose price is known to the factory, each hop a second long.
    pub(crate) fn priced() -> Self {
        Self::submitted().told(Status::Submitted).calculated(MINUTE)
    }

    pub(crate) fn submitted() -> Self {
        Self::new().enters(Status::Initiated, 0).enters(Status::FileUploaded, 3 * MINUTE).enters(Status::Submitted, 10 * MINUTE)
    }

    /// An order that was closed after eight days.
    pub(crate) fn closed() -> Self {
        Self::made(10 * MINUTE)
    }

    /// The same, approved after a while.
    pub(crate) fn made(approval: u64) -> Self {
        Self::priced()
            .told(Status::PriceCalculated)
            .enters(Status::ManufacturingApproved, approval)
            .told(Status::ManufacturingApproved)
            .enters(Status::ManufacturingStarted, HOUR)
            .told(Status::ManufacturingStarted)
            .enters(Status::ManufacturingCompleted, 4 * DAY)
            .told(Status::ManufacturingCompleted)
            .enters(Status::Packaging, 4 * HOUR)
            .told(Status::Packaging)
            .enters(Status::Shipped, DAY)
            .told(Status::Shipped)
            .enters(Status::Closed, 3 * DAY)
    }

    pub(crate) fn enters(mut self, status: Status, after: u64) -> Self {
        self.now += after;
        let side = if status.owner() == "MES" { Side::Mes } else { Side::Shop };
        self.records(side, status)
    }

    pub(crate) fn records(mut self, side: Side, status: Status) -> Self {
        let version = status as i64 + 1;
        let event_id = format!("o-1.1-1:{status}").into();
        let step = Step { from: status.previous(), to: status, version, event_id, at_ns: self.now, service: "any".into() };
        let (row, steps) = match side {
            Side::Shop => (&mut self.account.shop_row, &mut self.account.shop),
            Side::Mes => (&mut self.account.mes_row, &mut self.account.mes),
        };
        steps.push(step);
        if row.as_ref().is_none_or(|row| row.version < version) {
            *row = Some(RowState { status, version, claimed: true });
        }
        self
    }

    /// The announcement is published, delivered and recorded, a second each.
    pub(crate) fn told(self, status: Status) -> Self {
        self.told_after(status, [1, 1, 1].map(|s| s * 1_000_000_000))
    }

    pub(crate) fn told_after(mut self, status: Status, [send, transit, process]: [u64; 3]) -> Self {
        self = self.publishes(status, send, Sent::Confirmed, End::Acked).delivered(transit);
        self.now += process;
        let side = if status.owner() == "MES" { Side::Shop } else { Side::Mes };
        self.records(side, status)
    }

    pub(crate) fn publishes(mut self, status: Status, after: u64, sent: Sent, end: End) -> Self {
        self.now += after;
        let n = self.account.messages.len();
        self.account.messages.push(Message {
            message_id: format!("m-{n}").into(),
            event_id: format!("o-1.1-1:{status}").into(),
            announces: status,
            published_ns: self.now,
            sent,
            deliveries: Vec::new(),
            end,
            end_ns: self.now,
        });
        self
    }

    pub(crate) fn delivered(mut self, after: u64) -> Self {
        self.now += after;
        let message = self.account.messages.last_mut().unwrap();
        let redelivered = !message.deliveries.is_empty();
        message.deliveries.push(Delivery { at_ns: self.now, node: "any-1.1".into(), redelivered });
        message.end_ns = self.now;
        self
    }

    pub(crate) fn begins_to_calculate(mut self, state: &str) -> Self {
        let attempt = self.account.jobs.len() as i64 + 1;
        let job = Job { attempt, state: state.into(), queued_ns: self.now, started_ns: Some(self.now), finished_ns: None };
        self.account.jobs.push(job);
        self
    }

    pub(crate) fn calculated(self, takes: u64) -> Self {
        let mut order = self.begins_to_calculate("done");
        order.now += takes;
        order.account.jobs.last_mut().unwrap().finished_ns = Some(order.now);
        order.enters(Status::PriceCalculated, 0)
    }

    pub(crate) fn means(mut self, who: Who, step: Status, outcome: Outcome) -> Self {
        let failed = Vec::new();
        self.account.intents.push(Intent { who, step, begun_ns: self.now, outcome, ended_ns: None, status: None, failed });
        self
    }

    pub(crate) fn ledger(self) -> Ledger {
        Ledger {
            started_ns: EPOCH,
            end_ns: EPOCH + 60 * DAY,
            unsettled: None,
            calculation_limit: Duration::from_secs(1_900),
            relayed: true,
            orders: vec![self.account],
            faults: Vec::new(),
            effects: Vec::new(),
            requests: Times::default(),
        }
    }
}
