//! The book of intents: what each actor still means to do for which order, and what became of it.
//!
//! Truth needs it: an order that somebody still means to move is not lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::Status;
use serde::{Deserialize, Serialize};

use crate::numbers::Numbers;

/// Who means to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Orders in the internet shop.
    Customer,
    /// Orders by program at the shop's API.
    ApiUser,
    /// Approves prices in the CRM.
    Seller,
    /// Makes, packs and ships in the factory.
    Operator,
    /// Brings it, and says so.
    Carrier,
}

/// One thing that an actor meant to do for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intent {
    /// Who.
    pub who: Who,
    /// The state that it would bring the order into.
    pub step: Status,
    /// Since when, nanoseconds since the Unix epoch.
    pub begun_ns: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// When that was decided; `None` while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ns: Option<u64>,
    /// The last HTTP status; `None` when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The calls for it that were not answered with success, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedCall>,
}

/// A call that was not answered with success: refused, failed, or without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCall {
    /// When it was made, nanoseconds since the Unix epoch.
    pub asked_ns: u64,
    /// When its answer came, or it was clear that none would.
    pub ended_ns: u64,
    /// The HTTP status; `None` when there was no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Not yet done.
    Open,
    /// Done.
    Done,
    /// It was refused, or failed too often: nobody will try again.
    GivenUp,
}

/// The book, shared by all actors.
#[derive(Debug, Default)]
pub struct Intents(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    orders: Numbers,
    /// By the number of the order.
    intents: Vec<Vec<Intent>>,
    open: usize,
    ended: usize,
}

/// The place of an intent, as another process may know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(usize, usize);

/// An open intent: its place in the book.
#[derive(Debug)]
pub struct Entry {
    order: usize,
    index: usize,
    /// Who means to do it.
    pub who: Who,
    /// The state that it would bring the order into.
    pub step: Status,
}

impl Entry {
    /// Its place: no other intent of the book has it.
    #[must_use]
    pub const fn key(&self) -> Key {
        Key(self.order, self.index)
    }
}

impl Intents {
    /// Writes down that somebody means to bring an order into a state.
    pub fn begin(&self, order_ref: &Arc<str>, who: Who, step: Status, now_ns: u64) -> Entry {
        let mut book = self.book();
        let order = book.orders.number(order_ref);
        book.begin(order, who, step, now_ns)
    }

    /// Strikes an intent out: it was done.
    pub fn done(&self, entry: Entry, status: u16, now_ns: u64) {
        self.book().end(&entry, Outcome::Done, Some(status), now_ns);
    }

    /// Strikes an intent out and writes down the one that follows from it: at no moment does nobody mean to move the order.
    pub fn done_next(&self, entry: Entry, status: u16, next: (Who, Status), now_ns: u64) -> Entry {
        let mut book = self.book();
        book.end(&entry, Outcome::Done, Some(status), now_ns);
        book.begin(entry.order, next.0, next.1, now_ns)
    }

    /// Strikes an intent out: nobody will try again.
    pub fn give_up(&self, entry: Entry, status: Option<u16>, now_ns: u64) {
        self.book().end(&entry, Outcome::GivenUp, status, now_ns);
    }

    /// Writes down a call that was not answered with success.
    pub fn failed(&self, entry: &Entry, call: FailedCall) {
        self.book().intents[entry.order][entry.index].failed.push(call);
    }

    /// How often those who mean it have meant to bring the order of an intent into its state: 1 for the first time.
    #[must_use]
    pub fn attempts(&self, entry: &Entry) -> usize {
        self.book().intents[entry.order].iter().filter(|intent| (intent.who, intent.step) == (entry.who, entry.step)).count()
    }

    /// How many intents are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.book().open
    }

    /// How many intents are done or given up.
    #[must_use]
    pub fn ended(&self) -> usize {
        self.book().ended
    }

    /// All intents so far, order by order.
    #[must_use]
    pub fn all(&self) -> Vec<(Arc<str>, Vec<Intent>)> {
        let book = self.book();
        book.orders.texts().iter().cloned().zip(book.intents.iter().cloned()).collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn begin(&mut self, order: usize, who: Who, step: Status, now_ns: u64) -> Entry {
        self.open += 1;
        if self.intents.len() <= order {
            self.intents.resize_with(order + 1, Vec::new);
        }
        let intents = &mut self.intents[order];
        intents.push(Intent {
            who,
            step,
            begun_ns: now_ns,
            outcome: Outcome::Open,
            ended_ns: None,
            status: None,
            failed: Vec::new(),
        });
        Entry { order, index: intents.len() - 1, who, step }
    }

    fn end(&mut self, entry: &Entry, outcome: Outcome, status: Option<u16>, now_ns: u64) {
        self.open -= 1;
        self.ended += 1;
        let intent = &mut self.intents[entry.order][entry.index];
        (intent.outcome, intent.status, intent.ended_ns) = (outcome, status, Some(now_ns));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_counts_what_is_still_meant_to_be_done() {
        let intents = Intents::default();
        let order: Arc<str> = "c-000001".into();
        let upload = intents.begin(&order, Who::Customer, Status::FileUploaded, 10);
        let submit = intents.begin(&order, Who::Customer, Status::Submitted, 11);
        assert_eq!(intents.open(), 2);
        intents.done(upload, 200, 20);
        intents.give_up(submit, None, 30);
        assert_eq!((intents.open(), intents.ended()), (0, 2));
        let all = intents.all();
        let ends: Vec<_> = all[0].1.iter().map(|intent| (intent.outcome, intent.status, intent.ended_ns)).collect();
        assert_eq!(ends, [(Outcome::Done, Some(200), Some(20)), (Outcome::GivenUp, None, Some(30))]);
    }

    #[test]
    fn an_order_on_its_way_is_always_meant_to_be_moved() {
        let intents = Intents::default();
        let complete = intents.begin(&"c-000001".into(), Who::Operator, Status::ManufacturingCompleted, 0);
        let package = intents.done_next(complete, 200, (Who::Operator, Status::Packaging), 5);
        assert_eq!((intents.open(), package.step), (1, Status::Packaging));
    }

    #[test]
    fn a_second_attempt_at_a_step_is_counted() {
        let intents = Intents::default();
        let order: Arc<str> = "c-000001".into();
        let first = intents.begin(&order, Who::Seller, Status::ManufacturingApproved, 0);
        assert_eq!(intents.attempts(&first), 1);
        let close = intents.begin(&order, Who::Carrier, Status::Closed, 1);
        let second = intents.begin(&order, Who::Seller, Status::ManufacturingApproved, 2);
        assert_eq!((intents.attempts(&second), intents.attempts(&close)), (2, 1));
    }
}
