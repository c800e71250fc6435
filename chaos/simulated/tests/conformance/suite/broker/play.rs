//! Plays a sequence on a broker and says what was seen.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use world::{
    Boxed, Either, Runtime,
    broker::{Broker, BrokerError, Channel, Consumer, Delivery, Headers, Message, Publish, QueueKind, Sent},
};

use super::{
    busy::Busy,
    names::{self, Names},
    seen::{Seen, tell},
    sequence::{CONSUMERS, Profile, Sequence, Step, To, WAIT},
};

/// Whoever plays: a clock and a way to the broker.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) rt: Runtime,
    pub(crate) broker: Arc<dyn Broker>,
}

/// What differs between a model and a real broker in how they are played on.
pub(crate) trait Ground: Sync {
    /// How long to wait for a delivery, where one is expected and where none is.
    fn patience(&self, expected: bool) -> Duration;

    /// Returns when a queue says that it has this many consumers: a connection that was closed is gone then.
    fn has_consumers<'a>(&'a self, queue: &'a str, consumers: usize) -> Boxed<'a, Result<(), BrokerError>>;

    /// How many messages are ready in a queue, once it has done what it was told; `expected`: as many as that, if it is right.
    ///
    /// A quorum queue answers before it has. Who publishes to it must not be faster than its word that it is full, or not any more.
    fn ready<'a>(&'a self, queue: &'a str, expected: Option<usize>) -> Boxed<'a, usize>;
}

/// A consumer, what it was given and has not looked at yet, and what it holds.
struct Slot {
    channel: Arc<dyn Channel>,
    consumer: Box<dyn Consumer>,
    given: VecDeque<Delivery>,
    held: Vec<Delivery>,
}

/// A sequence that is being played.
struct Player<'a> {
    client: &'a Client,
    ground: &'a dyn Ground,
    names: &'a Names,
    profile: &'a Profile,
    publisher: Arc<dyn Channel>,
    slots: [Option<Slot>; CONSUMERS + 1],
    published: usize,
    busy: Busy,
}

/// What was seen, and how quickly it was played.
pub(crate) struct Played {
    pub(crate) seen: Vec<Seen>,
    /// After each step: how many dead letters are kept, with those that their consumer has been given; none where it has none.
    dead: Vec<Option<usize>>,
    busy: Busy,
}

impl Played {
    /// Whether what was seen may be a matter of how fast it was played.
    pub(crate) fn too_slow(&self, sequence: &Sequence) -> bool {
        sequence.expires() && self.busy.too_slow()
    }
}

/// What is not over by then will not be.
const ENDLESS: Duration = Duration::from_secs(60);

/// Gives a step its limited time, and its failure the step's number.
async fn limited<T>(rt: &Runtime, nth: usize, step: impl Future<Output = Result<T, BrokerError>>) -> Result<T, String> {
    match rt.timeout(ENDLESS, step).await {
        Ok(done) => done.map_err(|error| format!("step {nth}: {error}")),
        Err(_) => Err(format!("step {nth} does not end")),
    }
}

/// The next delivery, if it comes in time.
async fn within(rt: &Runtime, patience: Duration, consumer: &mut Box<dyn Consumer>) -> Result<Option<Delivery>, BrokerError> {
    match rt.race(consumer.next(), rt.sleep(patience)).await {
        Either::Left(delivery) => delivery.map(Some),
        Either::Right(()) => Ok(None),
    }
}

/// Plays a sequence. Where it is known what is to be seen, nobody waits for what is not to come.
pub(crate) async fn play(
    client: &Client,
    ground: &dyn Ground,
    names: &Names,
    sequence: &Sequence,
    expected: Option<&Played>,
) -> Result<Played, String> {
    let rt = &client.rt;
    let publisher = limited(rt, 0, async {
        let publisher = client.broker.connect().await?;
        names::declare(&*publisher, names, sequence).await?;
        Ok(publisher)
    });
    let publisher = publisher.await?;
    let slots = [const { None }; CONSUMERS + 1];
    let busy = Busy::from(rt.now());
    let mut player = Player { client, ground, names, profile: &sequence.profile, publisher, slots, published: 0, busy };
    let (mut seen, mut dead) = (Vec::new(), Vec::new());
    for (nth, step) in sequence.steps.iter().enumerate() {
        if matches!(step, Step::Wait) {
            player.busy.rests(rt.now());
            rt.sleep(WAIT).await;
            player.busy.goes_on(rt.now());
            seen.push(Seen::Nothing);
        } else {
            let expected = expected.and_then(|expected| expected.seen.get(nth));
            seen.push(limited(rt, nth, player.step(step, expected)).await?);
        }
        let expected = expected.and_then(|expected| *expected.dead.get(nth)?);
        // A real broker takes its time for each look.
        let unchanged = expected.is_some() && dead.last() == Some(&expected);
        dead.push(if unchanged { expected } else { limited(rt, nth, player.dead_letters(expected)).await? });
    }
    let expected = expected.map(|expected| &*expected.seen);
    let left = limited(rt, sequence.steps.len(), player.drain(sequence, expected)).await?;
    player.busy.rests(rt.now());
    seen.extend(left);
    Ok(Played { seen, dead, busy: player.busy })
}

