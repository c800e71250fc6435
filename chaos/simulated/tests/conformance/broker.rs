//! The model of the broker by itself: what it plays, what it reaches, what it loses, what it shows.

use std::{sync::Arc, time::Duration};

use proptest::strategy::ValueTree as _;
use simulated::{BrokerSettings, Config, DRIVER, Models, Pumped, Simulation};

use crate::suite::broker::{
    directed,
    drawn::drawn,
    kill_losses::{ROWS, Row, possible},
    on_the_model::on_the_model,
    operator,
    play::Client,
    reach::Reach,
    shown,
};

#[test]
fn generated_sequences_reach_every_transition_of_the_model_and_its_books_balance() {
    let mut reach = Reach::default();
    for tree in drawn(1, 1_000) {
        let sequence = tree.current();
        let (played, books) = on_the_model(&sequence);
        books.check();
        reach.add(&sequence, &played.seen, &books.fates);
    }
    eprintln!("{reach}");
    reach.check();
}

#[test]
fn the_model_plays_a_sequence_the_same_way_again() {
    for tree in drawn(2, 20) {
        let sequence = tree.current();
        let (first, again) = (on_the_model(&sequence), on_the_model(&sequence));
        assert_eq!((first.0.seen, first.1.fates), (again.0.seen, again.1.fates));
        assert_eq!((first.1.scrapes, first.1.passages), (again.1.scrapes, again.1.passages));
    }
}

#[test]
fn the_model_keeps_the_promises_for_operators() {
    operator::on_the_model(1, |model| async move { directed::promises(&model).await });
}

#[test]
fn the_model_loses_all_of_a_busy_queue_nothing_of_an_idle_one_and_a_part_of_a_slow_trickle() {
    let possible = possible();
    for (row, (Row { count, .. }, lost)) in ROWS.iter().zip(&possible).enumerate() {
        match row {
            // What was measured lies among what is possible.
            8 => assert!(lost.contains(&17), "{lost:?}"),
            9 => assert!(lost.contains(&8) && lost.contains(&10), "{lost:?}"),
            10 => assert!(lost.contains(&2), "{lost:?}"),
            0..=2 | 7 => assert_eq!(*lost, [*count].into(), "row {row}"),
            _ => assert_eq!(*lost, [0].into(), "row {row}"),
        }
    }
}

#[test]
fn the_model_shows_dead_letters_where_they_are_delivered_and_not_where_they_come_from() {
    let broker = BrokerSettings { scrape_every: Some(Duration::from_secs(1)), firehose: true, ..BrokerSettings::default() };
    let simulation = Simulation::new(&Config { broker, ..Config::new(1) });
    let (world, models) = (simulation.world(DRIVER, "db"), Models::clone(&simulation));
    let client = Client { rt: world.rt.clone(), broker: Arc::clone(&world.broker) };
    let driven = simulation.drive(DRIVER, "shown", async move {
        shown::play(&client).await;
        let mut passages = Vec::new();
        models.drain_passages_into(&mut passages);
        shown::check(&models.take_scrapes(), &passages);
    });
    assert_eq!(simulation.run_for_polls(1_000_000), Ok(Pumped::Done));
    driven.take().expect("it has run");
}
