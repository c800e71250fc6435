//! An operator in the factory: takes an order, is busy at the bench for a part of its making, packs it and ships it later.

use std::{sync::Arc, time::Duration};

use contracts::Status;
use serde::{Deserialize, Serialize};

use super::{
    Cast, Piece, carrier,
    intents::{Entry, Who},
};
use crate::apart::Told;

/// Takes one order, which came to hand at a moment, and works at the bench; what comes after matures without them. True when the
/// order was taken.
pub(crate) async fn make(cast: &Arc<Cast>, piece: &Piece, by: &str, meant: Duration) -> bool {
    let entry = cast.begin(&piece.order_ref, Who::Operator, Status::ManufacturingStarted);
    let next = (Who::Operator, Status::ManufacturingCompleted);
    let Some(entry) = cast.step(entry, piece, by, (meant, next)).await else { return false };
    let bench = cast.draw("bench", &piece.order_ref, cast.people.bench);
    let making = cast.draw("manufacturing", &piece.order_ref, cast.people.manufacturing).max(bench);
    let made = Made { piece: piece.clone(), by: by.to_owned(), due: cast.rt().now() + making };
    let (key, unfinished) = (entry.key(), made.clone());
    if !cast.others.tell(|| Told::Matures { key, made: unfinished }) {
        begin(cast, made, entry);
    }
    cast.rt().sleep(bench).await;
    true
}

/// A piece that is being made, in nobody's hands for the most of the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Which.
    pub piece: Piece,
    /// Its operator.
    pub by: String,
    /// When it will be complete, since the start of the run.
    pub due: Duration,
}

/// Lets a piece mature.
pub(crate) fn begin(cast: &Arc<Cast>, made: Made, complete: Entry) {
    cast.rt().spawn("piece", mature(Arc::clone(cast), made, complete));
}

/// Completes, packs and ships an order, each after its time; then it is the carrier's.
async fn mature(cast: Arc<Cast>, Made { piece, by, due }: Made, complete: Entry) {
    cast.rt().sleep_until(due).await;
    let Some(package) = cast.step(complete, &piece, &by, (due, (Who::Operator, Status::Packaging))).await else { return };
    let meant = cast.think("packaging", &piece.order_ref, cast.people.packaging).await;
    let Some(ship) = cast.step(package, &piece, &by, (meant, (Who::Operator, Status::Shipped))).await else { return };
    let meant = cast.think("shipping", &piece.order_ref, cast.people.shipping).await;
    let closer = carrier::closes(&cast, &piece);
    let Some(close) = cast.step(ship, &piece, &by, (meant, (closer, Status::Closed))).await else { return };
    carrier::deliver(&cast, &piece, close).await;
}
