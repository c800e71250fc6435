//! What the broker lets see of itself: counters that somebody looks at again and again, and the firehose.
//!
//! It is telemetry: it neither awaits, spawns nor draws, and the account of the messages knows nothing of it. A look that was
//! due is made before the broker's state changes next, or when somebody asks; between two changes all looks show the same.

use std::{sync::Arc, time::Duration};

use faults::End;
use signals::{Counters, Passage, QueueCounters, Scrape, Silence, counters, firehose::At};
use world::broker::Message;

use super::{Exchange, State, account::Entry, queue::Item};
use crate::runtime::lock;

/// What was seen of the broker so far.
pub(super) struct Monitor {
    /// Between two looks at the counters; none: nobody looks.
    every: Option<Duration>,
    /// The next look.
    due: Duration,
    /// Wall clock at the start of the run, nanoseconds since the Unix epoch.
    epoch_ns: u64,
    /// When the broker came up.
    since: Duration,
    unroutable_dropped: u64,
    unroutable_returned: u64,
    scrapes: Vec<Scrape>,
    /// Somebody listens to the firehose.
    listening: bool,
    passages: Vec<Passage>,
    silences: Vec<Silence>,
}

impl Monitor {
    pub(super) fn new(every: Option<Duration>, listening: bool, epoch_ns: u64) -> Self {
        Self {
            every,
            due: every.unwrap_or(Duration::MAX),
            epoch_ns,
            since: Duration::ZERO,
            unroutable_dropped: 0,
            unroutable_returned: 0,
            scrapes: Vec::new(),
            listening,
            passages: Vec::new(),
            silences: Vec::new(),
        }
    }

    fn wall_ns(&self, at: Duration) -> u64 {
        self.epoch_ns + u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The broker went down: its counters are gone, and the firehose is silent.
    pub(super) fn down(&mut self, now: Duration) {
        if self.listening {
            let from_ns = self.wall_ns(now);
            self.silences.push(Silence { from_ns, until_ns: from_ns });
        }
    }

    /// The broker is up again. Whoever listens begins at once.
    pub(super) fn up(&mut self, now: Duration) {
        self.since = now;
        (self.unroutable_dropped, self.unroutable_returned) = (0, 0);
        let until_ns = self.wall_ns(now);
        if let Some(last) = self.silences.last_mut() {
            last.until_ns = until_ns;
        }
    }

    /// A message came to an exchange; `queues` have it now.
    pub(super) fn published(&mut self, now: Duration, message: &Message, queues: Vec<Arc<str>>) {
        let at = At::Publish { exchange: message.exchange.into(), queues };
        self.passages.push(passage(self.wall_ns(now), at, message));
    }

    /// A message went out to a consumer.
    pub(super) fn delivered(&mut self, now: Duration, queue: &Arc<str>, item: &Item) {
        if self.listening {
            let at = At::Deliver { queue: Arc::clone(queue), redelivered: item.redelivered };
            self.passages.push(passage(self.wall_ns(now), at, &item.message));
        }
    }
}

fn passage(at_ns: u64, at: At, message: &Message) -> Passage {
    Passage {
        at_ns,
        at,
        routing_key: message.routing_key.as_ref().into(),
        message_id: Arc::clone(&message.message_id),
        correlation_id: Arc::clone(&message.correlation_id),
        headers: message.headers.0.clone(),
    }
}

impl State {
    /// Makes the looks that are due before `now`.
    pub(super) fn look_before(&mut self, now: Duration) {
        if now <= self.monitor.due {
            return;
        }
        let Some(every) = self.monitor.every else { return };
        let first = self.monitor.due;
        let more = (now - first).as_nanos().saturating_sub(1) / every.as_nanos().max(1);
        let last = first + every.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX));
        self.monitor.due = last + every;
        let shown = (self.outages == 0).then(|| self.counters());
        let (first_ns, last_ns) = (self.monitor.wall_ns(first), self.monitor.wall_ns(last));
        counters::add(&mut self.monitor.scrapes, first_ns, shown);
        if let Some(scrape) = self.monitor.scrapes.last_mut() {
            scrape.until_ns = last_ns;
        }
    }

    fn counters(&self) -> Counters {
        let mut unacked = vec![0; self.queues.len()];
        for out in self.channels.values().flat_map(|open| open.unacked.values()) {
            unacked[out.queue] += 1;
        }
        let counters = |(queue, unacked): (&super::Queue, u64)| QueueCounters {
            queue: Arc::clone(&queue.name),
            ready: queue.ready.len() as u64,
            unacked,
            ..queue.counts.clone()
        };
        Counters {
            since_ns: self.monitor.wall_ns(self.monitor.since),
            unroutable_dropped: self.monitor.unroutable_dropped,
            unroutable_returned: self.monitor.unroutable_returned,
            queues: self.queues.iter().zip(unacked).map(counters).collect(),
        }
    }

    /// A message came to an exchange that is there.
    pub(super) fn came_in(&mut self, now: Duration, entry: Entry, message: &Message, mandatory: bool, queues: &[usize]) {
        if queues.is_empty() {
            if self.account.last(entry) != End::Unroutable {
                return;
            }
            let count = if mandatory { &mut self.monitor.unroutable_returned } else { &mut self.monitor.unroutable_dropped };
            *count += 1;
        }
        if self.monitor.listening {
            let names = queues.iter().map(|queue| Arc::clone(&self.queues[*queue].name)).collect();
            self.monitor.published(now, message, names);
        }
    }
}

impl Exchange {
    /// The looks at the counters since the last call.
    pub(crate) fn take_scrapes(&self) -> Vec<Scrape> {
        let now = self.now();
        let mut state = lock(&self.0.state);
        state.look_before(now);
        std::mem::take(&mut state.monitor.scrapes)
    }

    /// Adds what the firehose showed since the last call.
    pub(crate) fn drain_passages_into(&self, passages: &mut Vec<Passage>) {
        passages.append(&mut lock(&self.0.state).monitor.passages);
    }

    /// When nobody listened to the firehose: while the broker was down.
    pub(crate) fn silences(&self) -> Vec<Silence> {
        let now = self.now();
        let state = lock(&self.0.state);
        let mut silences = state.monitor.silences.clone();
        if state.outages > 0
            && let Some(last) = silences.last_mut()
        {
            last.until_ns = state.monitor.wall_ns(now);
        }
        silences
    }
}
