//! Each rule once, seen by lapin on one side of the proxy and by a real RabbitMQ on the other. Whoever includes it says where one is.
#![expect(clippy::disallowed_methods, reason = "a real broker is waited for in real time")]

mod trial;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use lapin::{
    Confirmation,
    options::{BasicAckOptions, BasicConsumeOptions},
    types::FieldTable,
};
use proxy::api::{HeaderIs, How, Names, Rule};
use tokio::time::timeout;

use self::trial::{SOON, Trial, WHILE, publish, send};

fn nth(how: How, nth: u64) -> Rule {
    Rule { nth: Some(nth), ..Rule::new(how) }
}

/// All of them, at the broker at `url`.
pub(crate) async fn rules(url: &str) {
    what_nobody_meddles_with_passes_and_is_told(url).await;
    a_message_is_lost_with_its_connection(url).await;
    a_message_is_lost_and_the_others_are_confirmed(url).await;
    a_message_comes_twice_and_is_confirmed_once(url).await;
    a_message_is_overtaken(url).await;
    two_messages_change_places(url).await;
    a_confirm_is_lost_with_its_connection(url).await;
    an_answer_is_lost_and_its_message_comes_again(url).await;
    a_payload_and_headers_are_changed(url).await;
    channels_are_closed_and_the_connection_lives(url).await;
    only_the_named_client_is_closed(url).await;
    half_open_is_silence_until_it_heals(url).await;
    what_is_frozen_stays_silent(url).await;
    a_storm_leaves_every_confirm_right(url).await;
}

async fn what_nobody_meddles_with_passes_and_is_told(url: &str) {
    let trial = Trial::start(url, "quiet").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    let large = vec![b'x'; 400_000];
    assert!(publish(&channel, "quiet", "1", &large).await.is_ok());
    assert!(publish(&channel, "nowhere-at-all", "2", b"{}").await.is_ok());
    let mut consumer = trial.consumer(&channel).await;
    let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(delivery.data, large);
    delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
    trial.until(|trial| trial.told().contains("settled 1")).await;
    assert_eq!(
        trial.told(),
        "published 1, confirmed 1, published 2, returned 2, confirmed 2, delivered 1, settled 1",
        "{:?}",
        trial.proxy.log(0)
    );
    let log = trial.proxy.log(0);
    let names = Names {
        message_id: "1".into(),
        event_id: "event-1".into(),
        order_id: "order-1".into(),
        exchange: "".into(),
        routing_key: "quiet".into(),
    };
    assert!(log.items.iter().all(|line| &*line.client == "crm-api-1.1" && line.channel > 0));
    assert_eq!(log.items[0].message.as_deref(), Some(&names));
    trial.end().await;
}

async fn a_message_is_lost_with_its_connection(url: &str) {
    let trial = Trial::start(url, "wire").await;
    let (connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::LoseOnTheWire, 2));
    assert!(publish(&channel, "wire", "1", b"{}").await.is_ok());
    assert!(publish(&channel, "wire", "2", b"{}").await.is_err());
    assert!(!connection.status().connected());
    assert_eq!(trial.arrived().await, ["1"]);
    assert_eq!(trial.effects(), ["lost-on-the-wire 2"]);
    trial.end().await;
}

async fn a_message_is_lost_and_the_others_are_confirmed(url: &str) {
    let trial = Trial::start(url, "lost").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(Rule { header: Some(HeaderIs { name: "x-event-id".into(), value: "event-2".into() }), ..Rule::new(How::Lose) });
    let confirms = [send(&channel, "lost", "1").await, send(&channel, "lost", "2").await, send(&channel, "lost", "3").await];
    let [one, two, three] = confirms;
    assert!(matches!(timeout(SOON, one).await.unwrap().unwrap(), Confirmation::Ack(None)));
    assert!(matches!(timeout(SOON, three).await.unwrap().unwrap(), Confirmation::Ack(None)));
    assert!(timeout(WHILE, two).await.is_err(), "nobody confirms what is lost");
    assert_eq!(trial.arrived().await, ["1", "3"]);
    assert_eq!(trial.effects(), ["lost-silently 2"]);
    trial.end().await;
}

async fn a_message_comes_twice_and_is_confirmed_once(url: &str) {
    let trial = Trial::start(url, "twice").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::Duplicate, 2));
    for id in ["1", "2", "3"] {
        assert!(publish(&channel, "twice", id, &vec![b'x'; 300_000]).await.is_ok(), "{id}");
    }
    assert_eq!(trial.arrived().await, ["1", "2", "2", "3"]);
    assert_eq!(trial.effects(), ["duplicated 2"]);
    trial.end().await;
}

