//! What the broker lets see of itself: its counters keep books, its firehose tells of each message, and nobody is moved by it.

use std::collections::BTreeMap;

use faults::{End, Fault};
use signals::{Passage, QueueCounters, Scrape, firehose::At};
use simulated::{Config, Models, Simulation};
use world::broker::{Publish, Settle};

use crate::stage::{QUEUE, channel, message, ms, publish, run, secs, settle};

/// A world whose broker is looked at every millisecond, and listened to.
pub(crate) fn watched(seed: u64) -> Config {
    let mut config = Config::new(seed);
    config.broker.scrape_every = Some(ms(1));
    config.broker.firehose = true;
    config
}

/// The books of one queue as somebody keeps them who sees all that is done to it.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Since the broker came up: what came back from its disk, what was published, what was answered.
    recovered: u64,
    pub(crate) published: u64,
    pub(crate) acked: u64,
    pub(crate) rejected: u64,
    /// Since the start of the run.
    all_published: u64,
    passages: Vec<Passage>,
    scrapes: Vec<Scrape>,
}

impl Books {
    /// The broker came up with so much in the queue.
    pub(crate) fn restarted(&mut self, recovered: u64) {
        self.all_published += self.published;
        *self = Self {
            recovered,
            all_published: self.all_published,
            passages: std::mem::take(&mut self.passages),
            scrapes: std::mem::take(&mut self.scrapes),
            ..Self::default()
        };
    }

    /// Counters, account and firehose agree with the books. `depth` is what is in the queue, waiting or out.
    pub(crate) async fn compare(&mut self, models: &Models, depth: u64) {
        models.drain_passages_into(&mut self.passages);
        self.scrapes.extend(models.take_scrapes());
        let scrapes = &self.scrapes;
        let shown = scrapes.iter().rev().find_map(|scrape| scrape.queue(QUEUE)).unwrap();
        assert_eq!((shown.published, shown.acked, shown.depth()), (self.published, self.acked, depth), "{shown:?}");
        let answered = shown.acked + self.rejected;
        assert_eq!(self.recovered + shown.published, answered + depth, "what came in is answered or there: {shown:?}");
        assert!(shown.delivered - shown.redelivered <= self.recovered + shown.published, "{shown:?}");

        let published = self.passages.iter().filter(|passage| matches!(passage.at, At::Publish { .. })).count() as u64;
        assert_eq!(published, self.all_published + self.published, "each message passed once");
        let again = self.passages.iter().filter(|passage| matches!(passage.at, At::Deliver { redelivered: true, .. }));
        assert_eq!(again.count() as u64, total(scrapes, |queue| queue.redelivered));
        let delivered = self.passages.iter().filter(|passage| matches!(passage.at, At::Deliver { .. }));
        assert_eq!(delivered.count() as u64, total(scrapes, |queue| queue.delivered));
    }
}

/// A count over all lives of the broker: of each the last look, which is the highest.
fn total(scrapes: &[Scrape], count: fn(&QueueCounters) -> u64) -> u64 {
    let mut lives = BTreeMap::new();
    for scrape in scrapes {
        if let (Some(broker), Some(queue)) = (&scrape.broker, scrape.queue(QUEUE)) {
            lives.insert(broker.since_ns, count(queue));
        }
    }
    lives.values().sum()
}

fn counters(scrapes: &[Scrape]) -> Vec<(Option<(u64, u64)>, u64)> {
    let depth = |scrape: &Scrape| scrape.queue(QUEUE).map(|queue| (queue.ready, queue.unacked));
    let looks = |scrape: &Scrape| (scrape.until_ns - scrape.at_ns) / 60_000_000_000 + 1;
    scrapes.iter().map(|scrape| (depth(scrape), looks(scrape))).collect()
}

