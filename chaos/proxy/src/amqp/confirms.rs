//! Confirms of a channel: the client counts what it published, the broker counts what it got, and the two differ once the proxy
//! has dropped, doubled or held back a message.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::api::Names;

/// So many publishes may wait for their confirm: a broker that never confirms must not fill the memory.
const MOST: usize = 1 << 18;

/// A message on its way to the broker.
struct Out {
    /// The client's number; none: the client knows nothing of it.
    client: Option<u64>,
    names: Arc<Names>,
}

/// What is confirmed on a channel.
#[derive(Default)]
pub(crate) struct Confirms {
    published: u64,
    written: u64,
    /// The client's numbers without a confirm, those that will never have one included.
    open: BTreeSet<u64>,
    /// What the broker has yet to confirm, by its own numbers.
    out: BTreeMap<u64, Out>,
    /// The numbers differ.
    shifted: bool,
}

/// Confirms, as the client counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Confirmed {
    /// Numbers, and whether all before are meant too.
    pub(crate) frames: Vec<(u64, bool)>,
    /// The same, each by itself.
    pub(crate) each: Vec<(u64, Arc<Names>)>,
    /// The broker's frame says the same.
    pub(crate) same: bool,
}

impl Confirms {
    /// The client has published: its number.
    pub(crate) fn publish(&mut self) -> u64 {
        self.published += 1;
        self.open.insert(self.published);
        self.published
    }

    /// A message is written to the broker; a second time, if the client has no number for it.
    pub(crate) fn write(&mut self, client: Option<u64>, names: Arc<Names>) {
        self.written += 1;
        self.shifted |= client != Some(self.written);
        self.out.insert(self.written, Out { client, names });
    }

    /// More of them are open than can be followed.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len().max(self.out.len()) > MOST
    }

    /// The broker has confirmed one, or all up to it (0: all).
    pub(crate) fn confirm(&mut self, tag: u64, multiple: bool) -> Confirmed {
        let settled: Vec<Out> = match multiple {
            false => self.out.remove(&tag).into_iter().collect(),
            true if tag == 0 => std::mem::take(&mut self.out).into_values().collect(),
            true => {
                let later = self.out.split_off(&tag.saturating_add(1));
                std::mem::replace(&mut self.out, later).into_values().collect()
            }
        };
        let mut each: Vec<_> = settled.into_iter().filter_map(|out| Some((out.client?, out.names))).collect();
        each.sort_unstable_by_key(|(client, _)| *client);
        let same = !self.shifted;
        let frames = if same { Vec::new() } else { self.frames(&each) };
        for (client, _) in &each {
            self.open.remove(client);
        }
        Confirmed { frames, each, same }
    }

    /// The fewest that say it: one for all before the first that stays open, and one each for the others.
    pub(crate) fn frames(&self, each: &[(u64, Arc<Names>)]) -> Vec<(u64, bool)> {
        let together = self.open.iter().zip(each).take_while(|(open, (client, _))| *open == client).count();
        let first = together.checked_sub(1).map(|last| (each[last].0, together > 1));
        first.into_iter().chain(each[together..].iter().map(|(client, _)| (*client, false))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Arc<Names> {
        Arc::default()
    }

    fn numbers(confirms: &mut Confirms, tag: u64, multiple: bool) -> Vec<(u64, bool)> {
        confirms.confirm(tag, multiple).frames
    }

    #[test]
    fn nothing_changes_while_nobody_meddles() {
        let mut confirms = Confirms::default();
        for _ in 0..3 {
            let number = confirms.publish();
            confirms.write(Some(number), names());
        }
        let confirmed = confirms.confirm(3, true);
        assert!(confirmed.same && confirmed.each.len() == 3);
    }

    #[test]
    fn a_lost_one_is_left_out() {
        let mut confirms = Confirms::default();
        for lost in [false, false, true, false, false] {
            let number = confirms.publish();
            if !lost {
                confirms.write(Some(number), names());
            }
        }
        assert_eq!(numbers(&mut confirms, 4, true), [(2, true), (4, false), (5, false)]);
        assert_eq!(confirms.open, BTreeSet::from([3]));
    }

    #[test]
    fn a_double_is_confirmed_once() {
        let mut confirms = Confirms::default();
        let one = confirms.publish();
        confirms.write(Some(one), names());
        confirms.write(None, names());
        let two = confirms.publish();
        confirms.write(Some(two), names());
        assert_eq!(numbers(&mut confirms, 2, false), []);
        assert_eq!(numbers(&mut confirms, 0, true), [(2, true)]);
    }

    /// What becomes of a publish.
    #[derive(Clone, Copy, Debug)]
    enum Deal {
        Pass,
        Lose,
        Double,
        Hold,
    }

    fn deal() -> impl Strategy<Value = (Deal, bool, u64, bool)> {
        let deal = prop_oneof![4 => Just(Deal::Pass), 1 => Just(Deal::Lose), 1 => Just(Deal::Double), 1 => Just(Deal::Hold)];
        // What becomes of it; whether one that is held is let go; how far back the broker confirms something, and what.
        (deal, any::<bool>(), 0u64..6, any::<bool>())
    }

    proptest! {
        #[test]
        fn confirms_are_those_of_a_naive_count(deals in prop::collection::vec(deal(), 1..60)) {
            let mut confirms = Confirms::default();
            // The oracle: what the broker got, by its number, and what the client still waits for.
            let (mut got, mut settled, mut waits) = (Vec::<Option<u64>>::new(), BTreeSet::new(), BTreeSet::new());
            let mut held = Vec::new();
            for (deal, free, back, multiple) in deals {
                let number = confirms.publish();
                waits.insert(number);
                let written = match deal {
                    Deal::Pass => vec![Some(number)],
                    Deal::Lose => vec![],
                    Deal::Double => vec![Some(number), None],
                    Deal::Hold => { held.push(number); vec![] }
                };
                let freed = held.pop_if(|_| free);
                for client in written.into_iter().chain(freed.map(Some)) {
                    confirms.write(client, names());
                    got.push(client);
                }
                let tag = (got.len() as u64).saturating_sub(back);
                if tag == 0 || (!multiple && settled.contains(&tag)) {
                    continue;
                }
                let says: Vec<u64> = (1..=tag).filter(|at| multiple || *at == tag).collect();
                let expected: BTreeSet<u64> = says.into_iter().filter(|tag| settled.insert(*tag))
                    .filter_map(|tag| got[usize::try_from(tag - 1).unwrap()]).collect();
                let confirmed = confirms.confirm(tag, multiple);
                let frames = if confirmed.same { vec![(tag, multiple)] } else { confirmed.frames };
                let before = waits.clone();
                for (tag, multiple) in frames {
                    let told: Vec<u64> = waits.iter().copied().filter(|at| *at == tag || multiple && *at < tag).collect();
                    prop_assert!(told.contains(&tag) || confirmed.same);
                    waits.retain(|at| !told.contains(at));
                }
                let told: BTreeSet<u64> = before.difference(&waits).copied().collect();
                prop_assert_eq!(told, expected);
                prop_assert_eq!(&waits, &confirms.open);
            }
        }
    }
}
