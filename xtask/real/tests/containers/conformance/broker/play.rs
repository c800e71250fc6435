//! Plays a sequence on a broker and says what was seen.

use std::{sync::Arc, time::Duration};

use world::{
    Boxed, Either, Runtime,
    broker::{
        Arguments, Broker, BrokerError, Channel, Consumer, Delivery, Exchange, ExchangeKind, Headers, Message, Publish, Queue,
        Sent, Topology,
    },
};

use super::sequence::{CONSUMERS, Dead, Profile, SHORT, Sequence, Step, To, WAIT};

/// What a step showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing that could be seen, or nothing was done: there was no consumer, or nothing to answer.
    Nothing,
    /// A delivery was answered.
    Answered,
    /// A consumer's connection has ended.
    Closed,
    /// What the publisher learned.
    Sent(Result<Sent, String>),
    /// What a consumer got; none: nothing came.
    Came(Option<String>),
    /// What was left in a queue at the end, in its order.
    Left(&'static str, Vec<String>),
}

impl Seen {
    /// How many messages it says were left in a queue.
    fn left_in(&self, queue: &str) -> Option<usize> {
        match self {
            Self::Left(name, items) if *name == queue => Some(items.len()),
            _ => None,
        }
    }
}

/// Whoever plays: a clock and a way to the broker.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) rt: Runtime,
    pub(super) broker: Arc<dyn Broker>,
}

/// What differs between a model and a real broker in how they are played on.
pub(super) trait Ground: Sync {
    /// How long to wait for a delivery, where one is expected and where none is.
    fn patience(&self, expected: bool) -> Duration;

    /// Returns when a queue has this many consumers: a connection that was closed is gone then.
    fn has_consumers<'a>(&'a self, queue: &'a str, consumers: usize) -> Boxed<'a, ()>;
}

/// The names of one sequence's exchanges and queues.
pub(super) struct Names {
    prefix: String,
    pub(super) inlet: String,
    pub(super) strays: String,
    pub(super) dead_letters: String,
    pub(super) missing: String,
    pub(super) work: String,
    pub(super) copy: String,
    pub(super) stray: String,
    pub(super) dead: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        let name = |name: &str| format!("{prefix}.{name}");
        Self {
            prefix: format!("{prefix}."),
            inlet: name("in"),
            strays: name("strays"),
            dead_letters: name("dlx"),
            missing: name("missing"),
            work: name("work"),
            copy: name("copy"),
            stray: name("stray"),
            dead: name("dead"),
        }
    }

    /// All queues.
    pub(super) fn queues(&self) -> [&str; 4] {
        [&self.work, &self.copy, &self.stray, &self.dead]
    }

    /// All exchanges.
    pub(super) fn exchanges(&self) -> [&str; 3] {
        [&self.inlet, &self.strays, &self.dead_letters]
    }
}

/// A consumer and what it holds.
struct Slot {
    channel: Arc<dyn Channel>,
    consumer: Box<dyn Consumer>,
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
}

/// What was seen, and the longest time between two waits.
pub(super) struct Played {
    pub(super) seen: Vec<Seen>,
    pub(super) busy: Duration,
}

/// Plays a sequence. Where it is known what is to be seen, nobody waits for what is not to come.
pub(super) async fn play(
    client: &Client,
    ground: &dyn Ground,
    names: &Names,
    sequence: &Sequence,
    expected: Option<&[Seen]>,
) -> Result<Played, BrokerError> {
    let publisher = client.broker.connect().await?;
    declare(&*publisher, names, &sequence.profile).await?;
    let slots = [const { None }; CONSUMERS + 1];
    let mut player = Player { client, ground, names, profile: &sequence.profile, publisher, slots, published: 0 };
    let (mut seen, mut busy, mut since) = (Vec::new(), Duration::ZERO, client.rt.now());
    for (nth, step) in sequence.steps.iter().enumerate() {
        if matches!(step, Step::Wait) {
            busy = busy.max(client.rt.now() - since);
            client.rt.sleep(WAIT).await;
            since = client.rt.now();
            seen.push(Seen::Nothing);
            continue;
        }
        let awaited = expected.map(|expected| matches!(expected.get(nth), Some(Seen::Came(Some(_)))));
        seen.push(player.step(step, awaited).await?);
    }
    let left = player.drain(expected).await?;
    busy = busy.max(client.rt.now() - since);
    seen.extend(left);
    Ok(Played { seen, busy })
}