#[test]
fn looks_come_at_their_interval_and_show_an_outage_as_one() {
    let mut config = Config::new(1);
    config.broker.scrape_every = Some(secs(60));
    let simulation = Simulation::new(&config);
    let scrapes = run(&simulation, |world, models| async move {
        let sender = channel(&world).await;
        world.rt.sleep(secs(150)).await;
        for n in 0..3 {
            publish(&*sender, n, true).await.unwrap();
        }
        let mut consumer = channel(&world).await.consume(QUEUE, 1).await.unwrap();
        let delivery = consumer.next().await.unwrap();
        world.rt.sleep(secs(100)).await;
        settle(delivery, Settle::Ack).await.unwrap();
        world.rt.sleep(secs(60)).await;
        let fault = Fault { name: "outage@1".into(), kind: faults::BROKER_RESTART.plain(), at: secs(0), lasts: secs(0) };
        models.nemesis().inflict(&fault).await.unwrap();
        world.rt.sleep(secs(130)).await;
        models.nemesis().lift(&fault).await.unwrap();
        world.rt.sleep(secs(100)).await;
        models.take_scrapes()
    });
    // The queue is there from the start, so at 60 and 120 s it is empty; then one is out of three, then of two.
    let expected = [(Some((0, 0)), 2), (Some((2, 1)), 2), (Some((1, 1)), 1), (None, 2), (Some((2, 0)), 2)];
    assert_eq!(counters(&scrapes), expected, "{scrapes:#?}");
    let last = scrapes.last().unwrap();
    let (broker, queue) = (last.broker.as_ref().unwrap(), last.queue(QUEUE).unwrap());
    assert_eq!((queue.published, queue.delivered, queue.acked), (0, 0, 0), "a broker that starts counts from nothing");
    assert!(broker.since_ns > simulated::EPOCH_NS && broker.since_ns <= last.at_ns);
}

#[test]
fn what_no_queue_is_bound_for_is_counted_and_passes_to_nobody() {
    let simulation = Simulation::new(&watched(1));
    let (passages, scrapes, fates) = run(&simulation, |world, models| async move {
        let sender = channel(&world).await;
        for (n, mandatory) in [(0, false), (1, true), (2, true)] {
            let mut message = message(n);
            message.routing_key = "order.nobody".into();
            sender.publish(message, Publish { confirm: true, mandatory }).await.unwrap();
        }
        world.rt.sleep(ms(10)).await;
        let mut passages = Vec::new();
        models.drain_passages_into(&mut passages);
        (passages, models.take_scrapes(), models.messages().fates().await)
    });
    let broker = scrapes.last().unwrap().broker.clone().unwrap();
    assert_eq!((broker.unroutable_dropped, broker.unroutable_returned), (1, 2));
    assert!(fates.iter().all(|fate| fate.end == End::Unroutable));
    let names: Vec<_> = passages.iter().map(|passage| (passage.name(), &passage.at)).collect();
    let nowhere = At::Publish { exchange: "orders".into(), queues: Vec::new() };
    assert_eq!(names, vec![("publish.orders".to_owned(), &nowhere); 3]);
}

#[test]
fn the_firehose_is_silent_while_the_broker_is_away() {
    let simulation = Simulation::new(&watched(1));
    let (before, silences, after) = run(&simulation, |world, models| async move {
        let fault = Fault { name: "outage@1".into(), kind: faults::BROKER_KILL.plain(), at: secs(0), lasts: secs(0) };
        world.rt.sleep(secs(10)).await;
        models.nemesis().inflict(&fault).await.unwrap();
        world.rt.sleep(secs(5)).await;
        let meanwhile = models.silences();
        models.nemesis().lift(&fault).await.unwrap();
        world.rt.sleep(secs(5)).await;
        (meanwhile, models.silences(), world.rt.wall_ns())
    });
    assert_eq!(before, silences, "it lasts as long as the outage does");
    assert_eq!(silences.len(), 1);
    let silence = silences[0];
    assert_eq!(silence.until_ns - silence.from_ns, 5_000_000_000);
    assert_eq!(after - silence.until_ns, 5_000_000_000);
}

#[test]
fn nobody_asked_nothing_is_kept() {
    let simulation = Simulation::new(&Config::new(1));
    let kept = run(&simulation, |world, models| async move {
        let sender = channel(&world).await;
        publish(&*sender, 0, true).await.unwrap();
        world.rt.sleep(secs(100_000)).await;
        let mut passages = Vec::new();
        models.drain_passages_into(&mut passages);
        (passages.len(), models.take_scrapes().len(), models.silences().len())
    });
    assert_eq!(kept, (0, 0, 0));
}
