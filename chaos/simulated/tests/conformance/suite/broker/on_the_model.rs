//! Sequences on the model.

use std::{sync::Arc, time::Duration};

use simulated::{BrokerSettings, Config, DRIVER, Models, Pumped, Simulation};
use world::{Boxed, Runtime, broker::BrokerError};

use super::{
    books::Books,
    names::Names,
    play::{Client, Ground, Played, play},
    sequence::Sequence,
};

/// The model.
struct Model {
    rt: Runtime,
    models: Models,
}

impl Ground for Model {
    fn patience(&self, _: bool) -> Duration {
        // A way there and back, and something more: a sequence must not last as long as what is to expire.
        Duration::from_millis(4)
    }

    fn has_consumers<'a>(&'a self, _: &'a str, _: usize) -> Boxed<'a, Result<(), BrokerError>> {
        Box::pin(async {
            self.rt.sleep(Duration::from_millis(4)).await;
            Ok(())
        })
    }

    fn ready<'a>(&'a self, queue: &'a str, _: Option<usize>) -> Boxed<'a, usize> {
        Box::pin(async move {
            self.rt.sleep(Duration::from_millis(2)).await;
            self.models.management().ready(queue).expect("it is there")
        })
    }
}

/// Plays a sequence on a model of its own that somebody looks at and listens to; gives its books too.
pub(crate) fn on_the_model(sequence: &Sequence) -> (Played, Books) {
    let broker = BrokerSettings {
        flush: Duration::from_millis(1),
        scrape_every: Some(Duration::from_millis(1)),
        firehose: true,
        ..BrokerSettings::default()
    };
    let simulation = Simulation::new(&Config { broker, ..Config::new(1) });
    let (world, models) = (simulation.world(DRIVER, "db"), Models::clone(&simulation));
    let steps = sequence.clone();
    let driven = simulation.drive(DRIVER, "sequence", async move {
        let client = Client { rt: world.rt.clone(), broker: Arc::clone(&world.broker) };
        let played =
            play(&client, &Model { rt: world.rt.clone(), models: Models::clone(&models) }, &Names::new("s"), &steps, None).await;
        // Until all has come to rest, dead letters on their way to a log too, and it has been looked at once more.
        world.rt.sleep(Duration::from_millis(20)).await;
        let mut passages = Vec::new();
        models.drain_passages_into(&mut passages);
        let books = Books { fates: models.messages().fates().await, scrapes: models.take_scrapes(), passages };
        (played.expect("the model closes no channel"), books)
    });
    assert_eq!(simulation.run_for_polls(10_000_000), Ok(Pumped::Done));
    let (played, books) = driven.take().expect("it was played");
    assert!(!played.too_slow(sequence), "nothing expires on the model but while it waits");
    (played, books)
}
