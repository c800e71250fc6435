//! Kills and restarts the broker through the engine's API; what that did is read from the account of the messages.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adapters::{
    journal::{Entry, Line, Outcome},
    runtime::wall_clock_ns,
};
use faults::{Effect, End, Fault, Kind, MessageFate, Nemesis, NemesisError, What};
use testcontainers::bollard::{
    Docker,
    query_parameters::{KillContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder},
};
use world::Boxed;

use crate::{
    Error,
    docker::{self, Output, Part},
    management::Management,
    messages::ContainerMessages,
    parts::rabbitmq,
};

/// How long the broker may take to stop gracefully before the engine kills it, in seconds.
const GRACE_S: i32 = 60;
/// How long after the end of a fault a lost connection still is its doing.
const AFTERMATH_NS: u64 = 5_000_000_000;

/// Inflicts faults on a running stack.
pub struct ContainerNemesis {
    docker: Docker,
    broker: String,
    management: Management,
    messages: Arc<ContainerMessages>,
    queue_of: BTreeMap<String, String>,
    ready: Duration,
    inflicted: Mutex<Vec<Window>>,
}

/// From when to when a fault lasted, nanoseconds since the Unix epoch.
#[derive(Clone, Debug)]
struct Window {
    fault: String,
    from_ns: u64,
    until_ns: Option<u64>,
}

impl Window {
    fn covers(&self, at_ns: u64) -> bool {
        self.from_ns <= at_ns && self.until_ns.is_none_or(|until| at_ns <= until + AFTERMATH_NS)
    }
}

impl ContainerNemesis {
    pub(crate) fn new(
        docker: Docker,
        broker: &str,
        messages: Arc<ContainerMessages>,
        queue_of: BTreeMap<String, String>,
        ready: Duration,
    ) -> Arc<Self> {
        let management = Management::new(docker.clone(), broker);
        let inflicted = Mutex::default();
        Arc::new(Self { docker, broker: broker.to_owned(), management, messages, queue_of, ready, inflicted })
    }

    /// Whether this world can inflict all of these faults; known before anything is started.
    ///
    /// # Errors
    /// [`NemesisError::Unable`] for the first one that it cannot.
    pub fn able(faults: &[Fault]) -> Result<(), NemesisError> {
        match faults.iter().find(|fault| !matches!(fault.kind, Kind::BrokerKill | Kind::BrokerRestart)) {
            Some(fault) => Err(NemesisError::Unable { fault: fault.name.clone(), world: "containers" }),
            None => Ok(()),
        }
    }

    async fn begin(&self, fault: &Fault) -> Result<(), NemesisError> {
        Self::able(std::slice::from_ref(fault))?;
        let from_ns = wall_clock_ns();
        self.inflicted().push(Window { fault: fault.name.clone(), from_ns, until_ns: None });
        self.messages.broker_dies(from_ns);
        let done = if fault.kind == Kind::BrokerKill {
            self.docker.kill_container(&self.broker, Some(KillContainerOptionsBuilder::new().signal("SIGKILL").build())).await
        } else {
            self.docker.stop_container(&self.broker, Some(StopContainerOptionsBuilder::new().t(GRACE_S).build())).await
        };
        done.map_err(|error| NemesisError::Failed { fault: fault.name.clone(), reason: error.to_string() })
    }

    async fn end(&self, fault: &Fault) -> Result<(), NemesisError> {
        let restarted = self.restart().await;
        let until_ns = wall_clock_ns();
        if let Some(window) = self.inflicted().iter_mut().rfind(|window| window.fault == fault.name) {
            window.until_ns = Some(until_ns);
        }
        restarted.map_err(|error| NemesisError::Failed { fault: fault.name.clone(), reason: error.to_string() })
    }

    /// Starts the broker again and waits until it says that it is ready, this time.
    async fn restart(&self) -> Result<(), Error> {
        let since_s = i32::try_from(wall_clock_ns() / 1_000_000_000).unwrap_or(i32::MAX);
        self.docker.start_container(&self.broker, None::<StartContainerOptions>).await?;
        let part = Part { name: rabbitmq::NAME, container: &self.broker, limit: self.ready };
        docker::said(&self.docker, &part, Output::Stdout, rabbitmq::READY, since_s).await?;
        let answers = || self.management.answers();
        docker::answered(&self.docker, &part, "an answer of its management interface", answers).await
    }

