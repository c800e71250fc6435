//! Inflicts faults on the model.

use std::sync::Arc;

use faults::{Effect, Fault, Kind, Nemesis, NemesisError, What};
use world::Boxed;

use crate::{broker::Down, models::Parts};

/// Whoever inflicts the faults of a simulated run.
pub(crate) struct Hand {
    pub(crate) parts: Arc<Parts>,
}

impl Nemesis for Hand {
    fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(async move {
            let name: Arc<str> = fault.name.as_str().into();
            match &fault.kind {
                Kind::BrokerKill => self.parts.broker.go_down(Down::Killed, &name),
                Kind::BrokerRestart => self.parts.broker.go_down(Down::Stopped, &name),
                Kind::ConsumerKill { service } => {
                    let nodes = self.parts.running(service);
                    if nodes.is_empty() {
                        let reason = format!("no node of {service} is running");
                        return Err(NemesisError::Failed { fault: fault.name.clone(), reason });
                    }
                    for node in nodes {
                        let at_ns = self.parts.wall_ns();
                        self.parts.effects.add(&name, at_ns, What::NodeKilled { node: node.to_string() }, None);
                        self.parts.kill(node, Some(&name));
                    }
                }
                // The services are told of its windows when they start; the ledger sees what it did.
                Kind::SlowPricing { .. } => {}
            }
            Ok(())
        })
    }

    fn lift<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(async move {
            match &fault.kind {
                Kind::BrokerKill | Kind::BrokerRestart => self.parts.broker.come_up(),
                Kind::ConsumerKill { service } => self.parts.start_again(service),
                Kind::SlowPricing { .. } => {}
            }
            Ok(())
        })
    }

    fn effects(&self) -> Boxed<'_, Vec<Effect>> {
        Box::pin(async move { self.parts.effects.all() })
    }
}
