//! The carrier: brings the piece to the customer and calls the CRM back, which closes the order.

use super::{Cast, Piece, intents::Entry};

/// Delivers one order and closes it.
pub(crate) async fn deliver(cast: &Cast, piece: &Piece, close: Entry) {
    cast.rt().sleep(cast.draw("carrier", &piece.order_ref, cast.people.carrier)).await;
    if cast.last_step(close, piece, "carrier-1").await {
        cast.progress.close();
    }
}
