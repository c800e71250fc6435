//! Messages are conserved: whatever is done to the broker, each one is where a naive model says it is.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use faults::{End, Fault, Kind, Nemesis};
use proptest::{prelude::*, test_runner::TestRunner};
use simulated::{Models, Simulation};
use world::{
    World,
    broker::{Channel, Consumer, Delivery, Publish, Queue, QueueKind, Sent, Settle, Topology},
};

use crate::{
    monitor::{Books, watched},
    stage::{QUEUE, declared, message, ms, run, secs, settle},
};

/// Something that is done to the broker. Numbers pick one of what there is.
#[derive(Clone, Debug)]
enum Step {
    Publish { confirm: bool, persistent: bool },
    Receive { consumer: u8 },
    Settle { delivery: u8, how: u8 },
    Close { consumer: u8 },
    Kill,
    Restart,
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(confirm, persistent)| Step::Publish { confirm, persistent }),
        8 => any::<u8>().prop_map(|consumer| Step::Receive { consumer }),
        6 => (any::<u8>(), 0..3u8).prop_map(|(delivery, how)| Step::Settle { delivery, how }),
        1 => any::<u8>().prop_map(|consumer| Step::Close { consumer }),
        1 => Just(Step::Kill),
        1 => Just(Step::Restart),
        2 => (1..100u64).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..60)
}

/// One queue as a list, one list of what is out for each consumer; a second list of what surely is on disk.
#[derive(Default)]
struct Naive {
    ready: VecDeque<usize>,
    out: BTreeMap<usize, usize>,
    done: BTreeMap<usize, End>,
    /// Persistent, and confirmed or written by a stop: a kill keeps it.
    safe: Vec<usize>,
    transient: Vec<usize>,
    seen: BTreeMap<&'static str, u32>,
}

impl Naive {
    fn took(&mut self, transition: &'static str) {
        *self.seen.entry(transition).or_default() += 1;
    }

    fn back(&mut self, n: usize) {
        let at = self.ready.iter().position(|other| *other > n).unwrap_or(self.ready.len());
        self.ready.insert(at, n);
    }

    fn lose(&mut self, lost: impl Fn(usize) -> bool) {
        let (gone, left) = self.ready.iter().partition::<VecDeque<usize>, _>(|n| lost(**n));
        self.ready = left;
        self.done.extend(gone.into_iter().map(|n| (n, End::Lost)));
    }
}

/// Two consumers with a prefetch of 2 and 3, which are opened again whenever they are gone.
struct Play {
    world: World,
    models: Models,
    kind: QueueKind,
    sender: Arc<dyn Channel>,
    consumers: BTreeMap<usize, Box<dyn Consumer>>,
    deliveries: Vec<(usize, usize, Delivery)>,
    naive: Naive,
    books: Books,
    published: usize,
}

fn number(id: &str) -> usize {
    id[2..].parse().unwrap()
}