    fn inflicted(&self) -> std::sync::MutexGuard<'_, Vec<Window>> {
        self.inflicted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nemesis for ContainerNemesis {
    fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(self.begin(fault))
    }

    fn lift<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(self.end(fault))
    }

    /// Without a readable account there is no proof, and so no effect.
    fn effects(&self) -> Boxed<'_, Vec<Effect>> {
        Box::pin(async move {
            let fates = self.messages.account().await.unwrap_or_default();
            let lines = self.messages.lines().await.unwrap_or_default();
            effects(&self.inflicted().clone(), &lines, &fates, &self.queue_of)
        })
    }
}

/// What the faults did, in the order of time.
fn effects(windows: &[Window], lines: &[Line], fates: &[MessageFate], queue_of: &BTreeMap<String, String>) -> Vec<Effect> {
    let fate_of = |id: &str| fates.iter().find(|fate| fate.message_id == id);
    // A publisher may meet the broken connection long after the broker is back: its next message is the fault's doing.
    let last_before = |at_ns: u64| windows.iter().rfind(|window| window.from_ns <= at_ns);
    let mut effects = Vec::new();
    let mut proof = |window: Option<&Window>, at_ns, what, fate: Option<&MessageFate>| {
        if let Some(window) = window {
            let (order_id, hop) = (fate.map(|fate| fate.order_id.clone()), fate.map(|fate| fate.routing_key.clone()));
            effects.push(Effect { fault: window.fault.clone(), at_ns, what, order_id, hop });
        }
    };
    for line in lines {
        let at_ns = line.at_ns;
        match &line.entry {
            Entry::ConnectionLost { .. } => {
                let window = windows.iter().rfind(|window| window.covers(at_ns));
                proof(window, at_ns, What::ConnectionLost { node: line.node.clone() }, None);
            }
            Entry::Published { message_id, outcome: Outcome::Failed } => {
                let what = What::PublishFailed { message_id: message_id.clone() };
                proof(last_before(at_ns), at_ns, what, fate_of(message_id));
            }
            _ => {}
        }
    }
    for fate in fates.iter().filter(|fate| fate.end == End::Lost) {
        let queue = queue_of.get(&fate.routing_key).cloned().unwrap_or_default();
        let what = What::MessageLost { message_id: fate.message_id.clone(), queue };
        proof(last_before(fate.end_ns), fate.end_ns, what, Some(fate));
    }
    effects.sort_by_key(|effect| effect.at_ns);
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use faults::Outcome as Sent;

    fn fault(name: &str, kind: Kind) -> Fault {
        Fault { name: name.into(), kind, at: Duration::ZERO, lasts: Duration::from_secs(1) }
    }

    #[test]
    fn what_this_world_cannot_do_is_known_before() {
        assert_eq!(ContainerNemesis::able(&[fault("broker-kill@1", Kind::BrokerKill)]), Ok(()));
        let kill = fault("consumer-kill@1", Kind::ConsumerKill { service: "mes-api".into() });
        let unable = NemesisError::Unable { fault: "consumer-kill@1".into(), world: "containers" };
        assert_eq!(ContainerNemesis::able(&[kill]), Err(unable));
    }

    #[test]
    fn only_what_happened_under_a_fault_is_its_effect() {
        let windows = [Window { fault: "broker-kill@1".into(), from_ns: 100, until_ns: Some(200) }];
        let lost = |id: &str, end_ns| MessageFate {
            message_id: id.into(),
            event_id: "e".into(),
            order_id: "o-1".into(),
            routing_key: "order.submitted".into(),
            from: "crm-api".into(),
            published_ns: 50,
            sent: Sent::Written,
            deliveries: Vec::new(),
            end: End::Lost,
            end_ns,
        };
        let queues = [("order.submitted".to_owned(), "mes.orders".to_owned())].into();
        let line = |at_ns| Line { node: "mes-api-1.1".into(), at_ns, entry: Entry::ConnectionLost { cause: "x".into() } };
        let found = effects(&windows, &[line(99), line(101)], &[lost("m-1", 100), lost("m-2", 60)], &queues);
        assert_eq!(found.len(), 2);
        let queue = "mes.orders".to_owned();
        assert_eq!(found[0].what, What::MessageLost { message_id: "m-1".into(), queue });
        assert_eq!((found[0].order_id.as_deref(), found[0].hop.as_deref()), (Some("o-1"), Some("order.submitted")));
        assert_eq!(found[1].what, What::ConnectionLost { node: "mes-api-1.1".into() });
    }
}
