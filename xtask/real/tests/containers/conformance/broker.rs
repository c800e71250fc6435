//! What the model of the broker does a real RabbitMQ does.

mod generated;
mod on_a_real_one;

use std::{thread, time::Duration};

use self::on_a_real_one::{alone, shows};
use crate::{
    gate,
    suite::broker::{
        directed,
        kill_losses::{lost, possible},
        operator::Operator,
    },
};

/// How often a real channel looks for late answers: with its own minute the shortest timeout would take one.
const TICK: Duration = Duration::from_millis(256);

#[test]
fn the_real_broker_does_what_the_model_does() {
    if gate::containers() {
        // What a killed broker loses takes two minutes of waiting; the rest is played meanwhile.
        thread::scope(|scope| {
            scope.spawn(|| {
                gate::block_on(async {
                    let alone = alone(None).await;
                    it_loses_what_the_model_can_lose(&alone).await;
                    alone.end().await.unwrap();
                });
            });
            gate::block_on(async {
                let alone = alone(Some(TICK)).await;
                shows(&alone).await;
                generated::on_a_real_one(&alone).await;
                directed::promises(&alone).await;
                alone.end().await.unwrap();
            });
        });
    }
}

/// Kills a broker: of each row it loses what the model can lose.
async fn it_loses_what_the_model_can_lose(operator: &dyn Operator) {
    let lost = lost(operator).await;
    eprintln!("lost: {lost:?}");
    for ((row, lost), possible) in lost.iter().enumerate().zip(possible()) {
        assert!(possible.contains(lost), "row {row}: {lost} lost, the model loses {possible:?}");
    }
}
