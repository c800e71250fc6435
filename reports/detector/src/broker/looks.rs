//! Looks at the broker's counters, and what several of them say together.

use signals::{Counters, QueueCounters, Scrape, counters::STALE_NS};

use crate::finding::{Said, Source};

/// Looks, by time.
#[derive(Default)]
pub(crate) struct Looks(Vec<Scrape>);

/// A look that the broker answered.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    scrape: &'a Scrape,
    pub(crate) counters: &'a Counters,
}

fn answered(scrapes: &[Scrape]) -> impl DoubleEndedIterator<Item = Look<'_>> {
    scrapes.iter().filter_map(|scrape| Some(Look { scrape, counters: scrape.broker.as_ref()? }))
}

impl Looks {
    pub(crate) fn add(&mut self, scrape: Scrape) {
        self.0.push(scrape);
    }

    pub(crate) fn sort(&mut self) {
        self.0.sort_by_key(|scrape| scrape.at_ns);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first look at a broker that came up after `at_ns`: it has been away meanwhile.
    pub(crate) fn restarted_after(&self, at_ns: u64) -> Option<Look<'_>> {
        let later = &self.0[self.0.partition_point(|scrape| scrape.until_ns <= at_ns)..];
        answered(later).find(|look| look.counters.since_ns > at_ns)
    }

    /// Looks in the life of the broker that `at_ns` is in, none before a time; what they show is no older than that.
    pub(crate) fn in_life(&self, at_ns: u64, from_ns: u64) -> impl Iterator<Item = Look<'_>> {
        let end_ns = self.restarted_after(at_ns).map_or(u64::MAX, |look| look.counters.since_ns);
        let first = self.0.partition_point(|scrape| scrape.until_ns < from_ns.saturating_add(STALE_NS));
        answered(&self.0[first..]).take_while(move |look| look.counters.since_ns <= at_ns && look.scrape.at_ns < end_ns)
    }

    /// The last look before a time, in the life of the broker that this time is in.
    pub(crate) fn last_before(&self, at_ns: u64) -> Option<Look<'_>> {
        self.before(at_ns).next()
    }

    /// The looks before a time, the last one first.
    pub(crate) fn before(&self, at_ns: u64) -> impl Iterator<Item = Look<'_>> {
        let looks = answered(&self.0).rev().skip_while(move |look| look.scrape.at_ns > at_ns);
        looks.take_while(move |look| look.counters.since_ns <= at_ns)
    }

    /// The last look before a time that the broker did not answer, if it had not answered since.
    pub(crate) fn silent_at(&self, at_ns: u64) -> Option<Said> {
        let last = &self.0[..self.0.partition_point(|scrape| scrape.at_ns <= at_ns)].last()?;
        let said = |scrape: &Scrape| Said {
            source: Source::Counters,
            at_ns: scrape.at_ns,
            name: "broker".to_owned(),
            says: "does not answer".to_owned(),
        };
        last.broker.is_none().then(|| said(last))
    }

    /// The last look of all that was answered.
    pub(crate) fn last(&self) -> Option<Look<'_>> {
        answered(&self.0).next_back()
    }

    /// The first look of the life that a later look belongs to.
    pub(crate) fn first_of_life(&self, of: Look<'_>) -> Option<Look<'_>> {
        answered(&self.0).find(|look| look.counters.since_ns == of.counters.since_ns)
    }
}

impl<'a> Look<'a> {
    pub(crate) fn queue(self, name: &str) -> Option<&'a QueueCounters> {
        self.scrape.queue(name)
    }

    pub(crate) fn at_ns(self) -> u64 {
        self.scrape.at_ns
    }

    /// Until when nothing else was seen.
    pub(crate) fn until_ns(self) -> u64 {
        self.scrape.until_ns
    }

    /// Messages that no queue was bound for.
    pub(crate) fn unroutable(self) -> u64 {
        self.counters.unroutable_dropped + self.counters.unroutable_returned
    }

    /// It says how many those are.
    pub(crate) fn says_unroutable(self) -> Said {
        self.says("broker", format!("{} unroutable", self.unroutable()))
    }

    /// It says since when the broker runs.
    pub(crate) fn says_since(self) -> Said {
        let since = self.scrape.at_ns.saturating_sub(self.counters.since_ns);
        self.says("broker", format!("has run for {}", seconds(since)))
    }

    /// It says how a queue stands.
    pub(crate) fn says_queue(self, name: &str) -> Said {
        let says = self.queue(name).map_or_else(
            || "there is no such queue".to_owned(),
            |queue| {
                let QueueCounters { ready, unacked, published, redelivered, acked, .. } = queue;
                let redelivered = if *redelivered > 0 { format!(", {redelivered} redelivered") } else { String::new() };
                format!("{ready} ready, {unacked} unacked; {published} published, {acked} acked{redelivered}")
            },
        );
        self.says(name, says)
    }

    fn says(self, name: &str, says: String) -> Said {
        Said { source: Source::Counters, at_ns: self.scrape.at_ns, name: name.to_owned(), says }
    }
}

/// `4.2 s`.
#[expect(clippy::cast_precision_loss, reason = "a number to read")]
fn seconds(ns: u64) -> String {
    format!("{:.1} s", ns as f64 / 1e9)
}
