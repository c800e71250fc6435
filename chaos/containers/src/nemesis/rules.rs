//! What the proxy is told of a fault, and what it tells of it.

use std::time::Duration;

use faults::{Blur, Call, CallFault, DatabaseFault, Deed, Effect, FilesFault, Interference, Meddling, Telemetry, What};
use proxy::api::{self, How, Rule, Way};

use super::millis;
use crate::parts::proxy::{BROKER, FILES, database};

/// The header that carries the trace context.
const CONTEXT: &str = "traceparent";
/// What a client meets whose connection is reset.
const CONNECTION_FAILURE: &str = "08006";

/// The rule that inflicts a deed; none where the proxy cannot. `from` is the address of the service that a fault of calls names.
pub(super) fn of(deed: &Deed, from: Option<String>) -> Option<Rule> {
    match deed {
        Deed::Meddle(meddling) | Deed::Telemetry(Blur { how: Telemetry::Context(meddling), .. }) => meddle(meddling),
        Deed::CutOff { service } => Some(Rule { client: Some(service.clone()), ..at(BROKER, How::HalfOpen) }),
        // Connections that are there are reset, and no other comes about.
        Deed::Database { database: name, how: DatabaseFault::Down } => Some(at(&database(name), How::Reset)),
        Deed::Database { database: name, how: DatabaseFault::Slow(by) } => Some(at(&database(name), late(*by))),
        Deed::Files(FilesFault::Down) => Some(at(FILES, How::Reset)),
        Deed::Files(FilesFault::Slow(by)) => Some(at(FILES, late(*by))),
        Deed::Calls(CallFault { to, share, how, .. }) => {
            let how = match how {
                Call::Refused => How::Reset,
                Call::AnswerLost => How::LoseAnswers,
                Call::Slow(by) => late(*by),
            };
            Some(Rule { client: from, share: *share, ..at(to, how) })
        }
        _ => None,
    }
}

/// A rule at a listener.
fn at(listener: &str, how: How) -> Rule {
    Rule { on: Some(listener.to_owned()), ..Rule::new(how) }
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
    Some(Rule { key, share, most, ..at(BROKER, how) })
}

/// What is sent arrives so much later.
fn late(by: Duration) -> How {
    How::Latency { ms: millis(by), way: Way::Up }
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
    use faults::{ANSWER_LOST, NETWORK_CUT};

    use super::*;

    #[test]
    fn a_call_that_one_service_makes_is_told_by_its_address() {
        let deed = ANSWER_LOST.with("service", "mes").with("from", "mes-api").deed();
        let rule = of(&deed, Some("172.18.0.7".into())).unwrap();
        assert_eq!((rule.on.as_deref(), rule.client.as_deref()), (Some("mes"), Some("172.18.0.7")));
    }

    #[test]
    fn a_service_that_is_cut_off_is_told_by_its_name() {
        let rule = of(&NETWORK_CUT.with("service", "mes-api").deed(), None).unwrap();
        assert_eq!((rule.client.as_deref(), &rule.how), (Some("mes-api"), &How::HalfOpen));
    }
}
