//! Where a process fails because it is told to: it dies between two lines, rolls a commit back, overlooks a row. That happens inside of
//! it, where no proxy gets.
//!
//! It is told at its control address. What it does is told to the journal before it happens, so that a death cannot swallow it.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use faults::{Aim, Effect, Interference, What};
use serde::{Deserialize, Serialize};
use world::{Failpoint, Node, Runtime, random::Random};

use crate::journal::{Entry, Journal};

/// What a fault lets fail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Events with this routing key; `None`: any.
    pub key: Option<String>,
    /// Which share, 0 to 1.
    pub share: f64,
    /// At most so many; `None`: as many as come.
    pub most: Option<u64>,
    /// What happens to them.
    pub how: How,
}

/// How it fails. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The process dies before a message is written, and comes back after this time.
    CrashBeforePublish(u64),
    /// The process dies before a delivery is answered, and comes back after this time.
    CrashBeforeAck(u64),
    /// A commit fails after its news was sent.
    RollBack,
    /// A commit on this database fails because somebody else has written the same.
    Conflict(String),
    /// Whoever claims rows of this database overlooks some of them, for good.
    Overlook(String),
    /// No connection to this database becomes free.
    NoConnection(String),
}

/// A process that dies of a fault.
#[derive(Debug)]
pub struct Death {
    /// It comes back after this time.
    pub back: Duration,
    /// What its next incarnation has to know of the faults in force: see [`Failpoints::inherit`].
    pub legacy: String,
}

/// Ends this process for good; another one takes its place.
pub type Crash = Box<dyn Fn(Death) + Send + Sync>;

/// All failpoints of a process. Clones share them.
#[derive(Clone)]
pub struct Failpoints(Arc<Inner>);

struct Inner {
    rt: Runtime,
    seed: u64,
    journal: Journal,
    crash: Crash,
    any: AtomicBool,
    laid: Mutex<Laid>,
}

/// What is in force, and what stays of it. A process that dies leaves it to the next one.
#[derive(Default, Serialize, Deserialize)]
struct Laid {
    rules: Vec<(Rule, Aim)>,
    /// Rows that nobody sees any more, as `<table> <key>`: also when the fault is over.
    overlooked: BTreeSet<String>,
    transactions: u64,
}

impl Failpoints {
    /// None yet, of a run with a seed; `crash` ends the process.
    #[must_use]
    pub fn new(rt: Runtime, seed: u64, journal: Journal, crash: Crash) -> Self {
        Self(Arc::new(Inner { rt, seed, journal, crash, any: AtomicBool::new(false), laid: Mutex::default() }))
    }

    /// Those of a process that nobody lets fail.
    #[must_use]
    pub fn none(rt: Runtime) -> Self {
        Self::new(rt.clone(), 0, Journal::none(rt), Box::new(|_| {}))
    }

    /// Takes over what the incarnation before left.
    ///
    /// # Errors
    /// When it is no legacy.
    pub fn inherit(&self, legacy: &str) -> serde_json::Result<()> {
        *self.lock() = serde_json::from_str(legacy)?;
        self.refresh();
        Ok(())
    }

    /// A fault is in force from now on.
    pub fn lay(&self, fault: &str, rule: Rule) {
        let aim = Aim::new(&fault.into(), rule.key.clone(), rule.share, rule.most);
        self.lock().rules.push((rule, aim));
        self.refresh();
    }

    /// A fault is over.
    pub fn take_away(&self, fault: &str) {
        self.lock().rules.retain(|(_, aim)| &*aim.fault != fault);
        self.refresh();
    }