async fn a_message_is_overtaken(url: &str) {
    let trial = Trial::start(url, "late").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::Delay { ms: 300 }, 1));
    let began = Instant::now();
    let late = send(&channel, "late", "1").await;
    assert!(publish(&channel, "late", "2", b"{}").await.is_ok());
    assert!(publish(&channel, "late", "3", b"{}").await.is_ok());
    assert!(began.elapsed() < Duration::from_millis(300));
    assert!(matches!(timeout(SOON, late).await.unwrap().unwrap(), Confirmation::Ack(None)));
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(trial.arrived().await, ["2", "3", "1"]);
    // A delay is no loss: who says goodbye has it sent before.
    trial.put(nth(How::Delay { ms: 60_000 }, 1));
    let (connection, channel) = trial.client("crm-api-1.1", false).await;
    drop(send(&channel, "late", "4").await);
    connection.close(200, "closed".into()).await.unwrap();
    assert_eq!(trial.arrived().await, ["4"]);
    assert_eq!(trial.effects(), ["delayed 1", "delayed 4"]);
    trial.end().await;
}

async fn two_messages_change_places(url: &str) {
    let trial = Trial::start(url, "places").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::Reorder { within_ms: 60_000 }, 1));
    let first = send(&channel, "places", "1").await;
    assert!(publish(&channel, "places", "2", b"{}").await.is_ok());
    assert!(matches!(timeout(SOON, first).await.unwrap().unwrap(), Confirmation::Ack(None)));
    assert!(publish(&channel, "places", "3", b"{}").await.is_ok());
    assert_eq!(trial.arrived().await, ["2", "1", "3"]);
    // Nothing comes behind it: it goes by itself.
    trial.put(nth(How::Reorder { within_ms: 100 }, 1));
    assert!(publish(&channel, "places", "4", b"{}").await.is_ok());
    assert_eq!(trial.arrived().await, ["4"]);
    trial.end().await;
}

async fn a_confirm_is_lost_with_its_connection(url: &str) {
    let trial = Trial::start(url, "confirm").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::LoseConfirm, 2));
    assert!(publish(&channel, "confirm", "1", b"{}").await.is_ok());
    assert!(publish(&channel, "confirm", "2", b"{}").await.is_err());
    assert_eq!(trial.arrived().await, ["1", "2"]);
    assert_eq!(trial.effects(), ["confirm-lost 2"]);
    trial.end().await;
}

async fn an_answer_is_lost_and_its_message_comes_again(url: &str) {
    let trial = Trial::start(url, "answer").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(Rule { client: Some("mes-api".into()), ..Rule::new(How::LoseAck) });
    assert!(publish(&channel, "answer", "1", b"{}").await.is_ok());
    let (connection, channel) = trial.client("mes-api-1.1", false).await;
    let mut consumer = trial.consumer(&channel).await;
    let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
    assert!(!delivery.redelivered);
    delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
    trial.until(|_| !connection.status().connected()).await;
    // A second attempt is spared.
    let (_connection, channel) = trial.client("mes-api-1.1", false).await;
    let mut consumer = trial.consumer(&channel).await;
    let delivery = timeout(SOON, consumer.next()).await.unwrap().unwrap().unwrap();
    assert!(delivery.redelivered);
    delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
    trial.until(|trial| trial.told().ends_with("settled 1")).await;
    assert_eq!(trial.effects(), ["ack-lost 1"]);
    trial.end().await;
}

async fn a_payload_and_headers_are_changed(url: &str) {
    let trial = Trial::start(url, "changed").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::Corrupt, 1));
    trial.put_as("strip@1", nth(How::StripHeader { header: "traceparent".into() }, 1));
    assert!(publish(&channel, "changed", "1", &vec![b'x'; 300_000]).await.is_ok());
    trial.put_as("strip@1", Rule::new(How::CorruptHeader { header: "traceparent".into(), value: "torn".into() }));
    assert!(publish(&channel, "changed", "2", b"{}").await.is_ok());
    let [one, two] = [trial.get().await.unwrap(), trial.get().await.unwrap()];
    assert_eq!((one.data.as_slice(), trial::header(&one, "traceparent")), (&b"{\"torn"[..], None));
    assert_eq!(trial::header(&one, "x-event-id").as_deref(), Some("event-1"));
    assert_eq!((two.data.as_slice(), trial::header(&two, "traceparent").as_deref()), (&b"{}"[..], Some("torn")));
    assert_eq!(trial.effects(), ["context-stripped 1", "corrupted 1", "header-corrupted 2"]);
    trial.end().await;
}

async fn channels_are_closed_and_the_connection_lives(url: &str) {
    let trial = Trial::start(url, "channels").await;
    let (connection, channel) = trial.client("crm-api-1.1", true).await;
    assert!(publish(&channel, "channels", "1", b"{}").await.is_ok());
    trial.put(Rule::new(How::CloseChannels));
    trial.until(|_| !channel.status().connected()).await;
    assert!(publish(&channel, "channels", "2", b"{}").await.is_err());
    let channel = timeout(SOON, connection.create_channel()).await.unwrap().unwrap();
    channel.confirm_select(lapin::options::ConfirmSelectOptions::default()).await.unwrap();
    assert!(publish(&channel, "channels", "3", b"{}").await.is_ok());
    assert_eq!(trial.arrived().await, ["1", "3"]);
    assert_eq!(trial.effects(), ["channel-closed -"]);
    trial.end().await;
}

