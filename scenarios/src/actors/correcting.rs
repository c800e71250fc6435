//! A customer who has found a better model: sends it, and does not wait until it is stored before sending the order off.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use contracts::Status;
use faults::{Effect, What};
use http::Method;

use super::{Cast, Piece, intents::Who, request};

/// The better model: another size than [`models::MODEL`](super::models::MODEL) has.
const BETTER: &str = "solid better ring\nendsolid better ring\n";
/// From sending it to the next click.
const A_MOMENT: Duration = Duration::from_secs(1);

/// Begins to send a better model, where the customer of an order is one who does so at present; when the next click is meant
/// then.
pub(crate) async fn begin(cast: &Arc<Cast>, piece: &Piece) -> Option<Duration> {
    let now = cast.rt().now();
    let (fault, _) = cast.customers.corrects(now).find(|(fault, share)| cast.among(*share, fault, &piece.order_ref))?;
    cast.note(vec![Effect {
        fault: fault.to_owned(),
        at_ns: cast.now_ns(),
        what: What::WorkedOtherwise { pool: "customer".to_owned() },
        order_id: Some(piece.order_id.to_string()),
        hop: None,
    }]);
    // Meant as any other step is: the run waits for it.
    let entry = cast.begin(&piece.order_ref, Who::Customer, Status::FileUploaded);
    let (rt, sender, piece) = (cast.rt().clone(), Arc::clone(cast), piece.clone());
    drop(rt.spawn("correction", async move {
        let path = ["/orders/", &piece.order_id, "/model"].concat();
        let better = request(Method::PUT, &path, "model/stl", Bytes::from_static(BETTER.as_bytes()));
        let end = sender.insist(&entry, better, 0, now).await;
        sender.strike(entry, &end);
    }));
    Some(cast.pause(A_MOMENT).await)
}
