//! How a transition is written: the order's row, its history, and with an outbox the event, in one transaction.

use std::sync::{Arc, LazyLock};

use contracts::{
    Status,
    tables::{OUTBOX_NEW, Order, Outbox, Transition},
};
use opentelemetry::trace::SpanContext;
use world::{
    Failpoint, Span,
    record::{self, Record as _, Serial},
    store::{Expect, StoreError, Tx},
};

use crate::{
    Service, announce, describe, log,
    planted::{self, Bug},
    wire::Wire,
};

/// An order that has changed its state.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The order after it.
    pub order: Order,
    /// The state it left; none when it had none here.
    pub from: Option<Arc<str>>,
    /// The state it entered.
    pub to: Status,
    /// Names the transition.
    pub event_id: Arc<str>,
}

/// Whose transition it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This side's: the other side is to hear of it.
    Here,
    /// The other side's, which has told us.
    There,
}

/// How the order's row comes into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// As a new row.
    New,
    /// In place of the row that had this version when it was read: what [`expected`] makes of that.
    Row(i64),
}

/// A state's name as a column's value, made once.
#[must_use]
pub fn column(status: Status) -> Arc<str> {
    static NAMES: LazyLock<[Arc<str>; 10]> = LazyLock::new(|| Status::ALL.map(|status| status.name().into()));
    NAMES[status as usize].clone()
}

/// The version that an order has in a state, the same on both sides.
#[must_use]
pub const fn version(status: Status) -> i64 {
    status as i64 + 1
}

/// The name of a transition that a machine makes.
#[must_use]
pub fn machine_event(order_id: &str, status: Status) -> Arc<str> {
    [order_id, ":", status.name()].concat().into()
}

/// What whoever changes an order's row expects of it, who read it in this version. Without the check the last writer wins, and what
/// the other one wrote meanwhile is gone, unless the row was locked.
#[must_use]
pub fn expected(service: &Service, version: i64) -> Expect {
    if service.settings.architecture.version_check { Expect::Version(version) } else { Expect::Any }
}

impl Moved {
    /// Moves an order into a state, in memory. `context` is where the next stage will hang.
    #[must_use]
    pub fn new(service: &Service, mut order: Order, to: Status, event_id: Arc<str>, context: &SpanContext) -> Self {
        let from = std::mem::replace(&mut order.status, column(to));
        order.version = version(to);
        order.updated_ns = service.wall_ns();
        order.traceparent = service.world.telemetry.traceparent(context).map(Arc::from);
        Self { order, from: Some(from), to, event_id }
    }

    /// Writes it; the caller commits.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else was quicker; whatever else the database says.
    pub async fn write(&self, service: &Service, tx: &mut dyn Tx, place: Place, owner: Owner) -> Result<(), StoreError> {
        match place {
            Place::New => record::insert(tx, &self.order).await?,
            Place::Row(version) => record::update(tx, &self.order, expected(service, version)).await?,
        }
        let transition = Transition {
            seq: Serial::default(),
            order_id: self.order.id.clone(),
            from_status: self.from.clone(),
            to_status: self.order.status.clone(),
            version: self.order.version,
            event_id: self.event_id.clone(),
            at_ns: self.order.updated_ns,
            service: service.name.clone(),
        };
        record::insert(tx, &transition).await?;
        match Wire::announcing(self.to) {
            Some(_) if planted::bites(Bug::OutboxRowForgotten, &self.order.id) => Ok(()),
            Some(wire) if owner == Owner::Here && service.settings.architecture.outbox => {
                record::insert(tx, &self.waiting(wire)).await
            }
            _ => Ok(()),
        }
    }

    /// Writes it, commits, and says so on the span it happens in and in the log.
    ///
    /// # Errors
    /// As [`Moved::write`], and when the commit fails: whether it took effect is then not known.
    pub async fn commit(
        &self,
        service: &Service,
        span: &mut Span,
        mut tx: Box<dyn Tx>,
        place: Place,
        owner: Owner,
    ) -> Result<(), StoreError> {
        let commit = describe::commit(service, span.context(), Order::TABLE.name, &self.order.id, Some(&self.order.client_type));
        let since_ns = service.world.telemetry.now_ns();
        let outcome = async {
            self.write(service, &mut *tx, place, owner).await?;
            if owner == Owner::Here && self.rolls_back(service) {
                // The news goes out before the commit that never comes. With an outbox it is a row, and goes with it.
                announce::announce(service, span.context(), self).await;
                return Err(StoreError::Unavailable("08006: the connection broke before the commit".to_owned()));
            }
            tx.commit().await
        }
        .await;
        describe::committed(commit, &outcome);
        outcome?;
        describe::moved(service, span, self);
        log::moved(service, span.context(), self, owner);
        log::committed(service, span.context(), self, since_ns);
        Ok(())
    }

    /// Whether a fault lets the transaction fail after what is said of it.
    fn rolls_back(&self, service: &Service) -> bool {
        let at = |wire: &'static Wire| Failpoint { key: wire.key, event_id: &self.event_id, order_id: &self.order.id };
        Wire::announcing(self.to).is_some_and(|wire| service.world.rt.fails_to_commit(at(wire)))
    }

    /// The event as a row that waits to be published.
    fn waiting(&self, wire: &'static Wire) -> Outbox {
        Outbox {
            seq: Serial::default(),
            event_id: self.event_id.clone(),
            order_id: self.order.id.clone(),
            routing_key: wire.key.into(),
            body: announce::payload(&self.order, self.to).into(),
            version: self.order.version,
            state: OUTBOX_NEW.into(),
            traceparent: self.order.traceparent.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_number_of_the_state() {
        assert_eq!(version(Status::Initiated), 1);
        assert_eq!(version(Status::Closed), 10);
        assert_eq!(&*column(Status::Packaging), "PACKAGING");
    }
}
