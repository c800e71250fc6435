//! The driver's end: writes what the people tell into the driver's own book, and asks them what only they know.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender},
    oneshot,
};

use super::lines::{Counted, Say, Told};
use crate::actors::{
    Cast,
    intents::{Entry, Key},
    operator,
};

/// The line to the people's process.
pub struct Line {
    say: UnboundedSender<Say>,
    told: Mutex<Option<UnboundedReceiver<Told>>>,
    counted: OnceLock<Counted>,
}

impl Line {
    /// What goes there, and what comes from there; that ends when the people do.
    #[must_use]
    pub fn new(say: UnboundedSender<Say>, told: UnboundedReceiver<Told>) -> Arc<Self> {
        Arc::new(Self { say, told: Mutex::new(Some(told)), counted: OnceLock::new() })
    }

    pub(crate) fn say(&self) -> UnboundedSender<Say> {
        self.say.clone()
    }

    /// What the load tool counted, once the run is over.
    #[must_use]
    pub fn counted(&self) -> Option<&Counted> {
        self.counted.get()
    }
}

/// Why there is no word from the people.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Their process has ended, or was never there.
    #[error("the people's process ended before the run did")]
    Gone,
    /// They could not look.
    #[error("the people cannot say what waits: {0}")]
    Blind(String),
    /// Something was told of an intent that nobody had.
    #[error("the people told of an intent that they had not begun")]
    Unknown,
    /// A request went past the load tool, or was none of theirs.
    #[error("the people made {made} requests, and the load tool counted {counted}")]
    Uncounted {
        /// As the actors know it.
        made: u64,
        /// As the load tool does.
        counted: u64,
    },
}

/// Those who are played elsewhere.
pub(crate) struct Troupe {
    line: Arc<Line>,
    asked: Mutex<Asked>,
}

/// Who waits for a word.
#[derive(Default)]
struct Asked {
    number: u64,
    questions: BTreeMap<u64, oneshot::Sender<Result<bool, String>>>,
    over: Option<oneshot::Sender<u64>>,
    /// Nobody will answer.
    gone: bool,
    confused: bool,
}

impl Troupe {
    /// Listens from now on.
    pub(crate) fn begin(cast: &Arc<Cast>, line: Arc<Line>) -> Arc<Self> {
        let told = line.told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let troupe = Arc::new(Self { line, asked: Mutex::default() });
        let (listener, heard) = (Arc::clone(&troupe), Arc::clone(cast));
        drop(cast.rt().spawn("people", async move {
            if let Some(told) = told {
                listener.listen(&heard, told).await;
            }
            let mut asked = listener.asked();
            asked.gone = true;
            // Whoever waits hears that nobody will say anything.
            asked.questions.clear();
            asked.over = None;
        }));
        troupe
    }

    /// Whether an order waits at a desk that is in nobody's hands.
    pub(crate) async fn waiting(&self) -> Result<bool, PeopleError> {
        let (answer, answered) = oneshot::channel();
        let number = {
            let mut asked = self.asked();
            self.alive(&asked)?;
            asked.number += 1;
            let number = asked.number;
            asked.questions.insert(number, answer);
            number
        };
        drop(self.line.say.send(Say::Waiting(number)));
        answered.await.map_err(|_| self.silence())?.map_err(PeopleError::Blind)
    }

    /// Ends them. All their requests must have been counted by the tool that makes them.
    pub(crate) async fn close(&self) -> Result<(), PeopleError> {
        let (over, ended) = oneshot::channel();
        {
            let mut asked = self.asked();
            self.alive(&asked)?;
            asked.over = Some(over);
        }
        drop(self.line.say.send(Say::Close));
        let made = ended.await.map_err(|_| self.silence())?;
        let counted = self.line.counted().map_or(0, |counted| counted.requests.values().sum());
        if made == counted { Ok(()) } else { Err(PeopleError::Uncounted { made, counted }) }
    }

    fn alive(&self, asked: &Asked) -> Result<(), PeopleError> {
        match (asked.confused, asked.gone) {
            (true, _) => Err(PeopleError::Unknown),
            (_, true) => Err(PeopleError::Gone),
            _ => Ok(()),
        }
    }

    fn silence(&self) -> PeopleError {
        self.alive(&self.asked()).err().unwrap_or(PeopleError::Gone)
    }

    async fn listen(&self, cast: &Arc<Cast>, mut told: UnboundedReceiver<Told>) {
        let mut open = BTreeMap::new();
        let mut made = 0;
        while let Some(told) = told.recv().await {
            match told {
                Told::Took { who, call, took } => {
                    made += 1;
                    cast.requests.took(who, call, took);
                }
                Told::Did(effects) => cast.note(effects),
                Told::Waiting { question, answer } => {
                    if let Some(waits) = self.asked().questions.remove(&question) {
                        drop(waits.send(answer));
                    }
                }
                Told::Over(counted) => {
                    drop(self.line.counted.set(counted));
                    if let Some(waits) = self.asked().over.take() {
                        let _ = waits.send(made);
                    }
                }
                book => {
                    if write(cast, &mut open, book).is_none() {
                        self.asked().confused = true;
                        return;
                    }
                }
            }
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes into the driver's book what was written into theirs. None when they tell of an intent that they had not begun.
fn write(cast: &Arc<Cast>, open: &mut BTreeMap<Key, Entry>, told: Told) -> Option<()> {
    match told {
        Told::Begun { key, order_ref, who, step, at_ns } => {
            open.insert(key, cast.intents.begin(&order_ref, who, step, at_ns));
        }
        Told::Failed { key, call } => cast.intents.failed(open.get(&key)?, call),
        Told::Ended { key, done, status, at_ns } => {
            let entry = open.remove(&key)?;
            match status.filter(|_| done) {
                Some(status) => cast.intents.done(entry, status, at_ns),
                None => cast.intents.give_up(entry, status, at_ns),
            }
        }
        Told::Followed { key, status, next, who, step, at_ns } => {
            let entry = cast.intents.done_next(open.remove(&key)?, status, (who, step), at_ns);
            open.insert(next, entry);
        }
        Told::Matures { key, made } => operator::begin(cast, made, open.remove(&key)?),
        Told::Took { .. } | Told::Did(_) | Told::Waiting { .. } | Told::Over(_) => {}
    }
    Some(())
}