async fn declare(channel: &dyn Channel, names: &Names, profile: &Profile) -> Result<(), BrokerError> {
    let kind = |name, kind| Exchange { name, kind, alternate: None };
    let inlet = Exchange {
        alternate: profile.strays.then_some(names.strays.as_str()),
        ..kind(names.inlet.as_str(), ExchangeKind::Direct)
    };
    let exchanges =
        [inlet, kind(names.strays.as_str(), ExchangeKind::Fanout), kind(names.dead_letters.as_str(), ExchangeKind::Fanout)];
    let dead = Queue { kind: profile.dead_kind, ..Queue::classic(&names.dead) };
    let dead = if profile.dead == Dead::Retried {
        dead.with(Arguments {
            message_ttl: Some(SHORT),
            dead_letter_exchange: Some(""),
            dead_letter_routing_key: Some(&names.work),
            ..Arguments::NONE
        })
    } else {
        dead
    };
    let queues = [work(names, profile), Queue::classic(&names.copy), Queue::classic(&names.stray), dead];
    let (inlet, strays, dlx) = (names.inlet.as_str(), names.strays.as_str(), names.dead_letters.as_str());
    let bindings = [
        (inlet, "work", names.work.as_str()),
        (inlet, "both", &names.work),
        (inlet, "both", &names.copy),
        (strays, "", &names.stray),
        (dlx, "", &names.dead),
    ];
    channel.declare(&Topology { exchanges: &exchanges, queues: &queues, bindings: &bindings }).await
}

fn work<'a>(names: &'a Names, profile: &Profile) -> Queue<'a> {
    let exchange = match profile.dead {
        Dead::Unsaid => None,
        Dead::Missing => Some(names.missing.as_str()),
        Dead::Kept | Dead::Retried => Some(names.dead_letters.as_str()),
    };
    let key = (profile.dead_key && exchange.is_some()).then_some("dead.key");
    Queue { kind: profile.kind, ..Queue::classic(&names.work) }.with(Arguments {
        dead_letter_exchange: exchange,
        dead_letter_routing_key: key,
        ..profile.arguments
    })
}

/// Asks the queue under test for something, so that all that was sent before on this channel has reached it.
async fn meet(channel: &dyn Channel, names: &Names, profile: &Profile) -> Result<(), BrokerError> {
    channel.declare(&Topology { exchanges: &[], queues: &[work(names, profile)], bindings: &[] }).await
}