impl Play {
    async fn open(&mut self) {
        let queue = Queue { kind: self.kind, ..Queue::classic(QUEUE) };
        if self.sender.declare(&Topology { exchanges: &[], queues: &[queue], bindings: &[] }).await.is_err() {
            self.sender = declared(&self.world, queue).await;
        }
        for (at, prefetch) in [(0, 2), (1, 3)] {
            if !self.consumers.contains_key(&at) {
                let consumer = declared(&self.world, queue).await.consume(QUEUE, prefetch).await.unwrap();
                self.consumers.insert(at, consumer);
            }
        }
        self.world.rt.sleep(ms(10)).await;
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Publish { confirm, persistent } => self.publish(confirm, persistent).await,
            Step::Receive { consumer } => self.receive(usize::from(consumer) % 2).await,
            Step::Settle { delivery, how } => self.settle(delivery, how).await,
            Step::Close { consumer } => {
                let consumer = usize::from(consumer) % 2;
                self.consumers.remove(&consumer);
                self.forget(|at| at == consumer);
                self.naive.took("close");
            }
            Step::Kill => self.outage(faults::BROKER_KILL.plain()).await,
            Step::Restart => self.outage(faults::BROKER_RESTART.plain()).await,
            Step::Wait { seconds } => self.world.rt.sleep(secs(seconds)).await,
        }
        self.world.rt.sleep(ms(10)).await;
    }

    async fn publish(&mut self, confirm: bool, persistent: bool) {
        let n = self.published;
        self.published += 1;
        let mut message = message(n);
        message.persistent = persistent;
        let sent = self.sender.publish(message, Publish { confirm, mandatory: false }).await.unwrap();
        assert_eq!(sent, if confirm { Sent::Confirmed } else { Sent::Written });
        self.books.published += 1;
        self.naive.back(n);
        let logged = self.kind == QueueKind::Quorum;
        if !persistent && !logged {
            self.naive.transient.push(n);
        }
        if confirm || logged {
            // A confirm writes all that was there; a quorum queue has everything in its log before it hands it out.
            self.naive.safe = (0..=n).filter(|n| !self.naive.transient.contains(n)).collect();
        }
        self.naive.took(if confirm { "confirmed" } else { "written" });
    }

    async fn receive(&mut self, consumer: usize) {
        let Some(receiver) = self.consumers.get_mut(&consumer) else { return };
        let Ok(delivery) = self.world.rt.timeout(ms(20), receiver.next()).await else { return };
        let delivery = delivery.unwrap();
        let n = number(&delivery.message.message_id);
        self.naive.out.insert(n, consumer);
        self.naive.ready.retain(|other| *other != n);
        if self.naive.done.get(&n) == Some(&End::Acked) {
            // Its answer was not on disk when the broker was killed.
            assert!(delivery.redelivered);
            self.naive.done.remove(&n);
            self.naive.took("answer forgotten");
        }
        assert!(!self.naive.done.contains_key(&n), "{n} was {:?}", self.naive.done.get(&n));
        self.naive.took(if delivery.redelivered { "received again" } else { "received" });
        self.deliveries.push((n, consumer, delivery));
    }

    async fn settle(&mut self, delivery: u8, how: u8) {
        if self.deliveries.is_empty() {
            return;
        }
        let (n, _, delivery) = self.deliveries.remove(usize::from(delivery) % self.deliveries.len());
        let how = [Settle::Ack, Settle::Requeue, Settle::Reject][usize::from(how)];
        settle(delivery, how).await.unwrap();
        self.naive.out.remove(&n);
        self.books.acked += u64::from(how == Settle::Ack);
        self.books.rejected += u64::from(how == Settle::Reject);
        match how {
            Settle::Ack => drop(self.naive.done.insert(n, End::Acked)),
            Settle::Reject => drop(self.naive.done.insert(n, End::Rejected)),
            Settle::Requeue => self.naive.back(n),
        }
        self.naive.took(["acked", "requeued", "rejected"][how as usize]);
    }

    /// What a channel had out is ready again.
    fn forget(&mut self, gone: impl Fn(usize) -> bool) {
        self.deliveries.retain(|(_, consumer, _)| !gone(*consumer));
        let back: Vec<usize> = self.naive.out.iter().filter(|(_, at)| gone(**at)).map(|(n, _)| *n).collect();
        for n in back {
            self.naive.out.remove(&n);
            self.naive.back(n);
        }
    }

    async fn outage(&mut self, kind: Kind) {
        let killed = kind == faults::BROKER_KILL.plain();
        let fault = Fault { name: "outage@1".into(), kind, at: Duration::ZERO, lasts: secs(1) };
        let nemesis = self.models.nemesis();
        nemesis.inflict(&fault).await.unwrap();
        nemesis.lift(&fault).await.unwrap();
        self.consumers.clear();
        self.forget(|_| true);
        let fates = self.models.messages().fates().await;
        let lost: Vec<usize> = fates.iter().enumerate().filter(|(_, it)| it.end == End::Lost).map(|(n, _)| n).collect();
        let naive = &mut self.naive;
        for n in lost.iter().filter(|n| naive.done.get(n) != Some(&End::Lost)) {
            assert!(naive.ready.contains(n), "{n} was not there to be lost");
            assert!(naive.transient.contains(n) || (killed && !naive.safe.contains(n)), "{n} was safe");
        }
        naive.lose(|n| lost.contains(&n));
        assert!(naive.ready.iter().all(|n| !naive.transient.contains(n)), "no transient message survives");
        // What the kill brought back was answered before, on disk, and its answer was not.
        for (n, fate) in fates.iter().enumerate() {
            if fate.end == End::Ready && naive.done.contains_key(&n) {
                assert_eq!(self.kind, QueueKind::Classic, "{n}: the log has the answers too");
                assert!(killed && matches!(naive.done[&n], End::Acked | End::Rejected), "{n}");
                naive.done.remove(&n);
                naive.back(n);
                naive.took("answer forgotten");
            }
        }
        if !killed {
            naive.safe = (0..self.published).filter(|n| !naive.transient.contains(n)).collect();
        }
        naive.took(if killed { "killed" } else { "restarted" });
        self.books.restarted(naive.ready.len() as u64);
        proved(&*nemesis, &lost).await;
    }

    /// Every message is where the naive model has it; what a consumer's buffer holds is still ready there.
    async fn compare(&mut self) {
        let fates = self.models.messages().fates().await;
        assert_eq!(fates.len(), self.published);
        for (n, fate) in fates.iter().enumerate() {
            let known = self.naive.done.get(&n).copied();
            match fate.end {
                End::Ready => assert!(known.is_none() && self.naive.ready.contains(&n), "{n} is ready"),
                End::Unacked => assert!(self.naive.out.contains_key(&n) || self.naive.ready.contains(&n), "{n} is out"),
                end => assert_eq!(known, Some(end), "{n}"),
            }
        }
        let open = fates.iter().filter(|fate| matches!(fate.end, End::Ready | End::Unacked)).count();
        assert_eq!(self.models.messages().depth().await, open as u64);
        self.books.compare(&self.models, open as u64).await;
    }
}

