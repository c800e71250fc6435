//! What the model of the broker does a real RabbitMQ does.

mod generated;
mod on_a_real_one;
mod smaller;
mod wanted;

use std::{collections::BTreeSet, thread, time::Duration};

use containers::Setup;

use self::on_a_real_one::{alone, shows};
use crate::{
    gate,
    suite::broker::{
        directed,
        kill_losses::{lost, possible},
    },
};

/// How often a real channel looks for late answers: with its own minute the shortest timeout would take one.
const TICK: Duration = Duration::from_millis(256);

#[test]
fn the_real_broker_plays_generated_sequences_as_the_model_does() {
    if gate::containers() {
        gate::block_on(async {
            // Sequences make thousands of queues: without a disk to wait for they take half the time.
            let in_memory = alone(Setup { in_memory: true, ..Setup::default() }).await;
            generated::on_a_real_one(&in_memory).await;
            in_memory.end().await.unwrap();
        });
    }
}

#[test]
fn the_real_broker_keeps_the_promises_for_operators_and_loses_what_the_model_can_lose() {
    if gate::containers() {
        // Both wait for minutes, and compute little.
        thread::scope(|scope| {
            scope.spawn(|| {
                let possible = possible();
                gate::block_on(loses_what_is_possible(&possible));
            });
            gate::block_on(async {
                let broker = alone(Setup { channel_tick: Some(TICK), ..Setup::default() }).await;
                shows(&broker).await;
                directed::promises(&broker).await;
                broker.end().await.unwrap();
            });
        });
    }
}

/// Of each row a broker loses what the model can lose. A broker that gets no processor writes later than its back-off says, and nothing that
/// can be asked of it tells: so a row counts once it was within the model's outcomes, and has three chances.
async fn loses_what_is_possible(possible: &[BTreeSet<usize>]) {
    let mut open: BTreeSet<usize> = (0..possible.len()).collect();
    for _ in 0..3 {
        let broker = alone(Setup::default()).await;
        let lost = lost(&broker, &[]).await;
        broker.end().await.unwrap();
        eprintln!("lost by a kill: {lost:?}");
        open.retain(|row| !possible[*row].contains(&lost[*row]));
        if open.is_empty() {
            return;
        }
    }
    let outcomes: Vec<_> = open.iter().map(|row| (row, &possible[*row])).collect();
    panic!("three times others were lost than the model loses, by row: {outcomes:?}");
}
