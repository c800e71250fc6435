//! What the model of the broker does a real RabbitMQ does.

mod generated;
mod on_a_real_one;
mod smaller;

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

/// The night's: a shared machine is too slow for it as yet, and what it finds differing is settled one by one.
#[test]
fn the_real_broker_does_what_the_model_does() {
    if gate::containers() && gate::variable("LOUPE_TIER").as_deref() == Some("nightly") {
        // What a killed broker loses takes two minutes of waiting, and what an operator does a minute; the rest is played meanwhile.
        thread::scope(|scope| {
            scope.spawn(|| {
                let possible = possible();
                gate::block_on(async {
                    let broker = alone(Setup::default()).await;
                    let lost = lost(&broker, false).await;
                    broker.end().await.unwrap();
                    are_possible(&lost, &possible);
                });
            });
            gate::block_on(async {
                let broker = alone(Setup { channel_tick: Some(TICK), ..Setup::default() }).await;
                shows(&broker).await;
                directed::promises(&broker).await;
                broker.end().await.unwrap();
                // Sequences make thousands of queues: without a disk to wait for they take half the time.
                let in_memory = alone(Setup { in_memory: true, ..Setup::default() }).await;
                generated::on_a_real_one(&in_memory).await;
                in_memory.end().await.unwrap();
            });
        });
    }
}

/// Of each row a broker loses what the model can lose.
fn are_possible(lost: &[usize], possible: &[BTreeSet<usize>]) {
    eprintln!("lost by a kill: {lost:?}");
    for (row, (lost, possible)) in lost.iter().zip(possible).enumerate() {
        assert!(possible.contains(lost), "row {row}: {lost} lost, the model loses {possible:?}");
    }
}
