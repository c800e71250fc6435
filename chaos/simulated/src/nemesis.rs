//! Inflicts faults on the model.

use std::sync::Arc;

use faults::{Blur, Deed, Effect, Fault, FilesFault, Habit, Nemesis, NemesisError, Telemetry, What};
use world::Boxed;

use crate::models::Parts;

/// Whoever inflicts the faults of a simulated run.
pub(crate) struct Hand {
    pub(crate) parts: Arc<Parts>,
}

impl Nemesis for Hand {
    fn inflict<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(async move {
            let name: Arc<str> = fault.name.as_str().into();
            match fault.kind.deed() {
                Deed::Outage(how) => self.parts.broker.go_down(how, &name),
                Deed::Kill { service } => {
                    let nodes = self.parts.running(&service);
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
                Deed::Pause { service } => self.parts.pause(&service, &name),
                Deed::Throttle { service, second_takes } => self.parts.throttle(&service, &name, second_takes),
                Deed::CutOff { service } => {
                    for node in self.parts.running(&service) {
                        self.parts.broker.cut(node, Some(&name));
                    }
                }
                Deed::Database { database, how } => {
                    let database = self.parts.known_database(&database);
                    database.iter().for_each(|database| database.falls_ill(&name, how));
                }
                Deed::Files(how) => self.parts.bucket.falls_ill(&name, how),
                Deed::Calls(calls) => self.parts.links.hit(&name, calls),
                Deed::RollBack(how) => self.parts.failpoints.lay(&name, how),
                Deed::Broker(change) => self.parts.broker.lay(&name, &change),
                // The driver has them not wait; here is what they do not wait for.
                Deed::People { how: Habit::Corrects { takes, .. }, .. } => {
                    self.parts.bucket.falls_ill(&name, FilesFault::Slow(takes));
                }
                // The services are told of its windows when they start, and the driver's desks go by it; the ledger sees what it did.
                Deed::Pricing(_) | Deed::People { .. } => {}
                Deed::Meddle(meddling) => self.parts.broker.meddle(&name, meddling),
                Deed::Telemetry(Blur { how: Telemetry::Context(meddling), .. }) => self.parts.broker.meddle(&name, meddling),
                Deed::Telemetry(Blur { how, .. }) => self.parts.backend.trouble(&name, how),
            }
            Ok(())
        })
    }

    fn lift<'a>(&'a self, fault: &'a Fault) -> Boxed<'a, Result<(), NemesisError>> {
        Box::pin(async move {
            match fault.kind.deed() {
                Deed::Outage(_) => self.parts.broker.come_up(),
                Deed::Kill { service } => self.parts.start_again(&service),
                Deed::Pause { .. } => self.parts.go_on(&fault.name),
                Deed::Throttle { .. } => self.parts.unthrottle(&fault.name),
                Deed::CutOff { service } => {
                    for node in self.parts.running(&service) {
                        self.parts.broker.heal(node);
                    }
                }
                Deed::Database { database, .. } => {
                    let database = self.parts.known_database(&database);
                    database.iter().for_each(|database| database.recovers(&fault.name));
                }
                Deed::Files(_) | Deed::People { how: Habit::Corrects { .. }, .. } => {
                    self.parts.bucket.recovers(&fault.name);
                }
                Deed::Calls(_) => self.parts.links.hit_no_more(&fault.name),
                Deed::RollBack(_) => self.parts.failpoints.take_away(&fault.name),
                Deed::Broker(_) => self.parts.broker.take_away(&fault.name),
                Deed::Pricing(_) | Deed::People { .. } => {}
                Deed::Meddle(_) => self.parts.broker.meddle_no_more(&fault.name),
                Deed::Telemetry(Blur { how: Telemetry::Context(_), .. }) => self.parts.broker.meddle_no_more(&fault.name),
                Deed::Telemetry(Blur { how, .. }) => {
                    for (at_ns, what) in self.parts.backend.no_more_trouble(&fault.name, &how) {
                        self.parts.effects.add(&fault.name, at_ns, what, None);
                    }
                }
            }
            Ok(())
        })
    }

    fn effects(&self) -> Boxed<'_, Vec<Effect>> {
        Box::pin(async move { self.parts.effects.all() })
    }
}