impl Player<'_> {
    async fn step(&mut self, step: &Step, expected: Option<&Seen>) -> Result<Seen, BrokerError> {
        match step {
            Step::Publish { .. } => self.publish(step, expected).await,
            Step::Open { consumer, prefetch } if self.slots[*consumer].is_none() => {
                self.open(*consumer, *prefetch).await?;
                Ok(Seen::Nothing)
            }
            Step::Open { consumer, .. } | Step::Receive { consumer } => {
                let open = self.first_from(*consumer, |_| true).unwrap_or(*consumer);
                self.receive(open, expected.map(|expected| matches!(expected, Seen::Came(Some(_))))).await
            }
            Step::Settle { consumer, nth, how } => {
                let holder = self.first_from(*consumer, |slot| !slot.held.is_empty());
                let Some(slot) = holder.and_then(|holder| self.slots[holder].as_mut()) else { return Ok(Seen::Nothing) };
                let delivery = slot.held.remove(nth % slot.held.len());
                delivery.settler.settle(*how).await?;
                // The queue answers after it has taken the answer.
                names::meet(&*slot.channel, self.names, self.profile).await?;
                Ok(Seen::Answered(self.ready(expected).await))
            }
            Step::Close { consumer } => {
                let open = self.slots[*consumer].is_some();
                self.close(*consumer).await?;
                Ok(if open { Seen::Closed } else { Seen::Nothing })
            }
            Step::Wait => Ok(Seen::Nothing),
        }
    }

    /// The first open consumer of this kind, from one on and around.
    fn first_from(&self, consumer: usize, wanted: impl Fn(&Slot) -> bool) -> Option<usize> {
        let around = (0..=CONSUMERS).map(|more| (consumer + more) % (CONSUMERS + 1));
        around.into_iter().find(|at| self.slots[*at].as_ref().is_some_and(&wanted))
    }

    /// How many messages are ready.
    async fn ready(&mut self, expected: Option<&Seen>) -> usize {
        let (began, expected) = (self.client.rt.now(), expected.and_then(Seen::ready));
        let ready = self.ground.ready(&self.names.work, expected).await;
        if expected.is_some_and(|expected| ready != expected) {
            self.busy.in_vain(began);
        }
        ready
    }

    async fn publish(&mut self, step: &Step, expected: Option<&Seen>) -> Result<Seen, BrokerError> {
        let Step::Publish { to, confirm, mandatory, persistent, priority, expiration } = step else { return Ok(Seen::Nothing) };
        let key = match to {
            To::Work => "work",
            To::Both => "both",
            To::Nowhere => "nowhere",
        };
        let message = Message {
            exchange: self.names.inlet.clone().into(),
            routing_key: key.into(),
            message_id: format!("m-{}", self.published).into(),
            correlation_id: "o-1".into(),
            timestamp_s: 0,
            persistent: *persistent,
            expiration: *expiration,
            priority: *priority,
            headers: Headers::default(),
            deaths: Vec::new(),
            body: "{}".into(),
        };
        self.published += 1;
        let sent = self.publisher.publish(message, Publish { confirm: *confirm, mandatory: *mandatory }).await;
        if !confirm {
            names::meet(&*self.publisher, self.names, self.profile).await?;
        }
        match sent {
            Ok(Sent::Written) => Ok(Seen::Written(self.ready(expected).await)),
            Err(error) if error != BrokerError::Nacked => Err(error),
            sent => Ok(Seen::Sent(sent.map_err(|error| error.to_string()))),
        }
    }

    fn queue_of(&self, consumer: usize) -> &str {
        if consumer == CONSUMERS { &self.names.dead } else { &self.names.work }
    }

    async fn open(&mut self, consumer: usize, prefetch: u16) -> Result<(), BrokerError> {
        let channel = self.client.broker.connect().await?;
        let started = channel.consume(self.queue_of(consumer), prefetch).await?;
        self.slots[consumer] = Some(Slot { channel, consumer: started, given: VecDeque::new(), held: Vec::new() });
        Ok(())
    }

    async fn receive(&mut self, consumer: usize, awaited: Option<bool>) -> Result<Seen, BrokerError> {
        let patience = self.ground.patience(awaited.unwrap_or(true));
        let rt = &self.client.rt;
        let began = rt.now();
        let Some(slot) = &mut self.slots[consumer] else { return Ok(Seen::Nothing) };
        let came = match slot.given.pop_front() {
            Some(given) => Some(given),
            None => within(rt, patience, &mut slot.consumer).await?,
        };
        if came.is_none() && awaited == Some(true) {
            self.busy.in_vain(began);
        }
        let told = came.as_ref().map(|delivery| tell(delivery, self.names));
        slot.held.extend(came);
        Ok(Seen::Came(told))
    }

    /// How many dead letters are kept, with those that their consumer has been given; none without a consumer. `expected`: once it is as
    /// many as that, if it is right.
    ///
    /// A dead letter is on its way between two queues, and nobody is told when it arrives. What its consumer does next must not be
    /// faster.
    async fn dead_letters(&mut self, expected: Option<usize>) -> Result<Option<usize>, BrokerError> {
        let rt = &self.client.rt;
        let began = rt.now();
        let until = began + self.ground.patience(expected.is_some());
        loop {
            let Some(slot) = &mut self.slots[CONSUMERS] else { return Ok(None) };
            if expected.is_none() {
                // What is on its way now is there when this is answered.
                self.ground.ready(&self.names.dead, None).await;
            }
            while let Some(given) = within(rt, Duration::ZERO, &mut slot.consumer).await? {
                slot.given.push_back(given);
            }
            // Last: one that is given in between is missed rather than counted twice.
            let all = slot.held.len() + slot.given.len() + self.ground.ready(&self.names.dead, None).await;
            if expected.is_none_or(|expected| all == expected) {
                return Ok(Some(all));
            }
            if rt.now() > until {
                self.busy.in_vain(began);
                return Ok(Some(all));
            }
        }
    }

    async fn close(&mut self, consumer: usize) -> Result<(), BrokerError> {
        let Some(slot) = self.slots[consumer].take() else { return Ok(()) };
        // Dropping it would cancel the consumer before the connection ends: what it holds would come back later.
        slot.channel.close().await;
        drop(slot);
        let listens = consumer == CONSUMERS;
        let same = |other: &usize| (*other == CONSUMERS) == listens && self.slots[*other].is_some();
        let left = (0..=CONSUMERS).filter(same).count();
        // A quorum queue does not count those who wait to be its single active consumer (`query_stat` in rabbit_fifo of 4.0.5).
        let Profile { kind, arguments, .. } = self.profile;
        let counts_one = !listens && *kind == QueueKind::Quorum && arguments.single_active_consumer;
        let shown = if counts_one { left.min(1) } else { left };
        self.ground.has_consumers(self.queue_of(consumer), shown).await
    }

    /// Ends all consumers, one after another, and takes what is left out of all queues.
    async fn drain(&mut self, sequence: &Sequence, expected: Option<&[Seen]>) -> Result<Vec<Seen>, BrokerError> {
        for consumer in 0..=CONSUMERS {
            self.close(consumer).await?;
        }
        // What is taken out stays out until all is seen.
        let (mut left, mut held) = (Vec::new(), Vec::new());
        for (short, queue) in self.names.queues(sequence) {
            let awaited = expected.and_then(|expected| expected.iter().find_map(|seen| seen.left_in(short)));
            let mut consumer = self.publisher.consume(queue, 0).await?;
            let items = self.take_out(&mut consumer, awaited).await?;
            left.push(Seen::Left(short, items));
            held.push(consumer);
        }
        Ok(left)
    }
    /// Takes all out of a queue; `awaited`: so many, if it is right.
    async fn take_out(&mut self, consumer: &mut Box<dyn Consumer>, awaited: Option<usize>) -> Result<Vec<String>, BrokerError> {
        let (rt, mut items) = (&self.client.rt, Vec::new());
        loop {
            let missing = awaited.is_none_or(|awaited| items.len() < awaited);
            let began = rt.now();
            let Some(delivery) = within(rt, self.ground.patience(missing), consumer).await? else {
                if awaited.is_some() && missing {
                    self.busy.in_vain(began);
                }
                return Ok(items);
            };
            items.push(tell(&delivery, self.names));
        }
    }
}
