//! Takes spans and log records in as they come, and gives its word on every order at the end.

mod broker;

use std::{collections::VecDeque, sync::Arc};

use opentelemetry::TraceId;
use signals::{Log, Span};

use crate::{
    behind::{Behind, Holds},
    broker::Broker,
    clocks::Clocks,
    finding::Finding,
    gap::{self, Gap, Known},
    journey::Journey,
    leaks::{Leak, Leaks},
    lifecycle::Lifecycle,
    logbook::{Logbook, Logbooks},
    orders::Orders,
    record::Record,
    requests::{Requests, Route},
    sighting::{Reader, shows},
    strays::Strays,
    turns::Turns,
    verdict::{Testimony, fine, judge},
    way::{Kind, StepId, Steps, Way, bit, members},
};

/// Watches the orders of one run.
///
/// Spans and log records may come in any order, as long as [`advance`](Self::advance) is told a time only when every one that
/// ended before it has been seen. What is said at the end does not depend on the order in which they came.
pub struct Detector {
    reader: Reader,
    logbook: Logbook,
    way: Way,
    orders: Orders,
    clients: Vec<Arc<str>>,
    strays: Strays,
    gaps: Vec<Gap>,
    clocks: Clocks,
    leaks: Leaks,
    requests: Requests,
    broker: Broker,
    turns: Turns,
    holds: Holds,
    deadlines: Deadlines,
    /// Orders that showed their last step, in the order in which that was seen.
    closing: VecDeque<u32>,
    closed: Vec<Arc<str>>,
    alarms: Vec<Alarm>,
    /// Steps that some order showed.
    shown: Steps,
    /// Steps that happened to some order without being shown.
    unshown: Steps,
    /// By service: a span of it was seen.
    heard: Vec<bool>,
    /// The logs that were seen.
    logbooks: Logbooks,
    counts: Counts,
    /// What the span at hand says; kept for its memory.
    records: Vec<Record>,
}

/// How much was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans taken in.
    pub spans: u64,
    /// Log records taken in.
    pub logs: u64,
    /// Pieces of evidence in them, each counted once.
    pub evidence: u64,
    /// Orders.
    pub orders: u64,
    /// Orders that came to their end in time and are forgotten but for their name.
    pub closed: u64,
    /// Orders for which an alarm was raised.
    pub alarms: u64,
    /// Pieces of evidence that name no order: at the end they are put to the order that their trace is about, if it is one.
    pub strays: u64,
}

/// An order is not as it should be. What is said at the end may be milder: spans can come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The order.
    pub order_id: Arc<str>,
    /// When its deadline passed, or a state was recorded again: nanoseconds since the Unix epoch.
    pub at_ns: u64,
}

/// One queue for each deadline: what has a constant deadline falls due in the order in which it began.
struct Deadlines {
    /// When, and which order; the promise stands last.
    queues: Vec<VecDeque<(u64, u32)>>,
    /// By step: the stretches that begin there, with their deadlines.
    begin: Vec<Vec<(usize, u64)>>,
    /// By queue: the step that must have happened.
    last: Vec<StepId>,
}

impl Deadlines {
    fn new(way: &Way) -> Self {
        let mut begin = vec![Vec::new(); way.steps.len()];
        let promise = way.promise_ns.map(|promise_ns| (0, way.last(), promise_ns));
        let stretches = way.stretches.iter().map(|stretch| (stretch.first, stretch.last, stretch.deadline_ns));
        let all: Vec<_> = stretches.filter_map(|(first, last, deadline)| Some((first, last, deadline?))).chain(promise).collect();
        for (queue, (first, _, deadline_ns)) in all.iter().enumerate() {
            begin[*first].push((queue, *deadline_ns));
        }
        Self { queues: vec![VecDeque::new(); all.len()], begin, last: all.into_iter().map(|(_, last, _)| last).collect() }
    }

    fn begin(&mut self, step: StepId, at_ns: u64, order: usize) {
        for (queue, deadline_ns) in &self.begin[step] {
            self.queues[*queue].push_back((at_ns.saturating_add(*deadline_ns), order as u32));
        }
    }
}