impl Player<'_> {
    async fn step(&mut self, step: &Step, awaited: Option<bool>) -> Result<Seen, BrokerError> {
        match step {
            Step::Publish { .. } => self.publish(step).await,
            Step::Open { consumer, prefetch } if self.slots[*consumer].is_none() => {
                self.open(*consumer, *prefetch).await?;
                Ok(Seen::Nothing)
            }
            Step::Open { consumer, .. } | Step::Receive { consumer } => {
                let open = self.first_from(*consumer, |_| true).unwrap_or(*consumer);
                self.receive(open, awaited).await
            }
            Step::Settle { consumer, nth, how } => {
                let holder = self.first_from(*consumer, |slot| !slot.held.is_empty());
                let Some(slot) = holder.and_then(|holder| self.slots[holder].as_mut()) else { return Ok(Seen::Nothing) };
                let delivery = slot.held.remove(nth % slot.held.len());
                delivery.settler.settle(*how).await?;
                // The queue answers after it has taken the answer.
                meet(&*slot.channel, self.names, self.profile).await?;
                Ok(Seen::Answered)
            }
            Step::Close { consumer } => {
                let open = self.slots[*consumer].is_some();
                self.close(*consumer).await;
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

    async fn publish(&mut self, step: &Step) -> Result<Seen, BrokerError> {
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
            meet(&*self.publisher, self.names, self.profile).await?;
        }
        match sent {
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
        self.slots[consumer] = Some(Slot { channel, consumer: started, held: Vec::new() });
        Ok(())
    }

    async fn receive(&mut self, consumer: usize, awaited: Option<bool>) -> Result<Seen, BrokerError> {
        let patience = self.ground.patience(awaited.unwrap_or(true));
        let rt = &self.client.rt;
        let Some(slot) = &mut self.slots[consumer] else { return Ok(Seen::Nothing) };
        let came = match rt.race(slot.consumer.next(), rt.sleep(patience)).await {
            Either::Left(delivery) => Some(delivery?),
            Either::Right(()) => None,
        };
        let told = came.as_ref().map(|delivery| tell(delivery, self.names));
        slot.held.extend(came);
        Ok(Seen::Came(told))
    }

    async fn close(&mut self, consumer: usize) {
        if self.slots[consumer].take().is_some() {
            let same = |other: &usize| (*other == CONSUMERS) == (consumer == CONSUMERS) && self.slots[*other].is_some();
            let left = (0..=CONSUMERS).filter(same).count();
            self.ground.has_consumers(self.queue_of(consumer), left).await;
        }
    }

    /// Ends all consumers, one after another, and takes what is left out of all queues.
    async fn drain(&mut self, expected: Option<&[Seen]>) -> Result<Vec<Seen>, BrokerError> {
        for consumer in 0..=CONSUMERS {
            self.close(consumer).await;
        }
        // What is taken out stays out until all is seen.
        let (mut left, mut held) = (Vec::new(), Vec::new());
        let queues =
            [("work", &self.names.work), ("copy", &self.names.copy), ("stray", &self.names.stray), ("dead", &self.names.dead)];
        for (short, queue) in queues {
            let awaited = expected.and_then(|expected| expected.iter().find_map(|seen| seen.left_in(short)));
            let channel = self.client.broker.connect().await?;
            let mut consumer = channel.consume(queue, 0).await?;
            let mut items = Vec::new();
            loop {
                let patience = self.ground.patience(awaited.is_none_or(|awaited| items.len() < awaited));
                let rt = &self.client.rt;
                match rt.race(consumer.next(), rt.sleep(patience)).await {
                    Either::Left(delivery) => items.push(tell(&delivery?, self.names)),
                    Either::Right(()) => break,
                }
            }
            left.push(Seen::Left(short, items));
            held.push((channel, consumer));
        }
        Ok(left)
    }
}

/// A delivery in a line: all that a broker decides about it.
fn tell(delivery: &Delivery, names: &Names) -> String {
    let message = &delivery.message;
    let short = |name: &str| name.replace(&names.prefix, "");
    let mut line = format!("{} {}/{}", message.message_id, short(&message.exchange), short(&message.routing_key));
    if delivery.redelivered {
        line += " redelivered";
    }
    if let Some(count) = delivery.delivery_count {
        line += &format!(" count {count}");
    }
    if let Some(expiration) = message.expiration {
        line += &format!(" expiration {}", expiration.as_millis());
    }
    for death in &message.deaths {
        let (exchange, keys) = (short(&death.exchange), death.routing_keys.join(","));
        line += &format!(" died {} {} {}x {exchange}/{}", short(&death.queue), death.reason.name(), death.count, short(&keys));
        if let Some(expiration) = death.original_expiration {
            line += &format!(" expiration {}", expiration.as_millis());
        }
    }
    for end in ["first", "last"] {
        let header = |of: &str| message.headers.get(&format!("x-{end}-death-{of}")).map(short);
        if let (Some(queue), Some(reason), Some(exchange)) = (header("queue"), header("reason"), header("exchange")) {
            line += &format!(" {end} {queue} {reason} {exchange}");
        }
    }
    line
}