async fn only_the_named_client_is_closed(url: &str) {
    let trial = Trial::start(url, "named").await;
    let (crm, _one) = trial.client("crm-api-1.1", true).await;
    let (mes, channel) = trial.client("mes-api-1.1", true).await;
    trial.put(Rule { client: Some("crm-api".into()), ..Rule::new(How::Close) });
    trial.until(|_| !crm.status().connected()).await;
    assert!(publish(&channel, "named", "1", b"{}").await.is_ok() && mes.status().connected());
    let (_crm, channel) = trial.client("crm-api-1.1", true).await;
    assert!(publish(&channel, "named", "2", b"{}").await.is_ok(), "new connections are none that were there");
    assert_eq!(trial.effects(), ["connection-closed -"]);
    trial.end().await;
}

async fn half_open_is_silence_until_it_heals(url: &str) {
    let trial = Trial::start(url, "silence").await;
    let (_crm, one) = trial.client("crm-api-1.1", true).await;
    let (_mes, two) = trial.client("mes-api-1.1", true).await;
    trial.put(Rule { client: Some("crm-api".into()), ..Rule::new(How::HalfOpen) });
    let silent = send(&one, "silence", "1").await;
    assert!(publish(&two, "silence", "2", b"{}").await.is_ok());
    assert!(timeout(WHILE, trial.connect("crm-api-1.2")).await.is_err(), "nobody answers a new connection");
    assert_eq!(trial.arrived().await, ["2"]);
    trial.heal();
    assert!(matches!(timeout(SOON, silent).await.unwrap().unwrap(), Confirmation::Ack(None)));
    assert_eq!(trial.arrived().await, ["1"]);
    assert_eq!(trial.effects()[..2], ["half-open -", "half-open -"]);
    trial.end().await;
}

async fn what_is_frozen_stays_silent(url: &str) {
    let trial = Trial::start(url, "frozen").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    trial.put(nth(How::FreezePublish, 2));
    assert!(publish(&channel, "frozen", "1", b"{}").await.is_ok());
    let frozen = send(&channel, "frozen", "2").await;
    trial.until(|trial| !trial.effects().is_empty()).await;
    trial.heal();
    assert!(timeout(WHILE, frozen).await.is_err());
    assert_eq!(trial.arrived().await, ["1"]);
    assert_eq!(trial.effects(), ["publisher-frozen 2"]);
    trial.end().await;
}

/// Whoever publishes without waiting gets confirms for many at once: here they are taken apart.
async fn a_storm_leaves_every_confirm_right(url: &str) {
    let trial = Trial::start(url, "storm").await;
    let (_connection, channel) = trial.client("crm-api-1.1", true).await;
    for (fault, how) in [("lose", How::Lose), ("twice", How::Duplicate), ("late", How::Delay { ms: 20 })] {
        trial.put_as(fault, Rule { share: 0.1, ..Rule::new(how) });
    }
    let mut confirms = Vec::new();
    for n in 0..2_000 {
        confirms.push(send(&channel, "storm", &n.to_string()).await);
    }
    // What lapin has taken is not written yet.
    trial.until(|trial| trial.told().matches("published").count() == 2_000).await;
    let hit = |what: &str| -> BTreeSet<String> {
        trial.effects().iter().filter_map(|effect| Some(effect.strip_prefix(what)?.trim().to_owned())).collect()
    };
    let (lost, twice) = (hit("lost-silently"), hit("duplicated"));
    assert!(lost.len() > 100 && twice.len() > 100 && hit("delayed").len() > 100);
    for (n, confirm) in confirms.into_iter().enumerate() {
        if !lost.contains(&n.to_string()) {
            let confirm = timeout(SOON, confirm).await.unwrap_or_else(|_| panic!("{n} is not confirmed")).unwrap();
            assert!(matches!(confirm, Confirmation::Ack(None)), "{n}");
        }
    }
    let arrived = trial.arrived().await;
    assert_eq!(arrived.len(), 2_000 - lost.len() + twice.len());
    let kinds: BTreeSet<String> = arrived.into_iter().collect();
    assert!(kinds.is_disjoint(&lost) && kinds.len() == 2_000 - lost.len());
    trial.end().await;
}

impl Trial {
    async fn consumer(&self, channel: &lapin::Channel) -> lapin::Consumer {
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        channel.basic_consume(self.queue.as_str().into(), "".into(), options, arguments).await.unwrap()
    }
}