impl Detector {
    /// A detector for orders that live like this.
    #[must_use]
    pub fn new(lifecycle: Lifecycle) -> Self {
        let Lifecycle { names, logs, way } = lifecycle;
        Self {
            requests: Requests::new([&names.order, &names.reference].map(String::clone)),
            reader: Reader::new(names),
            logbook: Logbook(logs),
            deadlines: Deadlines::new(&way),
            heard: vec![false; way.services.len()],
            logbooks: Logbooks::default(),
            turns: Turns::new(&way),
            holds: Holds::new(&way),
            way,
            orders: Orders::default(),
            clients: vec!["".into()],
            strays: Strays::default(),
            gaps: Vec::new(),
            clocks: Clocks::default(),
            leaks: Leaks::default(),
            broker: Broker::default(),
            closing: VecDeque::new(),
            closed: Vec::new(),
            alarms: Vec::new(),
            shown: 0,
            unshown: 0,
            counts: Counts::default(),
            records: Vec::new(),
        }
    }

    /// Takes a span in. The same span again changes nothing.
    pub fn observe(&mut self, span: &Span) {
        self.counts.spans += 1;
        self.leaks.look_at_span(span);
        self.clocks.hear(span);
        self.requests.hear(span);
        let Some(service) = self.way.service(&span.resource.service) else { return self.observe_helper(span) };
        self.heard[service] = true;
        let mut records = std::mem::take(&mut self.records);
        if let Some(sighting) = self.reader.read(span, service, &self.way, &mut records) {
            match sighting.order {
                // What began with a commit that failed never began.
                Some(order) if sighting.failed && self.orders.known(order).is_none() => {}
                // It may still begin: then its trace says so.
                Some(order) if sighting.aside && self.orders.known(order).is_none() => {
                    self.strays.keep((span.trace_id, None), &records, 0);
                }
                Some(order) => {
                    let number = self.orders.number(order);
                    if let Some(client) = sighting.client_type {
                        self.orders.all[number].client = self.client(client, number);
                    }
                    let order = &mut self.orders.all[number];
                    order.latest_ns = order.latest_ns.max(span.end_ns);
                    order.hinted |= sighting.hinted;
                    if sighting.holds {
                        self.holds.handled(service, number, (span.start_ns, span.end_ns));
                    }
                    for record in &records {
                        self.take(number, *record, Some(span.trace_id));
                    }
                    self.close_later(number);
                }
                None => {
                    let link = span.links.first().map(|link| link.trace_id);
                    self.strays.keep((span.trace_id, link), &records, sighting.hinted);
                }
            }
        }
        self.records = records;
    }

    /// Takes a span of a service in that witnesses no step: it may say what a step's time was spent on.
    fn observe_helper(&mut self, span: &Span) {
        let Some((order, record)) = self.reader.aside(span, &self.way) else { return };
        match self.orders.known(order) {
            Some(number) => self.take(number, record, Some(span.trace_id)),
            None => self.strays.keep((span.trace_id, None), &[record], 0),
        }
    }

    /// Takes a log record in. Where a span says the same it changes nothing.
    pub fn observe_log(&mut self, log: &Log) {
        self.counts.logs += 1;
        self.leaks.look_at_log(log);
        let Some(service) = self.way.service(&log.resource.service) else { return };
        self.logbooks.see(log, service);
        let Some(noted) = self.logbook.read(log, service, &self.way) else { return };
        let Some(order) = noted.order else {
            return self.strays.keep((log.trace_id, None), &[noted.record], 0);
        };
        let number = self.orders.number(order);
        if let Some(client) = noted.client_type {
            self.orders.all[number].client = self.client(client, number);
        }
        let order = &mut self.orders.all[number];
        order.latest_ns = order.latest_ns.max(log.time_ns);
        self.take(number, noted.record, Some(log.trace_id));
        self.close_later(number);
    }

    /// Every span and log record that ended at or before `watermark_ns` has been observed. Raises the alarms that are due and forgets
    /// orders that came to their end in time.
    pub fn advance(&mut self, watermark_ns: u64) {
        self.requests.advance(watermark_ns);
        for queue in 0..self.deadlines.queues.len() {
            while let Some((due_ns, order)) = self.deadlines.queues[queue].pop_front_if(|(due_ns, _)| *due_ns <= watermark_ns) {
                let at = &self.orders.all[order as usize];
                if !self.way.has_happened(self.deadlines.last[queue], at.known()) {
                    self.alarm(order as usize, due_ns);
                }
            }
        }
        while let Some(number) = self.closing.front().copied() {
            if self.orders.all[number as usize].latest_ns > watermark_ns {
                break;
            }
            self.closing.pop_front();
            self.close(number as usize);
        }
    }

