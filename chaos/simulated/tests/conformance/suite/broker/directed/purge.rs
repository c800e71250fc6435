//! Queues that somebody empties.

use world::broker::{Queue, Settle};

use super::{CONFIRM, KINDS, left, marks, message, next, open};
use crate::suite::broker::operator::Operator;

pub(crate) async fn a_purge_takes_what_is_ready_and_leaves_what_is_out(operator: &dyn Operator) {
    let client = operator.client().await;
    for (kind, name) in KINDS.into_iter().zip(["purged classic", "purged quorum"]) {
        let channel = open(&client, &[Queue { kind, ..Queue::classic(name) }]).await;
        for id in ["m-1", "m-2", "m-3"] {
            channel.publish(message(name, id), CONFIRM).await.unwrap();
        }
        let consumes = client.broker.connect().await.unwrap();
        let mut consumer = consumes.consume(name, 1).await.unwrap();
        let out = next(&client, &mut consumer).await;
        assert_eq!(marks(&out).0, "m-1", "{name}");
        operator.purge(name).await;
        channel.publish(message(name, "m-4"), CONFIRM).await.unwrap();
        // What was out when the others were thrown away can come back.
        out.settler.settle(Settle::Requeue).await.unwrap();
        assert_eq!(marks(&next(&client, &mut consumer).await).0, "m-1", "{name}");
        drop(consumer);
        consumes.close().await;
        let count = (kind == world::broker::QueueKind::Quorum).then_some(2);
        left(&client, &*channel, name, &[("m-1", true, count), ("m-4", false, None)]).await;
    }
}
