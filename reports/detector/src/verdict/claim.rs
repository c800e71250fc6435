//! How far the broker's own records carry a verdict: its cause, its tier, and the records it then rests on.
//!
//! The hop is the spans' word and stays. What spans cannot tell apart, such as the ways in which a message vanishes, the
//! records may: each file holds what they say of one kind of verdict, and says nothing where they leave it open.

mod repeated;
mod unprocessed;
mod unsent;
mod vanished;
mod waited;

use crate::{
    broker::Broker,
    cause::Cause,
    finding::{Said, Tier, Verdict},
    journey::Journey,
    record::{Record, What},
    verdict::{Testimony, Word},
    way::Kind,
};

/// A cause with what it rests on.
pub(super) struct Claim {
    pub(super) cause: Option<Cause>,
    pub(super) tier: Tier,
    pub(super) records: Vec<Said>,
}

impl Claim {
    /// What the spans say.
    fn of_spans(cause: Option<Cause>) -> Self {
        Self { cause, tier: cause.map_or(Tier::A, |cause| cause.tier), records: Vec::new() }
    }
}

/// A cause that evidence of a tier carries.
fn claim(cause: Cause, tier: Tier, records: Vec<Said>) -> Option<Claim> {
    debug_assert!(cause.tier <= tier, "{} claims too much", cause.name);
    Some(Claim { cause: Some(cause), tier, records })
}

/// An order with what the broker says of its messages.
struct Matter<'a> {
    journey: &'a Journey<'a>,
    broker: &'a Broker,
    end_ns: u64,
    /// The message in question.
    message: usize,
    /// The spans' word.
    cause: Cause,
}

/// What can be said of an order, given the word of its spans.
pub(super) fn strongest(journey: &Journey<'_>, word: &Word, testimony: &Testimony<'_>) -> Claim {
    let spans = Claim::of_spans(word.cause);
    let (Some(step), Some(cause)) = (word.step, word.cause) else { return spans };
    // The broker's time is nobody's clock: by clocks that disagree the two cannot be brought together.
    if testimony.broker.says_nothing() || testimony.slack.iter().any(|wrong_ns| *wrong_ns > 0) {
        return spans;
    }
    let kind = journey.way.steps[step].kind;
    let message = match kind {
        Kind::Send(message) | Kind::Receive(message) | Kind::Effect(message) => message,
        Kind::Enter { state, .. } | Kind::Start(state) => match journey.way.after[state] {
            Some(message) => message,
            None => return spans,
        },
    };
    let matter = Matter { journey, broker: testimony.broker, end_ns: testimony.end_ns, message, cause };
    let more = match (word.verdict, kind) {
        (Verdict::Lost, Kind::Send(_)) => unsent::claim_of(&matter),
        (Verdict::Lost, Kind::Receive(_)) => vanished::claim_of(&matter),
        (Verdict::Lost, Kind::Effect(_)) => unprocessed::claim_of(&matter),
        (Verdict::Slow, Kind::Receive(_)) => waited::claim_of(&matter),
        (Verdict::Duplicated, _) => repeated::claim_of(&matter),
        _ => None,
    };
    more.unwrap_or(spans)
}

impl<'a> Matter<'a> {
    /// The queue that the message leads to, where the lifecycle says it.
    fn queue(&self) -> Option<&'a str> {
        self.journey.way.queues[self.message].as_deref()
    }

    fn key(&self) -> &'a str {
        &self.journey.way.keys[self.message]
    }

    /// Records of the firehose about the message, those with a label only if there is one; by time.
    fn heard(&self, what: fn(usize) -> What, label: u32) -> Vec<&'a Record> {
        let of_kind = self.journey.order.of(what(self.message).number(self.journey.way));
        let mut heard: Vec<&Record> = of_kind.filter(|record| label == 0 || record.label == label).collect();
        heard.sort_by_key(|record| record.place());
        heard
    }

    fn says(&self, record: &Record) -> Said {
        self.broker.firehose.says(record)
    }
}
