//! Alternate exchanges.

use world::broker::{Exchange, ExchangeKind, Message, Publish, Queue, Sent, Topology};

use crate::stage::{drain, message, numbers, run_new};

#[test]
fn what_an_exchange_cannot_route_its_alternate_exchange_can_and_that_counts_as_routed() {
    run_new(|world, _| async move {
        let channel = world.broker.connect().await.unwrap();
        let exchanges = [
            Exchange { kind: ExchangeKind::Direct, alternate: Some("strays"), ..Exchange::topic("orders") },
            Exchange { kind: ExchangeKind::Fanout, ..Exchange::topic("strays") },
        ];
        let topology = Topology {
            exchanges: &exchanges,
            queues: &[Queue::classic("work"), Queue::classic("stray")],
            bindings: &[("orders", "order.work", "work"), ("strays", "", "stray")],
        };
        channel.declare(&topology).await.unwrap();
        let mandatory = Publish { confirm: true, mandatory: true };
        assert_eq!(channel.publish(message(0), mandatory).await, Ok(Sent::Confirmed));
        let lost = Message { routing_key: "order.lost".into(), ..message(1) };
        assert_eq!(channel.publish(lost, mandatory).await, Ok(Sent::Confirmed), "it is not returned");
        let stray = drain(&world, "stray").await;
        assert_eq!((numbers(&stray), &*stray[0].message.exchange), (vec![1], "orders"), "the message is as it was");
        assert_eq!(numbers(&drain(&world, "work").await), [0]);
    });
}

#[test]
fn a_binding_that_is_taken_away_makes_a_message_unroutable_and_it_is_confirmed_all_the_same() {
    run_new(|world, models| async move {
        let channel = crate::stage::channel(&world).await;
        assert!(models.management().unbind("orders", "order.work", "work"));
        assert!(!models.management().unbind("orders", "order.work", "work"));
        let answers = [(false, Sent::Confirmed), (true, Sent::Returned)];
        for (mandatory, expected) in answers {
            assert_eq!(channel.publish(message(0), Publish { confirm: true, mandatory }).await, Ok(expected));
        }
    });
}

#[test]
fn the_default_exchange_routes_to_the_queue_that_is_named_like_the_key() {
    run_new(|world, _| async move {
        let channel = crate::stage::channel(&world).await;
        let direct = Message { exchange: "".into(), routing_key: "other".into(), ..message(0) };
        let mandatory = Publish { confirm: true, mandatory: true };
        assert_eq!(channel.publish(direct.clone(), mandatory).await, Ok(Sent::Confirmed));
        let nowhere = Message { routing_key: "nowhere".into(), ..direct };
        assert_eq!(channel.publish(nowhere, mandatory).await, Ok(Sent::Returned));
        assert_eq!(numbers(&drain(&world, "other").await), [0]);
    });
}
