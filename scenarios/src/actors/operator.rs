//! An operator in the factory: takes an order, is busy at the bench for a part of its making, packs it and ships it later.

use std::{sync::Arc, time::Duration};

use contracts::Status;

use super::{
    Cast, Piece, carrier,
    intents::{Entry, Who},
};

/// Takes one order and works at the bench; what comes after matures without them. True when the order was taken.
pub(crate) async fn make(cast: &Arc<Cast>, piece: &Piece, by: &str) -> bool {
    let entry = cast.begin(&piece.order_ref, Who::Operator, Status::ManufacturingStarted);
    let next = (Who::Operator, Status::ManufacturingCompleted);
    let Some(entry) = cast.step(entry, piece, by, next).await else { return false };
    let bench = cast.draw("bench", &piece.order_ref, cast.people.bench);
    let making = cast.draw("manufacturing", &piece.order_ref, cast.people.manufacturing).max(bench);
    cast.rt().spawn("piece", mature(Arc::clone(cast), piece.clone(), by.to_owned(), making, entry));
    cast.rt().sleep(bench).await;
    true
}

/// Completes, packs and ships an order, each after its time; then it is the carrier's.
async fn mature(cast: Arc<Cast>, piece: Piece, by: String, making: Duration, complete: Entry) {
    cast.rt().sleep(making).await;
    let Some(package) = cast.step(complete, &piece, &by, (Who::Operator, Status::Packaging)).await else { return };
    cast.rt().sleep(cast.draw("packaging", &piece.order_ref, cast.people.packaging)).await;
    let Some(ship) = cast.step(package, &piece, &by, (Who::Operator, Status::Shipped)).await else { return };
    cast.rt().sleep(cast.draw("shipping", &piece.order_ref, cast.people.shipping)).await;
    let closer = carrier::closes(&cast, &piece);
    let Some(close) = cast.step(ship, &piece, &by, (closer, Status::Closed)).await else { return };
    carrier::deliver(&cast, &piece, close).await;
}
