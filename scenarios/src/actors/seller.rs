//! A CRM manager: looks at a price and approves it, one order at a time. A delivery that no carrier has called about takes no
//! more than a click, some time later.

use contracts::Status;

use super::{
    Cast, Piece,
    intents::{Entry, Who},
};

/// Approves one order. True when it was done.
pub(crate) async fn approve(cast: &Cast, piece: &Piece, by: &str) -> bool {
    let entry = cast.begin(&piece.order_ref, Who::Seller, Status::ManufacturingApproved);
    cast.rt().sleep(cast.draw("seller", &piece.order_ref, cast.people.seller)).await;
    cast.last_step(entry, piece, by).await
}

/// Closes one order by hand. True when it was done.
pub(crate) async fn close(cast: &Cast, piece: &Piece, entry: Entry) -> bool {
    cast.rt().sleep(cast.draw("closing", &piece.order_ref, cast.people.closing)).await;
    let whose = cast.rt().random("closing-seller", &piece.order_ref).below(cast.people.sellers.into()) + 1;
    cast.last_step(entry, piece, &format!("seller-{whose}")).await
}
