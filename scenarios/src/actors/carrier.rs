//! The carrier: brings the piece to the customer and calls the CRM back, which closes the order. Some never call; then a seller
//! closes it by hand.

use super::{
    Cast, Piece,
    intents::{Entry, Who},
    seller,
};

/// Who will close an order: it is known before the carrier leaves that nobody but one of the two means to.
pub(crate) fn closes(cast: &Cast, piece: &Piece) -> Who {
    if cast.among(cast.people.uncalled, "uncalled", &piece.order_ref) { Who::Seller } else { Who::Carrier }
}

/// Delivers one order, which is then closed.
pub(crate) async fn deliver(cast: &Cast, piece: &Piece, close: Entry) {
    let meant = cast.think("carrier", &piece.order_ref, cast.people.carrier).await;
    let closed = match close.who {
        // The carrier has said it, and does not hear that nobody else did.
        Who::Carrier if cast.unheard(&cast.carriers, piece, ("carrier", Who::Carrier.service())) => {
            cast.intents.give_up(close, None, cast.now_ns());
            false
        }
        Who::Carrier => cast.last_step(close, piece, "carrier-1", meant).await,
        _ => seller::close(cast, piece, close).await,
    };
    if closed {
        cast.progress.close();
    }
}
