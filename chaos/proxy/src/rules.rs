//! The rules in force, and whom they hit: drawn from the run's seed as the simulated world draws, so that the same seed hits the
//! same events.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use faults::Aim;
use world::random::Random;

use crate::{
    amqp::header::Header,
    api::{How, Names, Rule},
    records::lock,
};

/// Where on its way a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Headers,
    Publish,
    Answer,
}

/// Who a rule might be about.
#[derive(Clone, Copy)]
pub(crate) struct Whose<'a> {
    pub(crate) listener: &'a str,
    pub(crate) client: &'a str,
}

/// All rules of a proxy.
pub(crate) struct Rules {
    seed: u64,
    pub(crate) event_header: String,
    /// Some are to messages: looked at for each frame, so that nothing is locked where there are none.
    to_messages: AtomicBool,
    active: Mutex<Vec<Active>>,
}

struct Active {
    rule: Rule,
    aim: Aim,
    /// Messages that the selection is true of.
    seen: u64,
    /// Connections that were drawn, by number, and those of them that it has hit.
    drawn: BTreeSet<u64>,
    hit: BTreeSet<u64>,
}

impl Active {
    fn new(fault: &Arc<str>, rule: Rule) -> Self {
        let aim = Aim::new(fault, rule.key.clone(), rule.share, rule.most);
        Self { rule, aim, seen: 0, drawn: BTreeSet::new(), hit: BTreeSet::new() }
    }

    fn selects(&self, whose: Whose<'_>) -> bool {
        self.rule.on.as_ref().is_none_or(|on| on == whose.listener) && self.rule.is_about(whose.client)
    }

    fn hits_message(&mut self, seed: u64, names: &Names, header: Option<&Header<'_>>) -> bool {
        let Rule { key, exchange, header: wanted, nth, .. } = &self.rule;
        let says = |wanted: &crate::api::HeaderIs| {
            header.is_some_and(|header| header.text(&wanted.name) == Some(wanted.value.as_bytes()))
        };
        let meant = key.as_ref().is_none_or(|key| **key == *names.routing_key)
            && exchange.as_ref().is_none_or(|exchange| **exchange == *names.exchange)
            && wanted.as_ref().is_none_or(says);
        self.seen += u64::from(meant);
        meant && nth.is_none_or(|nth| nth == self.seen) && self.aim.hits(seed, &names.routing_key, &names.event_id)
    }

    /// Drawn once for each connection.
    fn hits_connection(&mut self, seed: u64, connection: u64) -> bool {
        if self.drawn.insert(connection) && self.rule.most.is_none_or(|most| (self.hit.len() as u64) < most) {
            let draw = Random::new(seed, &self.aim.fault, &format!("connection {connection}")).unit();
            if draw < self.rule.share {
                self.hit.insert(connection);
            }
        }
        self.hit.contains(&connection)
    }
}

const fn point(how: &How) -> Option<Point> {
    if how.is_to_headers() {
        Some(Point::Headers)
    } else if how.is_to_answers() {
        Some(Point::Answer)
    } else if how.is_to_messages() {
        Some(Point::Publish)
    } else {
        None
    }
}

impl Rules {
    pub(crate) fn new(seed: u64, event_header: &str) -> Self {
        let event_header = event_header.to_owned();
        Self { seed, event_header, to_messages: AtomicBool::new(false), active: Mutex::default() }
    }

    /// A rule is in force from now on; one of the same fault no more.
    pub(crate) fn put(&self, fault: &str, rule: Rule) {
        let mut active = lock(&self.active);
        active.retain(|active| &*active.aim.fault != fault);
        active.push(Active::new(&fault.into(), rule));
        self.look(&active);
    }

    /// A rule is in force no more. Whether it was.
    pub(crate) fn delete(&self, fault: &str) -> bool {
        let mut active = lock(&self.active);
        let before = active.len();
        active.retain(|active| &*active.aim.fault != fault);
        self.look(&active);
        before != active.len()
    }

    fn look(&self, active: &[Active]) {
        let to_messages = active.iter().any(|active| active.rule.how.is_to_messages());
        self.to_messages.store(to_messages, Ordering::Release);
    }

    /// Whether any rule is to messages.
    pub(crate) fn are_to_messages(&self) -> bool {
        self.to_messages.load(Ordering::Acquire)
    }

