//! What the proxy is told of a fault, and what it tells of it.

use std::time::Duration;

use faults::{Blur, Call, CallFault, DatabaseFault, Deed, Effect, FilesFault, Interference, Meddling, Telemetry, What};
use proxy::api::{self, How, Rule, Way};

use crate::parts::proxy::{BROKER, FILES, database};

/// The header that carries the trace context.
const CONTEXT: &str = "traceparent";
/// What a client meets whose connection is reset.
const CONNECTION_FAILURE: &str = "08006";

/// The rules that inflict a deed; none where the proxy cannot. `from` is the address of the service that a fault of calls names.
pub(super) fn of(deed: &Deed, from: Option<String>) -> Vec<Rule> {
    match deed {
        Deed::Meddle(meddling) | Deed::Telemetry(Blur { how: Telemetry::Context(meddling), .. }) => {
            meddle(meddling).into_iter().collect()
        }
        Deed::CutOff { service } => {
            vec![Rule { on: Some(BROKER.to_owned()), client: Some(service.clone()), ..Rule::new(How::HalfOpen) }]
        }
        Deed::Database { database: name, how: DatabaseFault::Down } => away(&database(name)),
        Deed::Database { database: name, how: DatabaseFault::Slow(by) } => vec![slow(&database(name), *by)],
        Deed::Files(FilesFault::Down) => away(FILES),
        Deed::Files(FilesFault::Slow(by)) => vec![slow(FILES, *by)],
        Deed::Calls(CallFault { to, share, how, .. }) => {
            let how = match how {
                Call::Refused => How::Reset,
                Call::AnswerLost => How::LoseAnswers,
                Call::Slow(by) => How::Latency { ms: millis(*by), way: Way::Up },
            };
            vec![Rule { on: Some(to.clone()), client: from, share: *share, ..Rule::new(how) }]
        }
        _ => Vec::new(),
    }
}

/// Each rule of a fault has a name of its own.
pub(super) fn name(fault: &str, number: usize) -> String {
    if number == 0 { fault.to_owned() } else { format!("{fault}.{number}") }
}

fn meddle(meddling: &Meddling) -> Option<Rule> {
    let how = match meddling.how {
        Interference::LoseOnTheWire => How::LoseOnTheWire,
        Interference::LoseConfirm => How::LoseConfirm,
        Interference::Delay(time) => How::Delay { ms: millis(time) },
        Interference::Corrupt => How::Corrupt,
        Interference::StripContext => How::StripHeader { header: CONTEXT.to_owned() },
        Interference::LoseAck => How::LoseAck,
        // What a process had in hand as it died, nobody between it and the broker can know.
        Interference::CrashBeforePublish(_) | Interference::CrashBeforeAck(_) => return None,
    };
    let Meddling { key, share, most, .. } = meddling.clone();
    Some(Rule { on: Some(BROKER.to_owned()), key, share, most, ..Rule::new(how) })
}

/// Connections that are there are reset, and no other comes about.
fn away(listener: &str) -> Vec<Rule> {
    vec![Rule { on: Some(listener.to_owned()), ..Rule::new(How::Reset) }]
}

fn slow(listener: &str, by: Duration) -> Rule {
    Rule { on: Some(listener.to_owned()), ..Rule::new(How::Latency { ms: millis(by), way: Way::Up }) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An effect, in the words of the simulated world.
pub(super) fn told(effect: &api::Effect) -> Effect {
    let told = effect.told();
    let Some(database) = effect.listener.strip_prefix(&database("")) else { return told };
    let (database, node) = (database.to_owned(), effect.client.to_string());
    let what = match &*effect.how {
        "slowed" => What::StatementSlowed { database, node },
        _ => What::StatementFailed { database, node, sqlstate: CONNECTION_FAILURE.to_owned() },
    };
    Effect { what, ..told }
}

#[cfg(test)]
mod tests {
    use faults::{ANSWER_LOST, CATALOGUE, NETWORK_CUT, World};

    use super::*;

    #[test]
    fn a_call_that_one_service_makes_is_told_by_its_address() {
        let deed = ANSWER_LOST.with("service", "mes").with("from", "mes-api").deed();
        let rules = of(&deed, Some("172.18.0.7".into()));
        assert_eq!((rules[0].on.as_deref(), rules[0].client.as_deref()), (Some("mes"), Some("172.18.0.7")));
    }

    #[test]
    fn a_service_that_is_cut_off_is_told_by_its_name() {
        let rules = of(&NETWORK_CUT.with("service", "mes-api").deed(), None);
        assert_eq!((rules[0].client.as_deref(), &rules[0].how), (Some("mes-api"), &How::HalfOpen));
    }

    #[test]
    fn what_meddles_and_can_be_inflicted_for_real_has_a_rule() {
        for definition in CATALOGUE.iter().filter(|definition| definition.worlds.contains(&World::Containers)) {
            let deed = definition.plain().deed();
            let needs =
                matches!(deed, Deed::Meddle(_) | Deed::CutOff { .. } | Deed::Calls(_) | Deed::Files(_) | Deed::Database { .. });
            assert!(!needs || !of(&deed, None).is_empty(), "{}", definition.name);
        }
    }
}
