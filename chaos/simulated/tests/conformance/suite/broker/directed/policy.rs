//! Policies.

use std::time::Duration;

use world::broker::{Arguments, Queue};

use super::{CONFIRM, KINDS, left, message, open};
use crate::suite::broker::operator::{Laid, Operator};

pub(crate) async fn a_policy_holds_beside_what_a_queue_was_declared_with(operator: &dyn Operator) {
    /// A policy is heard of a little later.
    const HEARD: Duration = Duration::from_secs(1);
    let client = operator.client().await;
    for (kind, name) in KINDS.into_iter().zip(["ruled classic", "ruled quorum"]) {
        let arguments = Arguments { max_length: Some(3), ..Arguments::NONE };
        let channel = open(&client, &[Queue { kind, ..Queue::classic(name) }.with(arguments)]).await;
        for id in ["m-1", "m-2", "m-3"] {
            channel.publish(message(name, id), CONFIRM).await.unwrap();
        }
        // The smaller length counts, and at once.
        operator.policy(name, Some(Laid { max_length: Some(2), ..Laid::default() })).await;
        client.rt.sleep(HEARD).await;
        operator.policy(name, None).await;
        client.rt.sleep(HEARD).await;
        channel.publish(message(name, "m-4"), CONFIRM).await.unwrap();
        // What is there keeps the time to live that it came with: none.
        operator.policy(name, Some(Laid { message_ttl: Some(Duration::from_millis(200)), max_length: Some(9) })).await;
        client.rt.sleep(HEARD).await;
        left(&client, &*channel, name, &[("m-2", false, None), ("m-3", false, None), ("m-4", false, None)]).await;
        operator.policy(name, None).await;
    }
}
