//! What went down with the processes that were killed, or with a connection: known by their journals.

use std::collections::{BTreeMap, BTreeSet};

use adapters::journal::{Entry, Line};

use crate::nemesis::Death;

/// The spans of a process that was killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Died {
    /// Its service.
    pub service: String,
    /// The process, as `<service>-<instance>.<incarnation>`; its spans' `service.instance.id`.
    pub node: String,
    /// When it was dead for certain, nanoseconds since the Unix epoch.
    pub at_ns: u64,
    /// How many spans had ended when it last told.
    pub ended: u64,
    /// How many the tracing backend gives back.
    pub found: u64,
    /// The orders of which it had something to say that was not exported.
    pub untold: Vec<String>,
    /// The orders of which it was committing something: that may be done, and nobody says so.
    pub committing: Vec<String>,
}

impl Died {
    /// How many spans went down with it, of those that had ended.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.ended.saturating_sub(self.found)
    }
}

/// Reads the journals of the dead; nothing is known yet of what the tracing backend has.
pub(super) fn of(deaths: Vec<Death>, lines: &[Line]) -> Vec<Died> {
    deaths.into_iter().map(|death| last_words(death, lines)).collect()
}

fn last_words(death: Death, lines: &[Line]) -> Died {
    let Death { service, node, at_ns } = death;
    let mut untold: BTreeSet<&str> = BTreeSet::new();
    let mut ended = 0;
    let own = || lines.iter().filter(|line| line.node == node);
    for line in own() {
        match &line.entry {
            Entry::Untold { order } => drop(untold.insert(order)),
            Entry::Spans { ended: count, told } => {
                ended = *count;
                untold.retain(|order| !told.iter().any(|told| told == order));
            }
            _ => {}
        }
    }
    let untold = untold.into_iter().map(str::to_owned).collect();
    let committing = unanswered(own());
    Died { service, node, at_ns, ended, found: 0, untold, committing }
}

/// The orders of which a commit was begun that the database has not answered to: its process died, or its connection. It may be done.
pub(super) fn unanswered<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<String> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for line in lines {
        match &line.entry {
            Entry::Committing { order } => *open.entry(order).or_default() += 1,
            Entry::Committed { order } => {
                let open = open.entry(order).or_default();
                *open = open.saturating_sub(1);
            }
            _ => {}
        }
    }
    open.into_iter().filter(|(_, open)| *open > 0).map(|(order, _)| order.to_owned()).collect()
}

/// Counts what the backend gives back of each.
pub(super) fn count(died: &mut [Died], found: &BTreeMap<&str, u64>) {
    for process in died {
        process.found = found.get(process.node.as_str()).copied().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_was_committing_when_it_died_may_be_done() {
        let line = |entry| Line { node: "crm-api-1.1".into(), at_ns: 1, entry };
        let committing = |order: &str| line(Entry::Committing { order: order.into() });
        let committed = |order: &str| line(Entry::Committed { order: order.into() });
        let death = Death { service: "crm-api".into(), node: "crm-api-1.1".into(), at_ns: 9 };
        let lines =
            [committing("o-1"), committing("o-2"), committed("o-1"), committing("o-3"), committed("o-3"), committing("o-3")];
        assert_eq!(of(vec![death], &lines)[0].committing, ["o-2", "o-3"]);
        assert_eq!(unanswered(lines.iter()), ["o-2", "o-3"], "whoever lives had lost its connection");
    }

    #[test]
    fn an_order_is_in_doubt_until_everything_of_it_was_exported() {
        let line = |node: &str, entry| Line { node: node.into(), at_ns: 1, entry };
        let untold = |order: &str| Entry::Untold { order: order.into() };
        let lines = [
            line("mes-api-1.1", untold("o-1")),
            line("mes-api-1.1", untold("o-2")),
            line("mes-api-1.1", Entry::Spans { ended: 5, told: vec!["o-1".into()] }),
            line("mes-api-1.2", untold("o-3")),
        ];
        let death = Death { service: "mes-api".into(), node: "mes-api-1.1".into(), at_ns: 9 };
        let mut died = of(vec![death], &lines);
        count(&mut died, &[("mes-api-1.1", 3)].into());
        assert_eq!(died[0].untold, ["o-2"]);
        assert_eq!((died[0].ended, died[0].found, died[0].lost()), (5, 3, 2));
    }
}
