//! The carrier: brings the piece to the customer and calls the CRM back, which closes the order. Some never call; then a seller
//! closes it by hand.

use faults::{Effect, What};

use super::{
    Cast, Piece,
    intents::{Entry, Who},
    seller,
};

/// Who will close an order: it is known before the carrier leaves that nobody but one of the two means to.
pub(crate) fn closes(cast: &Cast, piece: &Piece) -> Who {
    if cast.among(cast.people.uncalled, "uncalled", &piece.order_ref) { Who::Seller } else { Who::Carrier }
}

impl Cast {
    /// Whether a call-back about this order gets lost: the carrier has said it, and does not hear that nobody else did.
    fn unheard(&self, piece: &Piece) -> bool {
        let now = self.rt().now();
        let lost = self.carriers.unheard(now).find(|(fault, share)| self.among(*share, fault, &piece.order_ref));
        let Some((fault, _)) = lost else { return false };
        let (from, to, how) = ("carrier".to_owned(), Who::Carrier.service().to_owned(), "unheard".to_owned());
        self.note(vec![Effect {
            fault: fault.to_owned(),
            at_ns: self.now_ns(),
            what: What::CallHit { from, to, how },
            order_id: Some(piece.order_id.to_string()),
            hop: None,
        }]);
        true
    }
}

/// Delivers one order, which is then closed.
pub(crate) async fn deliver(cast: &Cast, piece: &Piece, close: Entry) {
    cast.rt().sleep(cast.draw("carrier", &piece.order_ref, cast.people.carrier)).await;
    let closed = match close.who {
        Who::Carrier if cast.unheard(piece) => {
            cast.intents.give_up(close, None, cast.now_ns());
            false
        }
        Who::Carrier => cast.last_step(close, piece, "carrier-1").await,
        _ => seller::close(cast, piece, close).await,
    };
    if closed {
        cast.progress.close();
    }
}
