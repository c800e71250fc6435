//! The journey of one order: of each step the one record that counts, and when it was.

use opentelemetry::{SpanId, TraceId};

use crate::{
    finding::{HopSeen, Said, Source},
    order::Order,
    record::{Record, What, flag, name, span_label},
    way::{Step, StepId, Steps, Way, bit, members},
};

/// The most spans that a finding names, and the most log records.
const MOST_EVIDENCE: usize = 10;

/// A step that was not seen.
const UNSEEN: u16 = u16::MAX;

/// The journey of an order as its records show it.
pub(crate) struct Journey<'a> {
    pub(crate) order: &'a Order,
    pub(crate) way: &'a Way,
    /// Steps that have happened, seen or not.
    pub(crate) happened: Steps,
    picks: [u16; 64],
}

impl<'a> Journey<'a> {
    pub(crate) fn of(order: &'a Order, way: &'a Way) -> Self {
        let mut journey = Self { order, way, happened: way.happened(order.known()), picks: [UNSEEN; 64] };
        // A state is entered when it is first recorded.
        for (index, record) in order.records.iter().enumerate() {
            let step = StepId::from(record.what);
            if step < way.steps.len()
                && way.recorded & bit(step) != 0
                && journey.record(step).is_none_or(|first| record.place() < first.place())
            {
                journey.picks[step] = index as u16;
            }
        }
        for message in 0..way.message.len() {
            journey.pick_message(message);
        }
        for (state, start) in way.start.iter().enumerate() {
            if let Some(start) = *start {
                journey.pick_start(start, way.enter[state]);
            }
        }
        journey
    }

    /// The delivery that led to the effect, and the sending that led to the delivery. Of several the latest.
    fn pick_message(&mut self, message: usize) {
        let [sent, received, effect] = self.way.message[message];
        let process = What::Process(message).number(self.way);
        let step = effect;
        let effect = self.record(effect).copied();
        let delivered = effect.and_then(|effect| self.order.of(process).find(|process| process.span == effect.span));
        let label = delivered.map_or(0, |process| process.label);
        // Of an effect that was not seen itself, the first thing that came of it says when it was at the latest: a later
        // delivery did not lead to it.
        let until = effect.map_or_else(|| self.first_after(step), |effect| effect.at_ns);
        let fits = |record: &Record| (label != 0 && record.label == label, record.at_ns <= until, record.place());
        self.picks[received] = self.best(received as u8, fits);
        if self.picks[received] == UNSEEN {
            self.picks[received] = self.best(process, fits);
        }
        if self.picks[received] == UNSEEN && self.order.relayed & bit(received) != 0 {
            self.picks[received] = self.best(What::Handed(message).number(self.way), fits);
        }
        let label = self.record(received).map_or(label, |received| received.label);
        let until = self.record(received).map_or(until, |received| received.at_ns);
        // The very message that was received, also where its sender had given it up; else one that failed counts only where none
        // else is known.
        let received = |record: &Record| label != 0 && record.label == label;
        let fits = |record: &Record| (received(record), !record.is(flag::ERROR), record.at_ns <= until, record.place());
        let best = self.best(sent as u8, fits);
        let counts = |record: &Record| received(record) || !record.is(flag::ERROR);
        if self.order.records.get(usize::from(best)).is_some_and(counts) {
            self.picks[sent] = best;
        } else if self.order.relayed & bit(sent) != 0 {
            self.picks[sent] = self.best(What::Published(message).number(self.way), fits);
        }
    }

    /// The beginning of the work that led into the state, else the latest before it.
    fn pick_start(&mut self, start: StepId, enter: StepId) {
        let entered = self.record(enter);
        let label = entered.map_or(0, |entered| span_label(entered.span));
        let until = entered.map_or(u64::MAX, |entered| entered.at_ns);
        let logged = |record: &Record| record.is(flag::LOGGED);
        let fits = |record: &Record| (record.label == label, record.at_ns <= until, !logged(record), record.place());
        self.picks[start] = self.best(start as u8, fits);
    }

    /// When the first evidence was recorded of anything that needs a step. [`u64::MAX`] when there is none.
    fn first_after(&self, step: StepId) -> u64 {
        let followers = self.way.steps[step].followers;
        let follows =
            |record: &&Record| usize::from(record.what) < self.way.steps.len() && followers & bit(record.what.into()) != 0;
        self.order.records.iter().filter(follows).map(|record| record.at_ns).min().unwrap_or(u64::MAX)
    }

    fn best<K: Ord>(&self, what: u8, key: impl Fn(&Record) -> K) -> u16 {
        let of_kind = self.order.records.iter().enumerate().filter(|(_, record)| record.what == what);
        of_kind.max_by_key(|(_, record)| key(record)).map_or(UNSEEN, |(index, _)| index as u16)
    }

