//! What a killed broker loses of what was published without confirms: a table, row by row, rows where nothing is lost included.
//!
//! RabbitMQ's classic queue writes to disk when it was idle for a back-off that grows by a random part. So where publishes come
//! slowly several outcomes are possible: each that the model shows under some seed is accepted of the real broker.
//!
//! A busy broker wakes its queues by itself as well, and nobody says when: the back-off is a step further then, or two on a machine that is
//! busy too. So the model is asked without such wake-ups before the first message comes, with one, and with two.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use world::broker::{Channel, Publish, Queue, Topology};

use super::{
    directed::message,
    operator::{Down, Operator, on_the_model},
    play::Client,
};

/// Publishes, the gap between two of them, how long the queue is idle before the kill.
pub(crate) struct Row {
    pub(crate) count: usize,
    gap: Duration,
    idle: Duration,
}

const fn row(count: usize, gap_ms: u64, idle_ms: u64) -> Row {
    Row { count, gap: Duration::from_millis(gap_ms), idle: Duration::from_millis(idle_ms) }
}

/// Measured on a 4.0.5 by hand: all of rows 0 to 2 and 7, none of 3 to 6, then 17, 8 and 2. Each row was measured once, the one
/// with 12 publishes twice. This suite has since measured each again: the same, but for 16 to 19, 8 to 11 and 1 to 4 on a machine
/// that had other things to do.
pub(crate) static ROWS: [Row; 11] = [
    row(103, 20, 0),
    row(50, 20, 0),
    row(50, 20, 500),
    row(50, 20, 2_000),
    row(50, 20, 5_000),
    row(50, 20, 15_000),
    row(50, 20, 60_000),
    row(600, 150, 150),
    row(20, 4_000, 4_000),
    row(12, 9_000, 9_000),
    row(6, 9_000, 9_000),
];
/// When something wakes a queue, so long before its first message: after its back-off, and too early for a whole nap between the two. Not
/// at all, once, or twice.
static WAKES: [&[Duration]; 3] = [&[], &[Duration::from_secs(5)], &[Duration::from_millis(7_000), Duration::from_millis(3_500)]];
/// So long before the first message of the longest row all queues are there, so that each can be woken.
const LEAD: Duration = Duration::from_secs(8);
/// How many seeds the model is asked under: enough for the rare ones, under which the back-off grows as fast as it can.
const SEEDS: u64 = 200;

impl Row {
    fn lasts(&self) -> Duration {
        self.gap * u32::try_from(self.count - 1).unwrap() + self.idle
    }

    /// Publishes so that it is through, and idle for long enough, at `end`. The connection lives until the broker dies.
    async fn publish(&self, client: &Client, queue: &str, end: Duration, wakes: &[Duration]) -> Arc<dyn Channel> {
        let channel = client.broker.connect().await.unwrap();
        let topology = Topology { exchanges: &[], queues: &[Queue::classic(queue)], bindings: &[] };
        channel.declare(&topology).await.unwrap();
        let begin = end.saturating_sub(self.lasts());
        // Only where messages come slowly does the back-off decide anything.
        for before in wakes.iter().filter(|_| self.gap > Duration::from_secs(1)) {
            client.rt.sleep(begin.saturating_sub(client.rt.now() + *before)).await;
            channel.declare(&topology).await.unwrap();
        }
        for n in 0..self.count {
            let at = begin + self.gap * u32::try_from(n).unwrap();
            client.rt.sleep(at.saturating_sub(client.rt.now())).await;
            channel.publish(message(queue, &format!("m-{n}")), Publish::default()).await.unwrap();
        }
        client.rt.sleep(end.saturating_sub(client.rt.now())).await;
        channel
    }
}

/// How many messages of each row a kill loses; the first ones are there, in their order. `wakes`: when something else wakes each queue
/// before.
pub(crate) async fn lost(operator: &dyn Operator, wakes: &'static [Duration]) -> Vec<usize> {
    let client = operator.client().await;
    let longest = ROWS.iter().map(Row::lasts).max().unwrap_or_default();
    let end = client.rt.now() + longest + LEAD;
    let names: Vec<String> = (0..ROWS.len()).map(|n| format!("row {n}")).collect();
    let publish = |(row, name): (&'static Row, &String)| {
        let (client, name) = (client.clone(), name.clone());
        client.rt.clone().spawn("row", async move { row.publish(&client, &name, end, wakes).await })
    };
    let rows: Vec<_> = ROWS.iter().zip(&names).map(publish).collect();
    let mut channels = Vec::new();
    for row in rows {
        channels.push(row.join().await.expect("it has published"));
    }
    operator.restart(Down::Killed).await;
    drop(channels);
    let client = operator.client().await;
    let mut lost = Vec::new();
    for (row, name) in ROWS.iter().zip(&names) {
        let channel = client.broker.connect().await.unwrap();
        let mut consumer = channel.consume(name, 0).await.unwrap();
        let mut left = 0;
        while let Ok(delivery) = client.rt.timeout(Duration::from_millis(500), consumer.next()).await {
            assert_eq!(&*delivery.unwrap().message.message_id, format!("m-{left}"), "{name}: the last ones are lost");
            left += 1;
        }
        lost.push(row.count - left);
    }
    lost
}

/// What the model loses of each row under some seed.
pub(crate) fn possible() -> Vec<BTreeSet<usize>> {
    let mut outcomes = vec![BTreeSet::new(); ROWS.len()];
    for (seed, wakes) in (0..SEEDS).flat_map(|seed| WAKES.map(|wakes| (seed, wakes))) {
        let lost = on_the_model(seed, move |model| async move { lost(&model, wakes).await });
        outcomes.iter_mut().zip(lost).for_each(|(outcomes, lost)| outcomes.extend([lost]));
    }
    outcomes
}