    /// Who meddles with a message, and how.
    pub(crate) fn meets(
        &self,
        at: Point,
        whose: Whose<'_>,
        names: &Names,
        header: Option<&Header<'_>>,
    ) -> Option<(Arc<str>, How)> {
        if !self.are_to_messages() {
            return None;
        }
        lock(&self.active).iter_mut().find_map(|active| {
            let meant = point(&active.rule.how) == Some(at) && active.selects(whose);
            let hit = meant && active.hits_message(self.seed, names, header);
            hit.then(|| (Arc::clone(&active.aim.fault), active.rule.how.clone()))
        })
    }

    /// What is done to a connection, by number.
    pub(crate) fn of_connection(&self, whose: Whose<'_>, connection: u64) -> Vec<(Arc<str>, How)> {
        let hit = |active: &mut Active| {
            let meant = point(&active.rule.how).is_none() && active.selects(whose);
            let hit = meant && active.hits_connection(self.seed, connection);
            hit.then(|| (Arc::clone(&active.aim.fault), active.rule.how.clone()))
        };
        lock(&self.active).iter_mut().filter_map(hit).collect()
    }

    /// The fault that refuses everybody at a listener.
    pub(crate) fn refuse_all(&self, listener: &str) -> Option<Arc<str>> {
        let all = |rule: &Rule| {
            rule.how == How::Refuse
                && rule.on.as_ref().is_none_or(|on| on == listener)
                && rule.client.is_none()
                && rule.share >= 1.0
                && rule.most.is_none()
        };
        lock(&self.active).iter().find(|active| all(&active.rule)).map(|active| Arc::clone(&active.aim.fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOSE: Whose<'_> = Whose { listener: "rabbitmq", client: "crm-api-1.1" };

    fn names(event: &str) -> Names {
        Names { event_id: event.into(), routing_key: "order.submitted".into(), ..Names::default() }
    }

    #[test]
    fn a_rule_hits_the_events_that_the_same_aim_hits() {
        let rules = Rules::new(11, "x-event-id");
        rules.put("publish-lost@1", Rule { share: 0.3, most: Some(20), ..Rule::new(How::Lose) });
        let mut aim = Aim::new(&"publish-lost@1".into(), None, 0.3, Some(20));
        for n in 0..200 {
            let names = names(&format!("event-{}", n % 150));
            let met = rules.meets(Point::Publish, WHOSE, &names, None).is_some();
            assert_eq!(met, aim.hits(11, &names.routing_key, &names.event_id), "{n}");
        }
    }

    #[test]
    fn a_rule_ends_with_its_delete() {
        let rules = Rules::new(1, "x-event-id");
        rules.put("a", Rule::new(How::LoseAck));
        assert!(rules.meets(Point::Publish, WHOSE, &names("1"), None).is_none());
        assert!(rules.meets(Point::Answer, WHOSE, &names("1"), None).is_some());
        assert!(rules.delete("a") && !rules.delete("a") && !rules.are_to_messages());
        assert!(rules.meets(Point::Answer, WHOSE, &names("2"), None).is_none());
    }

    #[test]
    fn the_nth_is_the_nth_of_those_that_are_meant() {
        let rules = Rules::new(1, "x-event-id");
        rules.put("a", Rule { key: Some("order.submitted".into()), nth: Some(2), ..Rule::new(How::Lose) });
        let other = Names { routing_key: "other".into(), ..names("0") };
        let met: Vec<bool> = [names("1"), other, names("2"), names("3")]
            .iter()
            .map(|names| rules.meets(Point::Publish, WHOSE, names, None).is_some())
            .collect();
        assert_eq!(met, [false, false, true, false]);
    }

    #[test]
    fn a_share_of_the_connections_is_drawn_once_for_each() {
        let rules = Rules::new(1, "x-event-id");
        rules.put("a", Rule { share: 0.5, ..Rule::new(How::Reset) });
        let draw = || (0..100).filter(|n| !rules.of_connection(WHOSE, *n).is_empty()).count();
        let hit = draw();
        assert!((30..70).contains(&hit), "{hit}");
        assert_eq!(draw(), hit);
        assert_eq!(rules.refuse_all("rabbitmq"), None);
    }
}