    fn refresh(&self) {
        let laid = self.lock();
        self.0.any.store(!laid.rules.is_empty() || !laid.overlooked.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Laid> {
        self.0.laid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn any(&self) -> bool {
        self.0.any.load(Ordering::Acquire)
    }

    /// The first fault of a kind that hits an event.
    fn hit<T>(&self, (key, event_id): (&str, &str), kind: impl Fn(&How) -> Option<T>) -> Option<(Arc<str>, T)> {
        if !self.any() {
            return None;
        }
        let seed = self.0.seed;
        self.lock().rules.iter_mut().find_map(|(rule, aim)| {
            let how = kind(&rule.how)?;
            aim.hits(seed, key, event_id).then(|| (Arc::clone(&aim.fault), how))
        })
    }

    fn tell(&self, fault: &str, what: What, about: Option<(&str, &str)>) {
        let (order_id, hop) = about.map(|(order, hop)| (order.to_owned(), hop.to_owned())).unzip();
        let effect = Effect { fault: fault.to_owned(), at_ns: self.0.rt.wall_ns(), what, order_id, hop };
        self.0.journal.write(Entry::Failed { effect });
    }

    /// Dies here if a fault wants it; `message` is about an order, with a routing key, an event and an id.
    fn dies(&self, message: &OnItsWay<'_>, death: fn(Duration) -> Interference, kind: impl Fn(&How) -> Option<u64>) {
        let Some((fault, back_ms)) = self.hit((message.key, message.event_id), kind) else { return };
        let back = Duration::from_millis(back_ms);
        let what = What::Meddled { message_id: message.message_id.to_owned(), how: death(back).name().to_owned() };
        self.tell(&fault, what, Some((message.order_id, message.key)));
        self.tell(&fault, What::NodeKilled { node: self.0.rt.node().to_string() }, None);
        let legacy = serde_json::to_string(&*self.lock()).unwrap_or_default();
        (self.0.crash)(Death { back, legacy });
    }

    /// Asked before a message is written.
    pub(crate) fn before_publish(&self, message: &OnItsWay<'_>) {
        self.dies(message, Interference::CrashBeforePublish, |how| match how {
            How::CrashBeforePublish(back_ms) => Some(*back_ms),
            _ => None,
        });
    }

    /// Asked before a delivery is answered.
    pub(crate) fn before_settle(&self, message: &OnItsWay<'_>) {
        self.dies(message, Interference::CrashBeforeAck, |how| match how {
            How::CrashBeforeAck(back_ms) => Some(*back_ms),
            _ => None,
        });
    }
}

/// A message as failpoints know it.
pub(crate) struct OnItsWay<'a> {
    pub(crate) key: &'a str,
    pub(crate) event_id: &'a str,
    pub(crate) order_id: &'a str,
    pub(crate) message_id: &'a str,
}

/// What a database client asks.
impl Failpoints {
    /// Whether no connection to a database becomes free; that is told.
    pub(crate) fn no_connection(&self, database: &str) -> bool {
        let fault = self.ails(|how| matches!(how, How::NoConnection(of) if of == database));
        fault.is_some_and(|(fault, _)| {
            self.statement_failed(&fault, database, "53300");
            true
        })
    }

    /// Whether a commit fails because somebody else has written the same; that is told.
    pub(crate) fn conflicts(&self, database: &str) -> bool {
        let Some((fault, share)) = self.ails(|how| matches!(how, How::Conflict(of) if of == database)) else { return false };
        let number = {
            let mut laid = self.lock();
            laid.transactions += 1;
            laid.transactions
        };
        let entity = format!("{} {number}", self.0.rt.node());
        let hit = Random::new(self.0.seed, &fault, &entity).unit() < share;
        if hit {
            self.statement_failed(&fault, database, "40001");
        }
        hit
    }

    /// How many rows nobody sees any more: who claims some has to ask for so many more.
    pub(crate) fn overlooked(&self) -> usize {
        if self.any() { self.lock().overlooked.len() } else { 0 }
    }

    /// Whether whoever claims rows sees one; `order` is whom it is about. One that is overlooked once is so for good.
    pub(crate) fn sees(&self, database: &str, (table, key): (&str, &str), order: &str) -> bool {
        if !self.any() {
            return true;
        }
        let row = format!("{table} {key}");
        if self.lock().overlooked.contains(&row) {
            return false;
        }
        let Some((fault, share)) = self.ails(|how| matches!(how, How::Overlook(of) if of == database)) else { return true };
        let seen = Random::new(self.0.seed, &fault, &row).unit() >= share;
        if !seen {
            self.lock().overlooked.insert(row);
            let what = What::RowOverlooked { table: table.to_owned(), key: key.to_owned(), order: order.to_owned() };
            self.tell(&fault, what, None);
        }
        seen
    }

    fn ails(&self, kind: impl Fn(&How) -> bool) -> Option<(Arc<str>, f64)> {
        if !self.any() {
            return None;
        }
        let laid = self.lock();
        let (rule, aim) = laid.rules.iter().find(|(rule, _)| kind(&rule.how))?;
        Some((Arc::clone(&aim.fault), rule.share))
    }

    fn statement_failed(&self, fault: &str, database: &str, sqlstate: &str) {
        let (database, node) = (database.to_owned(), self.0.rt.node().to_string());
        self.tell(fault, What::StatementFailed { database, node, sqlstate: sqlstate.to_owned() }, None);
    }
}

impl world::Failpoints for Failpoints {
    fn fails_to_commit(&self, node: Node, at: Failpoint<'_>) -> bool {
        let hit = self.hit((at.key, at.event_id), |how| (*how == How::RollBack).then_some(()));
        hit.is_some_and(|(fault, ())| {
            self.tell(&fault, What::RolledBack { node: node.to_string() }, Some((at.order_id, at.key)));
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Handle;

    use super::*;
    use crate::{
        journal::Line,
        runtime::{Epoch, TokioEngine},
        shared::Shared,
    };

    /// Failpoints, what they wrote, and the deaths.
    struct Trial {
        points: Failpoints,
        journal: Shared,
        deaths: Arc<Mutex<Vec<Death>>>,
    }

    impl Trial {
        fn new() -> Self {
            let rt = Runtime::new(TokioEngine::new(Handle::current(), 7, Epoch::at(0)), Node::first("mes-api"));
            let (journal, deaths) = (Shared::default(), Arc::new(Mutex::default()));
            let died: Arc<Mutex<Vec<Death>>> = Arc::clone(&deaths);
            let crash: Crash = Box::new(move |death| died.lock().unwrap().push(death));
            Self { points: Failpoints::new(rt.clone(), 7, Journal::new(rt, journal.clone()), crash), journal, deaths }
        }

        fn told(&self) -> Vec<&'static str> {
            let text = String::from_utf8(self.journal.0.lock().unwrap().clone()).unwrap();
            let lines = text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str::<Line>(line).unwrap());
            lines.map(|line| if let Entry::Failed { effect } = line.entry { effect.what.name() } else { "other" }).collect()
        }
    }

    fn rule(share: f64, how: How) -> Rule {
        Rule { key: None, share, most: None, how }
    }

    fn message(event_id: &str) -> OnItsWay<'_> {
        OnItsWay { key: "order.shipped", event_id, order_id: "o-1", message_id: "m-1" }
    }

    fn on_tokio(test: impl FnOnce()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async { test() });
    }

    #[test]
    fn a_death_is_told_before_it_happens_and_the_next_incarnation_spares_the_same_event() {
        on_tokio(|| {
            let trial = Trial::new();
            trial.points.lay("crash-before-publish@1", rule(1.0, How::CrashBeforePublish(500)));
            trial.points.before_settle(&message("e-1"));
            assert!(trial.deaths.lock().unwrap().is_empty(), "another point");
            trial.points.before_publish(&message("e-1"));
            assert_eq!(trial.told(), ["meddled", "node-killed"]);
            let death = trial.deaths.lock().unwrap().pop().unwrap();
            assert_eq!(death.back, Duration::from_millis(500));
            let next = Trial::new();
            next.points.inherit(&death.legacy).unwrap();
            next.points.before_publish(&message("e-1"));
            assert!(next.deaths.lock().unwrap().is_empty(), "a second attempt is spared");
            next.points.before_publish(&message("e-2"));
            assert_eq!(next.deaths.lock().unwrap().len(), 1);
        });
    }

    #[test]
    fn a_row_that_was_overlooked_is_so_for_good_and_no_other() {
        on_tokio(|| {
            let Trial { points, .. } = &Trial::new();
            assert!(points.sees("shop", ("orders", "o-1"), "o-1"), "nothing is wrong");
            points.lay("rows-overlooked@1", rule(1.0, How::Overlook("shop".into())));
            assert!(points.sees("mes", ("price_job", "1"), "o-1"), "another database");
            assert!(!points.sees("shop", ("orders", "o-1"), "o-1"));
            points.take_away("rows-overlooked@1");
            assert!(!points.sees("shop", ("orders", "o-1"), "o-1"));
            assert!(points.sees("shop", ("orders", "o-2"), "o-2"));
            assert_eq!(points.overlooked(), 1);
        });
    }

    #[test]
    fn what_is_over_fails_no_more_and_what_is_not_aimed_at_never_did() {
        on_tokio(|| {
            let trial = Trial::new();
            let points = &trial.points;
            assert!(!points.no_connection("shop") && !points.conflicts("shop"));
            points.lay("pool-exhausted@1", rule(1.0, How::NoConnection("shop".into())));
            points.lay("write-conflicts@1", rule(1.0, How::Conflict("shop".into())));
            assert!(points.no_connection("shop") && points.conflicts("shop") && !points.conflicts("mes"));
            points.take_away("pool-exhausted@1");
            points.take_away("write-conflicts@1");
            assert!(!points.no_connection("shop") && !points.conflicts("shop"));
            assert_eq!(trial.told(), ["statement-failed", "statement-failed"]);
        });
    }

    #[test]
    fn a_commit_is_rolled_back_by_its_routing_key() {
        use world::Failpoints as _;
        on_tokio(|| {
            let trial = Trial::new();
            trial.points.lay(
                "phantom-publish@1",
                Rule { key: Some("order.shipped".into()), share: 1.0, most: Some(1), how: How::RollBack },
            );
            let at = |key, event_id| Failpoint { key, event_id, order_id: "o-1" };
            let fails = |at| trial.points.fails_to_commit(Node::first("mes-api"), at);
            assert!(!fails(at("order.packaging", "e-1")));
            assert!(fails(at("order.shipped", "e-2")));
            assert!(!fails(at("order.shipped", "e-3")), "one at most");
            assert_eq!(trial.told(), ["rolled-back"]);
        });
    }
}
