//! A CRM manager: looks at a price and approves it, one order at a time.

use contracts::Status;

use super::{Cast, Piece, intents::Who};

/// Approves one order. True when it was done.
pub(crate) async fn approve(cast: &Cast, piece: &Piece, by: &str) -> bool {
    let entry = cast.begin(&piece.order_ref, Who::Seller, Status::ManufacturingApproved);
    cast.rt().sleep(cast.draw("seller", &piece.order_ref, cast.people.seller)).await;
    cast.last_step(entry, piece, by).await
}
