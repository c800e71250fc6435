//! The exchanges and queues of one sequence: their names, and how they hang together.

use world::broker::{Arguments, BrokerError, Channel, Exchange, ExchangeKind, Queue, Topology};

use super::sequence::{Dead, Profile, SHORT};

/// The names of one sequence's exchanges and queues.
pub(crate) struct Names {
    pub(crate) prefix: String,
    pub(crate) inlet: String,
    pub(crate) strays: String,
    pub(crate) dead_letters: String,
    pub(crate) missing: String,
    pub(crate) work: String,
    pub(crate) copy: String,
    pub(crate) stray: String,
    pub(crate) dead: String,
}

impl Names {
    pub(crate) fn new(prefix: &str) -> Self {
        let name = |name: &str| format!("{prefix}.{name}");
        Self {
            prefix: format!("{prefix}."),
            inlet: name("in"),
            strays: name("strays"),
            dead_letters: name("dlx"),
            missing: name("missing"),
            work: name("work"),
            copy: name("copy"),
            stray: name("stray"),
            dead: name("dead"),
        }
    }
}

/// Declares what a sequence is played on.
pub(crate) async fn declare(channel: &dyn Channel, names: &Names, profile: &Profile) -> Result<(), BrokerError> {
    let kind = |name, kind| Exchange { name, kind, alternate: None };
    let inlet = Exchange {
        alternate: profile.strays.then_some(names.strays.as_str()),
        ..kind(names.inlet.as_str(), ExchangeKind::Direct)
    };
    let exchanges =
        [inlet, kind(names.strays.as_str(), ExchangeKind::Fanout), kind(names.dead_letters.as_str(), ExchangeKind::Fanout)];
    let dead = Queue { kind: profile.dead_kind, ..Queue::classic(&names.dead) };
    let dead = if profile.dead == Dead::Retried {
        dead.with(Arguments {
            message_ttl: Some(SHORT),
            dead_letter_exchange: Some(""),
            dead_letter_routing_key: Some(&names.work),
            ..Arguments::NONE
        })
    } else {
        dead
    };
    let queues = [work(names, profile), Queue::classic(&names.copy), Queue::classic(&names.stray), dead];
    let (inlet, strays, dlx) = (names.inlet.as_str(), names.strays.as_str(), names.dead_letters.as_str());
    let bindings = [
        (inlet, "work", names.work.as_str()),
        (inlet, "both", &names.work),
        (inlet, "both", &names.copy),
        (strays, "", &names.stray),
        (dlx, "", &names.dead),
    ];
    channel.declare(&Topology { exchanges: &exchanges, queues: &queues, bindings: &bindings }).await
}

fn work<'a>(names: &'a Names, profile: &Profile) -> Queue<'a> {
    let exchange = match profile.dead {
        Dead::Unsaid => None,
        Dead::Missing => Some(names.missing.as_str()),
        Dead::Kept | Dead::Retried => Some(names.dead_letters.as_str()),
    };
    let key = (profile.dead_key && exchange.is_some()).then_some("dead.key");
    Queue { kind: profile.kind, ..Queue::classic(&names.work) }.with(Arguments {
        dead_letter_exchange: exchange,
        dead_letter_routing_key: key,
        ..profile.arguments
    })
}

/// Asks the queue under test for something, so that all that was sent before on this channel has reached it.
pub(crate) async fn meet(channel: &dyn Channel, names: &Names, profile: &Profile) -> Result<(), BrokerError> {
    channel.declare(&Topology { exchanges: &[], queues: &[work(names, profile)], bindings: &[] }).await
}
