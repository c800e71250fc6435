//! A CRM manager: looks at a price and approves it, one order at a time. A delivery that no carrier has called about takes no
//! more than a click, some time later.

use std::time::Duration;

use contracts::Status;

use super::{
    Cast, Piece,
    intents::{Entry, Who},
};

/// Approves one order, which was taken in hand at a moment. True when it was done.
pub(crate) async fn approve(cast: &Cast, piece: &Piece, by: &str, taken: Duration) -> bool {
    let entry = cast.begin(&piece.order_ref, Who::Seller, Status::ManufacturingApproved);
    let meant = taken + cast.draw("seller", &piece.order_ref, cast.people.seller);
    cast.rt().sleep_until(meant).await;
    cast.last_step(entry, piece, by, meant).await
}

/// Closes one order by hand. True when it was done.
pub(crate) async fn close(cast: &Cast, piece: &Piece, entry: Entry) -> bool {
    let meant = cast.think("closing", &piece.order_ref, cast.people.closing).await;
    let whose = cast.rt().random("closing-seller", &piece.order_ref).below(cast.people.sellers.into()) + 1;
    cast.last_step(entry, piece, &format!("seller-{whose}"), meant).await
}
