//! Tells the services where to fail, at their control addresses, and reads from their journals what came of it.

use std::time::Duration;

use adapters::{
    failpoints::{How, Rule},
    journal::{Entry, Line},
};
use faults::{DatabaseFault, Deed, Effect, Interference, What};
use futures_util::future::try_join_all;
use testcontainers::bollard::Docker;

use super::{
    Death,
    effects::{Hit, Window},
    millis,
};
use crate::{
    Error,
    docker::{self, Part},
    parts::service,
};

/// How long a service may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The rule that inflicts a deed; none where it happens outside of the services.
pub(super) fn of(deed: &Deed) -> Option<Rule> {
    let of_a_database = |share, how| Some(Rule { key: None, share, most: None, how });
    match deed {
        Deed::RollBack(roll_back) => {
            let (key, most) = (roll_back.key.clone(), roll_back.most);
            Some(Rule { key, share: roll_back.share, most, how: How::RollBack })
        }
        Deed::Meddle(meddling) => {
            let how = match meddling.how {
                Interference::CrashBeforePublish(back) => How::CrashBeforePublish(millis(back)),
                Interference::CrashBeforeAck(back) => How::CrashBeforeAck(millis(back)),
                _ => return None,
            };
            Some(Rule { key: meddling.key.clone(), share: meddling.share, most: meddling.most, how })
        }
        Deed::Database { database, how } => match how {
            DatabaseFault::Conflicts(share) => of_a_database(*share, How::Conflict(database.clone())),
            DatabaseFault::Overlooked(share) => of_a_database(*share, How::Overlook(database.clone())),
            DatabaseFault::Exhausted => of_a_database(1.0, How::NoConnection(database.clone())),
            _ => None,
        },
        _ => None,
    }
}

/// The services as whoever tells them sees them: name and container.
pub(super) struct Told<'a> {
    pub(super) docker: &'a Docker,
    pub(super) services: Vec<(&'a str, &'a str)>,
    /// How long a service that has died of a fault may take to be back.
    pub(super) ready: Duration,
}

impl Told<'_> {
    /// From now on they fail.
    pub(super) async fn lay(&self, fault: &str, rule: &Rule) -> Result<(), Error> {
        self.all(fault, |client, url| client.put(url).json(rule)).await
    }

    /// A fault is over. Who has died of it is told once it is back.
    pub(super) async fn take_away(&self, fault: &str) -> Result<(), Error> {
        self.all(fault, |client, url| client.delete(url)).await
    }

    async fn all(
        &self,
        fault: &str,
        request: impl Fn(&reqwest::Client, String) -> reqwest::RequestBuilder + Sync,
    ) -> Result<(), Error> {
        let client = reqwest::Client::new();
        let tell = |(name, container)| self.tell((name, container), |url| request(&client, url), fault);
        try_join_all(self.services.iter().copied().map(tell)).await.map(drop)
    }

    /// Tells one service, again and again until it answers.
    async fn tell(
        &self,
        (name, container): (&str, &str),
        request: impl Fn(String) -> reqwest::RequestBuilder,
        fault: &str,
    ) -> Result<(), Error> {
        let told = || async {
            let Ok(port) = docker::port(self.docker, container, service::CONTROL).await else { return false };
            let url = format!("http://127.0.0.1:{port}/failpoints/{fault}");
            request(url).timeout(ANSWER).send().await.is_ok_and(|answer| answer.status().is_success())
        };
        let part = Part { name, container, limit: self.ready };
        docker::answered(self.docker, &part, "an answer about its failpoints", told).await
    }
}

/// What came of it, as the journals say.
pub(super) fn effects(lines: &[Line]) -> impl Iterator<Item = &Effect> {
    lines.iter().filter_map(|line| match &line.entry {
        Entry::Failed { effect } => Some(effect),
        _ => None,
    })
}

/// The processes that died of a fault: what each had in hand is the fault's doing too.
pub(super) fn windows(lines: &[Line]) -> Vec<Window> {
    let died = effects(lines).filter_map(|effect| match &effect.what {
        What::NodeKilled { node } => Some((effect, node)),
        _ => None,
    });
    let window = |(effect, node): (&Effect, &String)| Window {
        fault: effect.fault.clone(),
        hit: Hit::Process(node.clone()),
        from_ns: effect.at_ns,
        until_ns: Some(effect.at_ns),
    };
    died.map(window).collect()
}

/// The same for the account of the telemetry.
pub(crate) fn deaths(lines: &[Line]) -> Vec<Death> {
    let dead = windows(lines).into_iter().filter_map(|window| match window.hit {
        Hit::Process(node) => {
            let service = node.rsplit_once('-')?.0.to_owned();
            Some(Death { service, node, at_ns: window.from_ns })
        }
        Hit::Broker | Hit::Paused(_) => None,
    });
    dead.collect()
}

#[cfg(test)]
mod tests {
    use faults::{CATALOGUE, CRASH_BEFORE_PUBLISH, POOL_EXHAUSTED, World};

    use super::*;

    #[test]
    fn a_crash_keeps_its_aim_and_the_time_it_takes() {
        let kind = CRASH_BEFORE_PUBLISH.with("key", "order.shipped").with("share", 0.5).with("back", Duration::from_secs(2));
        let how = How::CrashBeforePublish(2_000);
        assert_eq!(of(&kind.deed()), Some(Rule { key: Some("order.shipped".into()), share: 0.5, most: None, how }));
        let none_left = of(&POOL_EXHAUSTED.with("database", "mes").deed()).map(|rule| rule.how);
        assert_eq!(none_left, Some(How::NoConnection("mes".into())));
    }

    #[test]
    fn what_the_proxy_does_not_do_to_a_message_or_a_database_is_done_inside() {
        for definition in CATALOGUE.iter().filter(|definition| definition.worlds.contains(&World::Containers)) {
            let deed = definition.plain().deed();
            if matches!(deed, Deed::Meddle(_) | Deed::Database { .. } | Deed::RollBack(_)) {
                let ways = [super::super::rules::of(&deed, None).is_some(), of(&deed).is_some()];
                assert_eq!(ways.iter().filter(|way| **way).count(), 1, "{}", definition.name);
            }
        }
    }

    #[test]
    fn who_has_died_of_a_fault_is_known_by_its_last_word() {
        let effect = |what| Effect { fault: "crash-before-ack@1".into(), at_ns: 5, what, order_id: None, hop: None };
        let line = |entry| Line { node: "mes-api-1.2".into(), at_ns: 5, entry };
        let killed = effect(What::NodeKilled { node: "mes-api-1.2".into() });
        let lines = [
            line(Entry::Failed { effect: effect(What::RolledBack { node: "mes-api-1.2".into() }) }),
            line(Entry::Failed { effect: killed }),
            line(Entry::Untold { order: "o-1".into() }),
        ];
        let death = Death { service: "mes-api".into(), node: "mes-api-1.2".into(), at_ns: 5 };
        assert_eq!((effects(&lines).count(), deaths(&lines)), (2, vec![death]));
    }
}
