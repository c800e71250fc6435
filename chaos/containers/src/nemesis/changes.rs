//! Sets the broker up otherwise: bindings, policies and purges through its management interface, alarms through `rabbitmqctl`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use faults::{Change, Policy};
use serde_json::{Map, Value, json};
use testcontainers::bollard::Docker;

use super::{millis, purges::Purges};
use crate::{
    Error,
    account::Changed,
    management::{Binding, Management},
    parts::rabbitmq,
};

/// Whoever changes the broker of one run.
pub(super) struct Changes {
    docker: Docker,
    container: String,
    management: Management,
    virtual_host: String,
    /// How long a delivery may stay unanswered when nothing is changed: of two policies a queue obeys one.
    patience: Option<Duration>,
    /// The queue that each routing key leads to.
    queue_of: BTreeMap<String, String>,
    unbound: Mutex<BTreeMap<String, Vec<Binding>>>,
    purges: Purges,
}

impl Changes {
    pub(super) fn new(
        (docker, container): (Docker, String),
        virtual_host: String,
        patience: Option<Duration>,
        queue_of: BTreeMap<String, String>,
    ) -> Self {
        let management = Management::new(docker.clone(), &*container);
        Self {
            docker,
            container,
            management,
            virtual_host,
            patience,
            queue_of,
            unbound: Mutex::default(),
            purges: Purges::default(),
        }
    }

    /// Begins a change.
    pub(super) async fn lay(&self, fault: &str, change: &Change) -> Result<(), Error> {
        match change {
            Change::Unbound { key } => self.unbind(fault, |binding| binding.routing_key == *key).await,
            Change::Stranded { exchange } => self.unbind(fault, |binding| binding.source == *exchange).await,
            Change::Policy { queue, policy } => {
                self.management.set_policy(&self.virtual_host, (fault, queue), self.definition(*policy)).await
            }
            Change::Purged { queue, each } => {
                self.purges.begin(fault, (&self.management, &self.virtual_host, queue), *each).await
            }
            Change::Short(resource) => rabbitmq::alarm(&self.docker, &self.container, *resource, true).await,
            // The scenario was refused before the run: see `Kind::can`.
            Change::Deaf { .. } => Ok(()),
        }
    }

    /// Ends it.
    pub(super) async fn take_away(&self, fault: &str, change: &Change) -> Result<(), Error> {
        match change {
            Change::Unbound { .. } | Change::Stranded { .. } => {
                let bindings = self.lock().remove(fault).unwrap_or_default();
                for binding in &bindings {
                    self.management.bind(&self.virtual_host, binding).await?;
                }
                Ok(())
            }
            Change::Policy { .. } => self.management.remove_policy(&self.virtual_host, fault).await,
            Change::Purged { .. } => {
                self.purges.end(fault);
                Ok(())
            }
            Change::Short(resource) => rabbitmq::alarm(&self.docker, &self.container, *resource, false).await,
            Change::Deaf { .. } => Ok(()),
        }
    }

    /// Takes bindings away, and keeps them for the end of a fault.
    async fn unbind(&self, fault: &str, concerned: impl Fn(&Binding) -> bool) -> Result<(), Error> {
        let mut bindings = self.management.bindings(&self.virtual_host).await?;
        bindings.retain(concerned);
        for binding in &bindings {
            self.management.unbind(&self.virtual_host, binding).await?;
        }
        self.lock().insert(fault.to_owned(), bindings);
        Ok(())
    }

    /// What such a change does to messages, for the account of them.
    pub(super) fn to_messages(&self, fault: &str, change: &Change, from_ns: u64) -> Changed {
        let keys = match change {
            Change::Unbound { key } => vec![key.clone()],
            Change::Policy { queue, .. } | Change::Purged { queue, .. } => {
                self.queue_of.iter().filter(|(_, of)| *of == queue).map(|(key, _)| key.clone()).collect()
            }
            _ => self.queue_of.keys().cloned().collect(),
        };
        Changed { fault: fault.to_owned(), keys, what: change.clone(), from_ns, until_ns: None }
    }

    /// A policy, with what holds for all queues anyway.
    fn definition(&self, policy: Policy) -> Value {
        let mut definition = Map::new();
        definition.extend(self.patience.map(|patience| ("consumer-timeout".to_owned(), json!(millis(patience)))));
        let mut set = |name: &str, value: Value| drop(definition.insert(name.to_owned(), value));
        match policy {
            Policy::DropHead(most) => {
                set("max-length", json!(most));
                set("overflow", json!("drop-head"));
            }
            Policy::RejectPublish(most) => {
                set("max-length", json!(most));
                set("overflow", json!("reject-publish"));
            }
            Policy::MessageTtl(time) => set("message-ttl", json!(millis(time))),
            Policy::ConsumerTimeout(time) => set("consumer-timeout", json!(millis(time))),
        }
        Value::Object(definition)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<Binding>>> {
        self.unbound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
