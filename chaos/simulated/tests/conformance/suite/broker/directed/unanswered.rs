//! Deliveries that nobody answers.

use std::time::Duration;

use world::broker::{Arguments, BrokerError, Queue, QueueKind, Settle};

use super::{CONFIRM, KINDS, marks, message, next, open};
use crate::suite::broker::operator::Operator;

pub(crate) async fn a_delivery_that_stays_unanswered_closes_its_channel(operator: &dyn Operator) {
    let client = operator.client().await;
    for (kind, name) in KINDS.into_iter().zip(["slow classic", "slow quorum"]) {
        let arguments = Arguments { consumer_timeout: Some(Duration::from_secs(2)), ..Arguments::NONE };
        let queue = Queue { kind, ..Queue::classic(name) }.with(arguments);
        let channel = open(&client, &[queue]).await;
        for id in ["m-1", "m-2", "m-3"] {
            channel.publish(message(name, id), CONFIRM).await.unwrap();
        }
        let receiver = client.broker.connect().await.unwrap();
        let mut consumer = receiver.consume(name, 2).await.unwrap();
        let late = next(&client, &mut consumer).await;
        drop(next(&client, &mut consumer).await);
        let closed = client.rt.timeout(Duration::from_secs(70), consumer.next()).await.expect("it closes").map(drop);
        let Err(BrokerError::ChannelClosed { code: 406, text }) = closed else { panic!("{closed:?}") };
        assert!(text.contains("timed out") && text.contains("2000 ms"), "{text}");
        let answered = late.settler.settle(Settle::Ack).await;
        assert!(matches!(answered, Err(BrokerError::ChannelClosed { code: 406, .. })), "{answered:?}");
        // Everything that the channel had out is back. A queue hears by itself that the channel is gone, maybe later than its client does:
        // what nobody had may be handed out first.
        let mut consumer = channel.consume(name, 3).await.unwrap();
        let mut deliveries = Vec::new();
        for _ in 0..3 {
            deliveries.push(next(&client, &mut consumer).await);
        }
        deliveries.sort_by(|a, b| a.message.message_id.cmp(&b.message.message_id));
        let count = (kind == QueueKind::Quorum).then_some(1);
        for (delivery, expected) in deliveries.into_iter().zip([("m-1", true, count), ("m-2", true, count), ("m-3", false, None)])
        {
            assert_eq!(marks(&delivery), expected, "{kind:?}");
            delivery.settler.settle(Settle::Ack).await.unwrap();
        }
    }
}
