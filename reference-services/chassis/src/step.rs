//! A step of an order that belongs to this side: somebody asks for it, once or again.

use std::sync::Arc;

use contracts::{
    Status,
    tables::{Order, Transition, transition},
};
use world::{
    Span, record,
    store::{Scan, StoreError, Tx, Value},
};

use crate::{
    Moved, Refusal, Service, Tries, describe,
    record::{Owner, Place, version},
    wait,
};

/// What became of a step.
#[derive(Clone, Debug)]
pub enum Stepped {
    /// The order has its new state.
    Now(Moved),
    /// It had been made before, under the same event id: nothing was done.
    Before(Order),
}

impl Stepped {
    /// The order after it.
    #[must_use]
    pub const fn order(&self) -> &Order {
        match self {
            Self::Now(moved) => &moved.order,
            Self::Before(order) => order,
        }
    }
}

/// What a span has said before a step of whose order it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    Nothing,
    /// What type of client the order is of.
    Client,
    /// All there is to say.
    All,
}

/// Moves an order into the state `to`, from the state before it, and says on the span whose order it is. `edit` sets what else
/// the step changes.
///
/// # Errors
/// [`Refusal::UnknownOrder`], [`Refusal::Illegal`] when it is in another state, [`Refusal::Store`].
pub async fn step(
    service: &Service,
    span: &mut Span,
    order_id: &Arc<str>,
    to: Status,
    event_id: &Arc<str>,
    edit: impl Fn(&mut Order) + Send + Sync,
) -> Result<Stepped, Refusal> {
    step_on(service, span, order_id, to, event_id, edit, Said::Nothing).await
}

/// The same, where the span may have said whose order it is.
///
/// # Errors
/// As [`step`].
pub async fn step_on(
    service: &Service,
    span: &mut Span,
    order_id: &Arc<str>,
    to: Status,
    event_id: &Arc<str>,
    edit: impl Fn(&mut Order) + Send + Sync,
    said: Said,
) -> Result<Stepped, Refusal> {
    let mut tries = Tries::default();
    loop {
        let outcome = attempt(service, span, order_id, to, event_id, &edit, if tries.none() { said } else { Said::All }).await;
        if tries.over(&outcome) {
            return outcome;
        }
    }
}

async fn attempt(
    service: &Service,
    span: &mut Span,
    order_id: &Arc<str>,
    to: Status,
    event_id: &Arc<str>,
    edit: &(impl Fn(&mut Order) + Send + Sync),
    said: Said,
) -> Result<Stepped, Refusal> {
    let mut tx = wait::begin(service, span.context(), order_id).await?;
    let Some((order, row)) = wait::to_change(service, &mut *tx, span.context(), order_id).await? else {
        return Err(Refusal::UnknownOrder(order_id.clone()));
    };
    match said {
        Said::Nothing => describe::order(service, span, &order),
        Said::Client => describe::customer(service, span, &order.customer),
        Said::All => {}
    }
    if said != Said::All {
        describe::follows(service, span, &order);
    }
    if to.previous().is_none_or(|previous| previous.name() != &*order.status) {
        describe::state(service, span, &order);
        if order.version >= version(to) && made(&mut *tx, order_id, to, event_id).await? {
            describe::duplicate(span);
            return Ok(Stepped::Before(order));
        }
        return Err(Refusal::Illegal { order_id: order.id, is: order.status, asked: to });
    }
    let mut moved = Moved::new(service, order, to, event_id.clone(), span.context());
    edit(&mut moved.order);
    moved.commit(service, span, tx, Place::Row(row), Owner::Here).await?;
    describe::state(service, span, &moved.order);
    Ok(Stepped::Now(moved))
}

/// Whether the transition into a state has been made under this event id.
async fn made(tx: &mut dyn Tx, order_id: &Arc<str>, to: Status, event_id: &Arc<str>) -> Result<bool, StoreError> {
    let equals = vec![(transition::order_id, Value::Text(order_id.clone()))];
    let history = record::scan::<Transition>(tx, Scan { equals, ..Scan::default() }).await?;
    Ok(history.iter().any(|(row, _)| row.event_id == *event_id && &*row.to_status == to.name()))
}
