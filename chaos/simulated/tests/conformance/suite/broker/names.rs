//! The exchanges and queues of one sequence: their names, and how they hang together.

use world::broker::{Arguments, BrokerError, Channel, Exchange, ExchangeKind, Queue, Topology};

use super::sequence::{Dead, Profile, SHORT, Sequence};

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

    /// The queues that a sequence is played on, with what each is called in short.
    pub(crate) fn queues(&self, sequence: &Sequence) -> Vec<(&'static str, &str)> {
        let all = [
            ("work", &self.work, true),
            ("copy", &self.copy, sequence.copies()),
            ("stray", &self.stray, sequence.profile.strays),
            ("dead", &self.dead, true),
        ];
        all.into_iter().filter(|(.., used)| *used).map(|(short, name, _)| (short, name.as_str())).collect()
    }
}

/// Declares what a sequence is played on, and no queue that nothing can come to: a real broker takes its time for each.
pub(crate) async fn declare(channel: &dyn Channel, names: &Names, sequence: &Sequence) -> Result<(), BrokerError> {
    let profile = &sequence.profile;
    let kind = |name, kind| Exchange { name, kind, alternate: None };
    let (inlet, strays, dlx) = (names.inlet.as_str(), names.strays.as_str(), names.dead_letters.as_str());
    let mut exchanges = vec![Exchange { alternate: profile.strays.then_some(strays), ..kind(inlet, ExchangeKind::Direct) }];
    let mut queues = vec![work(names, profile), dead(names, profile)];
    let mut bindings = vec![(inlet, "work", names.work.as_str()), (inlet, "both", &names.work)];
    if sequence.copies() {
        queues.push(Queue::classic(&names.copy));
        bindings.push((inlet, "both", &names.copy));
    }
    if profile.strays {
        exchanges.push(kind(strays, ExchangeKind::Fanout));
        queues.push(Queue::classic(&names.stray));
        bindings.push((strays, "", &names.stray));
    }
    if matches!(profile.dead, Dead::Kept | Dead::Retried) {
        exchanges.push(kind(dlx, ExchangeKind::Fanout));
        bindings.push((dlx, "", &names.dead));
    }
    channel.declare(&Topology { exchanges: &exchanges, queues: &queues, bindings: &bindings }).await
}

fn dead<'a>(names: &'a Names, profile: &Profile) -> Queue<'a> {
    let dead = Queue { kind: profile.dead_kind, ..Queue::classic(&names.dead) };
    if profile.dead == Dead::Retried {
        dead.with(Arguments {
            message_ttl: Some(SHORT),
            dead_letter_exchange: Some(""),
            dead_letter_routing_key: Some(&names.work),
            ..Arguments::NONE
        })
    } else {
        dead
    }
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