    /// The record that counts for a step.
    pub(crate) fn record(&self, step: StepId) -> Option<&Record> {
        self.order.records.get(usize::from(self.picks[step]))
    }

    /// When a step was seen.
    pub(crate) fn at(&self, step: StepId) -> Option<u64> {
        self.record(step).map(|record| record.at_ns)
    }

    /// When a step was at the earliest: not before what it needs.
    pub(crate) fn earliest(&self, step: StepId) -> u64 {
        let needed = || members(self.way.steps[step].needs_all).filter_map(|step| self.at(step)).max();
        self.at(step).or_else(needed).unwrap_or(0)
    }

    /// When a step was at the latest: not after what needs it. [`u64::MAX`] when nothing says that it was at all.
    pub(crate) fn latest(&self, step: StepId) -> u64 {
        self.at(step).unwrap_or_else(|| self.first_after(step))
    }

    /// When a step that was not seen was at the latest, where an attempt that did not count says more than those that do: what
    /// was begun in vain before it was begun again had needed the step as well.
    pub(crate) fn by_attempt(&self, step: StepId) -> Option<u64> {
        let counts = members(self.way.steps[step].followers).filter_map(|step| self.at(step)).min()?;
        Some(self.first_after(step)).filter(|first| *first < counts)
    }

    pub(crate) fn has_happened(&self, step: StepId) -> bool {
        self.happened & bit(step) != 0
    }

    /// Hops whose end was seen.
    pub(crate) fn seen(&self) -> Steps {
        members(self.way.all & !1).filter(|step| self.picks[*step] != UNSEEN).fold(0, |set, step| set | bit(step))
    }

    /// All hops, for the waterfall.
    pub(crate) fn hops(&self) -> Vec<HopSeen> {
        let hop = |step: StepId| {
            let at = &self.way.steps[step];
            HopSeen { hop: at.hop.clone(), from_ns: self.at(at.begin), to_ns: self.at(step) }
        };
        members(self.way.all & !1).map(hop).collect()
    }

    /// Everything known of a stretch: the spans of its steps and of the state that it begins at.
    pub(crate) fn evidence_of_stretch(&self, stretch: usize) -> Evidence {
        let stretch = &self.way.stretches[stretch];
        let about = |record: &&Record| {
            let what = usize::from(record.what);
            let keys = self.way.keys.len();
            let of_message = what.checked_sub(self.way.steps.len()).filter(|index| *index < 4 * keys);
            let message = of_message.map(|index| index % keys);
            what == stretch.first
                || stretch.steps.contains(&what)
                || message.is_some_and(|message| stretch.steps.contains(&self.way.message[message][0]))
        };
        evidence(self.order, self.way, self.order.records.iter().filter(about))
    }

    /// The records that count for some steps.
    pub(crate) fn evidence_of_steps(&self, steps: Steps) -> Evidence {
        evidence(self.order, self.way, members(steps).filter_map(|step| self.record(step)))
    }
}

/// What a finding rests on, oldest first.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) spans: Vec<(TraceId, SpanId)>,
    /// What no span says as well.
    pub(crate) logs: Vec<Said>,
}

/// The spans and the log records of some evidence: the last ten of each, each once.
pub(crate) fn evidence<'a>(order: &Order, way: &Way, records: impl Iterator<Item = &'a Record>) -> Evidence {
    let mut records: Vec<&Record> = records.collect();
    records.sort_by_key(|record| record.place());
    let mut found = Evidence::default();
    for record in records {
        if record.is(flag::LOGGED) {
            found.logs.push(said(record, way));
            continue;
        }
        let span = name(order.trace_of(record), record.span);
        if span.0 != TraceId::INVALID && !found.spans.contains(&span) {
            found.spans.push(span);
        }
    }
    let Evidence { spans, logs } = &mut found;
    spans.drain(..spans.len().saturating_sub(MOST_EVIDENCE));
    logs.drain(..logs.len().saturating_sub(MOST_EVIDENCE));
    found
}

/// What a log record says: its state, or the work that has begun, which has its name before its first blank.
fn said(record: &Record, way: &Way) -> Said {
    let step = StepId::from(record.what);
    let Step { service, hop, .. } = &way.steps[step];
    let state = way.record[*service].iter().position(|record| *record == Some(step));
    let says = match state {
        Some(state) => format!("recorded {}", way.states[state]),
        None => format!("began {}", hop.split(' ').next().unwrap_or_default()),
    };
    Said { source: Source::Log, at_ns: record.at_ns, name: way.services[*service].clone(), says }
}