    /// Says that spans are known to be missing: what they may have shown is then no longer missing for a reason.
    pub fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    /// The orders that came to their end in time since this was last asked: nobody needs their spans any more.
    pub fn take_closed(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.closed)
    }

    /// The alarms raised since this was last asked, one for each order at most.
    pub fn take_alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.alarms)
    }

    /// Personal data that was seen so far, where none belongs.
    #[must_use]
    pub fn leaks(&self) -> Vec<Leak> {
        self.leaks.all()
    }

    /// The requests that were seen since this was last asked, by service and route. Nothing will come any more.
    #[must_use]
    pub fn take_requests(&mut self) -> Vec<Route> {
        self.requests.take()
    }

    /// How much was seen so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { orders: self.orders.all.len() as u64, strays: self.strays.len(), ..self.counts }
    }

    /// The word on every order, by order id. `end_ns` is the end of the run in telemetry time: no span will come any more,
    /// and what had a deadline until then has missed it.
    #[must_use]
    pub fn finish(mut self, end_ns: u64) -> Vec<Finding> {
        self.place_strays();
        self.relay();
        for order in &self.orders.all {
            self.shown |= order.seen | order.relayed;
            self.unshown |= self.way.happened(order.known()) & !order.seen;
        }
        let silent = self.silent();
        self.orders.all.iter().for_each(|order| self.clocks.check(order, &self.way));
        let slack = self.clocks.slack(&self.way);
        if !self.broker.says_nothing() {
            let vanished = self.orders.all.iter().flat_map(|order| order.vanished(&self.way)).collect();
            self.orders.all.iter().for_each(|order| self.broker.dead.note(order, &self.way));
            self.broker.close(vanished);
        }
        for (number, order) in self.orders.all.iter().enumerate().filter(|(_, order)| order.closed.is_none()) {
            let journey = Journey::of(order, &self.way);
            self.turns.note(&journey);
            self.holds.note(number, &journey);
        }
        self.turns.close();
        self.holds.close();
        let gaps = self.known_gaps(end_ns, slack.iter().max().copied().unwrap_or(0));
        let mut findings: Vec<Finding> = Vec::with_capacity(self.orders.all.len());
        for (number, order) in self.orders.all.iter().enumerate() {
            let hidden = |journey: &Journey<'_>| gap::hidden(journey, number, &gaps);
            let open = gap::open(order, number, &gaps) & self.way.recorded;
            let (way, slack, broker, turns) = (&self.way, &*slack, &self.broker, &self.turns);
            let behind = |journey: &Journey<'_>, step: StepId| {
                let name = |order: u32| &*self.orders.all[order as usize].id;
                let (before, for_ns) = self.holds.behind(number, (journey, step), name)?;
                Some(Behind { order_id: self.orders.all[before as usize].id.clone(), for_ns })
            };
            let testimony = Testimony { way, end_ns, silent, hidden: &hidden, open, slack, broker, turns, behind: &behind };
            findings.push(judge(order, self.clients[usize::from(order.client)].clone(), &testimony));
        }
        findings.sort_by(|a, b| a.order_id.cmp(&b.order_id));
        findings
    }

    fn take(&mut self, number: usize, record: Record, trace: Option<TraceId>) {
        let order = &mut self.orders.all[number];
        if !order.take(record, trace, &self.way) {
            return;
        }
        self.counts.evidence += 1;
        let shows = shows(&record, &self.way);
        let again = order.seen & shows != 0;
        order.seen |= shows;
        if shows != 0 {
            let step = StepId::from(record.what);
            if !again {
                self.deadlines.begin(step, record.at_ns, number);
            } else if self.way.recorded & bit(step) != 0 {
                self.alarm(number, record.at_ns);
            }
        }
    }

    fn alarm(&mut self, number: usize, at_ns: u64) {
        let order = &mut self.orders.all[number];
        if !std::mem::replace(&mut order.alarmed, true) {
            self.counts.alarms += 1;
            self.alarms.push(Alarm { order_id: order.id.clone(), at_ns });
        }
    }

    /// The place of a client type among those seen. The name that sorts first stays, so that it does not matter which came
    /// first.
    fn client(&mut self, client: &str, number: usize) -> u8 {
        let known = self.orders.all[number].client;
        let name = &self.clients[usize::from(known)];
        if !name.is_empty() && **name <= *client {
            return known;
        }
        if let Some(at) = self.clients.iter().position(|name| **name == *client) {
            return at as u8;
        }
        if self.clients.len() > usize::from(u8::MAX) {
            return known;
        }
        self.clients.push(client.into());
        (self.clients.len() - 1) as u8
    }

    fn close_later(&mut self, number: usize) {
        let order = &mut self.orders.all[number];
        if !order.closing && self.way.is_whole(order.known()) {
            order.closing = true;
            self.closing.push_back(number as u32);
        }
    }

    /// Forgets an order that came to its end in time.
    fn close(&mut self, number: usize) {
        let order = &mut self.orders.all[number];
        let journey = Journey::of(order, &self.way);
        let Some((shown, spare_ns)) = fine(&journey) else { return };
        self.turns.note(&journey);
        self.holds.note(number, &journey);
        self.clocks.check(order, &self.way);
        let ended_ns = journey.at(self.way.last()).unwrap_or(0);
        order.spare_ns = spare_ns;
        order.ended_ns = ended_ns;
        order.seen |= shown;
        order.close(&self.way);
        self.counts.closed += 1;
        self.closed.push(order.id.clone());
    }

    /// Puts evidence that names no order to the order that its trace is about.
    fn place_strays(&mut self) {
        for (number, record, trace, hinted) in std::mem::take(&mut self.strays).place(&self.orders.all) {
            self.orders.all[number].hinted |= hinted;
            self.take(number, record, Some(trace));
        }
    }

    /// Steps that nobody shows for any order: nothing can be read from their missing.
    fn silent(&self) -> Steps {
        let unheard = (0..self.way.steps.len()).filter(|step| !self.hears(*step));
        unheard.fold(self.unshown & !self.shown, |set, step| set | bit(step)) & !self.relayable()
    }

    /// Whether somebody would say that a step has happened: its service's spans, or of a state and of a work its log.
    fn hears(&self, step: StepId) -> bool {
        let step = &self.way.steps[step];
        self.heard[step.service] || (notes(step.kind) && self.logbooks.is_known(step.service))
    }

    /// Steps that a log notes which is whole: no loss of spans hides them.
    fn noted(&self) -> Steps {
        let noted = |step: &StepId| notes(self.way.steps[*step].kind) && self.logbooks.is_whole(self.way.steps[*step].service);
        members(self.way.all).filter(noted).fold(0, |set, step| set | bit(step))
    }

    /// All gaps, as wide as clocks leave it open where in them a span lies.
    fn known_gaps(&self, end_ns: u64, slack: u64) -> Vec<Known> {
        let noted = self.noted();
        let known = |gap: &Gap| {
            let of_service = match &gap.service {
                None => self.way.all,
                // Nothing is expected of a service that is not on the way.
                Some(name) => self.way.of_service(self.way.service(name)?),
            };
            let steps = if gap.logs { of_service } else { of_service & !noted };
            let orders = gap.orders.as_ref().map(|ids| {
                let mut numbers: Vec<usize> = ids.iter().filter_map(|id| self.orders.known(id)).collect();
                numbers.sort_unstable();
                numbers
            });
            let (from_ns, until_ns) = (gap.from_ns.saturating_sub(slack), gap.until_ns.saturating_add(slack));
            Some(Known { from_ns, until_ns, steps, orders, done: gap.done })
        };
        self.gaps.iter().filter(|gap| gap.from_ns <= end_ns).filter_map(known).chain(self.unheard_by_the_broker(end_ns)).collect()
    }
}

/// Whether a log notes a step of a kind: that a state was recorded and that a work has begun, never that a message was sent.
const fn notes(kind: Kind) -> bool {
    matches!(kind, Kind::Enter { .. } | Kind::Effect(_) | Kind::Start(_))
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("counts", &self.counts()).finish_non_exhaustive()
    }
}
