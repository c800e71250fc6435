//! What the broker let see of itself in a run: kept for the folder, counted for the report.

use std::io::{self, Write};

use signals::{Passage, Scrape, counters, firehose, firehose::Contexts};

/// The broker's records of a run.
#[derive(Clone, Debug, Default)]
pub struct BrokerRecords {
    /// Looks at its counters, in the order they were made, where they are kept.
    scrapes: Vec<Scrape>,
    /// Messages that passed, where they are kept: a month has a hundred thousand.
    passages: Vec<Passage>,
    /// How many of them carried a trace context; `None` where nobody listened.
    contexts: Option<Contexts>,
    keep: bool,
}

impl BrokerRecords {
    /// Of a run whose telemetry is kept whole, or not; `listening` where each message that passes is told.
    #[must_use]
    pub fn new(keep: bool, listening: bool) -> Self {
        Self { keep, contexts: listening.then(Contexts::default), ..Self::default() }
    }

    /// Takes a look at the counters in.
    pub fn look(&mut self, scrape: &Scrape) {
        if self.keep {
            self.scrapes.push(scrape.clone());
        }
    }

    /// Takes a message in.
    pub fn keep(&mut self, passage: Passage) {
        if let Some(contexts) = &mut self.contexts {
            contexts.count(&passage);
        }
        if self.keep {
            self.passages.push(passage);
        }
    }

    /// How many messages carried a trace context; `None` where nobody listened.
    #[must_use]
    pub fn contexts(&self) -> Option<&Contexts> {
        self.contexts.as_ref()
    }

    /// The looks that were kept.
    #[must_use]
    pub fn scrapes(&self) -> &[Scrape] {
        &self.scrapes
    }

    /// The messages that were kept.
    #[must_use]
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }

    /// Name and content of each file that there is something for.
    pub(crate) fn files(&self) -> Vec<(&'static str, Content<'_>)> {
        let mut files: Vec<(&'static str, Content<'_>)> = Vec::new();
        if !self.scrapes.is_empty() {
            files.push(("counters.jsonl", Box::new(|out| counters::write(&self.scrapes, out))));
        }
        if !self.passages.is_empty() {
            files.push(("firehose.jsonl", Box::new(|out| firehose::write(&self.passages, out))));
        }
        files
    }
}

/// Writes a file.
pub(crate) type Content<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;