/// Each lost message has its proof.
async fn proved(nemesis: &dyn Nemesis, lost: &[usize]) {
    let mut proof: Vec<usize> = nemesis
        .effects()
        .await
        .iter()
        .filter_map(|effect| match &effect.what {
            faults::What::MessageLost { message_id, .. } => Some(number(message_id)),
            _ => None,
        })
        .collect();
    proof.sort_unstable();
    assert_eq!(proof, lost);
}

async fn play(world: World, models: Models, kind: QueueKind, steps: Vec<Step>) -> BTreeMap<&'static str, u32> {
    let sender = declared(&world, Queue { kind, ..Queue::classic(QUEUE) }).await;
    let (consumers, deliveries, naive, books) = (BTreeMap::new(), Vec::new(), Naive::default(), Books::default());
    let mut play = Play { world, models, kind, sender, consumers, deliveries, naive, books, published: 0 };
    for step in steps {
        play.open().await;
        play.step(step).await;
        play.compare().await;
    }
    play.naive.seen
}

/// Plays sequences of steps and checks the generator's reach: each transition was taken often enough to mean something.
fn plays(kind: QueueKind, cases: u32, also: &[&'static str]) {
    let reached = Mutex::new(BTreeMap::<&'static str, u32>::new());
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&(steps(), 0..1000u64), |(steps, seed)| {
            let simulation = Simulation::new(&watched(seed));
            let seen = run(&simulation, |world, models| play(world, models, kind, steps));
            let mut reached = reached.lock().unwrap();
            for (transition, times) in seen {
                *reached.entry(transition).or_default() += times;
            }
            Ok(())
        })
        .unwrap();
    let reached = reached.into_inner().unwrap();
    let all =
        ["written", "confirmed", "received", "received again", "acked", "requeued", "rejected", "close", "killed", "restarted"];
    for transition in all.iter().chain(also) {
        let times = reached.get(transition).copied().unwrap_or_default();
        assert!(times >= 50, "{transition}: {times} times; {reached:?}");
    }
}

#[test]
fn every_message_is_where_a_naive_model_has_it() {
    plays(QueueKind::Classic, 400, &["answer forgotten"]);
}

#[test]
fn a_quorum_queue_has_every_message_where_a_naive_model_has_it_and_loses_none() {
    plays(QueueKind::Quorum, 200, &[]);
}
