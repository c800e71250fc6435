//! How the people of a pool work otherwise while a fault lasts: fewer of them, or in another order.

use std::time::Duration;

use faults::{Deed, Effect, Fault, Habit, What};
use serde::{Deserialize, Serialize};

/// The habits of one pool, by fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Habits {
    pool: String,
    all: Vec<(String, Duration, Duration, Habit)>,
}

impl Habits {
    /// Those that a scenario's faults lay upon a pool.
    pub(crate) fn of(faults: &[Fault], pool: &str) -> Self {
        let all = faults.iter().filter_map(|fault| match fault.kind.deed() {
            Deed::People { pool: whose, how } if whose == pool => {
                Some((fault.name.clone(), fault.at, fault.at + fault.lasts, how))
            }
            _ => None,
        });
        Self { pool: pool.to_owned(), all: all.collect() }
    }

    fn now(&self, now: Duration) -> impl Iterator<Item = (&str, Habit)> {
        let lasts = move |(_, from, until, _): &&(String, Duration, Duration, Habit)| (*from..*until).contains(&now);
        self.all.iter().filter(lasts).map(|(fault, _, _, how)| (fault.as_str(), *how))
    }

    /// How many of so many workers are not there.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a pool")]
    pub(crate) fn absent(&self, now: Duration, workers: usize) -> usize {
        let away = self.now(now).filter_map(|(_, how)| if let Habit::Away(share) = how { Some(share) } else { None });
        (away.fold(0.0, f64::max) * workers as f64).round() as usize
    }

    /// Whether they take the newest first, whatever they are used to.
    pub(crate) fn newest_first(&self, now: Duration) -> bool {
        self.now(now).any(|(_, how)| how == Habit::NewestFirst)
    }

    /// How many orders of the list they look at; `None`: all.
    pub(crate) fn rows(&self, now: Duration) -> Option<usize> {
        self.now(now).filter_map(|(_, how)| if let Habit::FirstPage(rows) = how { Some(rows) } else { None }).min()
    }

    /// Faults under which nobody hears what they say, each with its share of the orders.
    pub(crate) fn unheard(&self, now: Duration) -> impl Iterator<Item = (&str, f64)> {
        self.now(now).filter_map(|(fault, how)| if let Habit::Unheard(share) = how { Some((fault, share)) } else { None })
    }

    /// Faults under which they send another model and do not wait for it, each with its share of the orders.
    pub(crate) fn corrects(&self, now: Duration) -> impl Iterator<Item = (&str, f64)> {
        let share = |how| if let Habit::Corrects { share, .. } = how { Some(share) } else { None };
        self.now(now).filter_map(move |(fault, how)| Some((fault, share(how)?)))
    }

    /// Proof that a habit mattered: each one that `which` picks.
    pub(crate) fn mattered(&self, now: Duration, at_ns: u64, which: impl Fn(Habit) -> bool) -> Vec<Effect> {
        let effect = |(fault, _): (&str, Habit)| Effect {
            fault: fault.to_owned(),
            at_ns,
            what: What::WorkedOtherwise { pool: self.pool.clone() },
            order_id: None,
            hop: None,
        };
        self.now(now).filter(|(_, how)| which(*how)).map(effect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn habits(kind: faults::Kind) -> Habits {
        Habits::of(&[Fault { name: "x@1".into(), kind, at: HOUR, lasts: HOUR }], "seller")
    }

    #[test]
    fn a_habit_lasts_as_long_as_its_fault_and_concerns_its_pool() {
        let newest = habits(faults::NEWEST_FIRST.with("pool", "seller"));
        let nanosecond = Duration::from_nanos(1);
        let at = [HOUR - nanosecond, HOUR, 2 * HOUR - nanosecond, 2 * HOUR].map(|now| newest.newest_first(now));
        assert_eq!(at, [false, true, true, false]);
        assert!(!habits(faults::NEWEST_FIRST.with("pool", "operator")).newest_first(HOUR));
    }

    #[test]
    fn a_share_of_the_pool_is_away() {
        let away = habits(faults::STAFF_AWAY.with("pool", "seller").with("share", 0.75));
        assert_eq!([1, 2, 10].map(|workers| away.absent(HOUR, workers)), [1, 2, 8]);
        assert_eq!(away.absent(2 * HOUR, 10), 0);
        assert_eq!(away.mattered(HOUR, 7, |_| true).len(), 1);
        assert!(away.mattered(2 * HOUR, 7, |_| true).is_empty());
    }

    #[test]
    fn some_customers_do_not_wait_while_it_lasts() {
        let kind = faults::LOST_UPDATE.with("share", 0.25).with("takes", HOUR);
        let habits = Habits::of(&[Fault { name: "x@1".into(), kind, at: HOUR, lasts: HOUR }], "customer");
        assert_eq!(habits.corrects(HOUR).collect::<Vec<_>>(), [("x@1", 0.25)]);
        assert_eq!((habits.corrects(2 * HOUR).count(), habits.corrects(Duration::ZERO).count()), (0, 0));
    }

    #[test]
    fn a_page_has_so_many_rows() {
        let page = habits(faults::FIRST_PAGE_ONLY.with("pool", "seller").with("rows", 20_u64));
        assert_eq!((page.rows(HOUR), page.rows(Duration::ZERO)), (Some(20), None));
    }
}
