//! `lost`, `stuck`, and `unknown`: an order does not get on. Which of them it is, and why, is said by where.
//!
//! An order that only a person's step is missing for is stuck: that step may still come. Where no person is waited for,
//! nothing comes any more: the order is lost.

use crate::{
    cause::{self, Cause},
    finding::Verdict,
    journey::Journey,
    record::{Record, What, flag},
    verdict::{
        Word,
        halt::{Halt, is_person},
    },
    way::{By, Kind, StepId},
};

/// An order that will never get further.
pub(super) fn lost(journey: &Journey<'_>, halt: &Halt) -> Option<Word> {
    match *halt {
        Halt::At(step) if !is_person(journey, step) => Some(word(journey, Verdict::Lost, step, Some(cause(journey, step)))),
        // Which of the steps that nobody shows it is at is a guess: the cause is left open.
        Halt::Behind(step) if !is_person(journey, step) => Some(word(journey, Verdict::Lost, step, None)),
        _ => None,
    }
}

/// An order that a person may still move.
pub(super) fn stuck(journey: &Journey<'_>, halt: &Halt) -> Option<Word> {
    match *halt {
        Halt::At(step) => Some(word(journey, Verdict::Stuck, step, Some(person(journey, step)))),
        Halt::Behind(step) => Some(word(journey, Verdict::Stuck, step, None)),
        _ => None,
    }
}

/// An order that may have got on, where nobody saw it.
pub(super) fn unknown(journey: &Journey<'_>, halt: &Halt) -> Option<Word> {
    match *halt {
        Halt::Silent(step) => Some(word(journey, Verdict::Unknown, step, Some(cause::SILENT))),
        Halt::Hidden(step) => Some(word(journey, Verdict::Unknown, step, Some(cause::TELEMETRY_GAP))),
        Halt::Open(step) => Some(word(journey, Verdict::Unknown, step, Some(cause::CLOCKS_DISAGREE))),
        _ => None,
    }
}

fn word(journey: &Journey<'_>, verdict: Verdict, step: StepId, cause: Option<Cause>) -> Word {
    let evidence = journey.evidence_of_stretch(journey.way.steps[step].stretch);
    Word { verdict, step: Some(step), cause, evidence }
}

fn cause(journey: &Journey<'_>, step: StepId) -> Cause {
    match journey.way.steps[step].kind {
        Kind::Send(_) if journey.order.of(step as u8).any(|sent| sent.is(flag::ERROR)) => cause::PUBLISH_FAILED,
        Kind::Send(_) => cause::NOT_PUBLISHED,
        Kind::Receive(message) => not_received(journey, message),
        Kind::Effect(message) => not_processed(journey, message),
        Kind::Start(_) => cause::NEVER_STARTED,
        Kind::Enter { by: By::Work, .. } => cause::WORK_NEVER_ENDED,
        Kind::Enter { .. } => cause::NOT_ENTERED,
    }
}

fn not_received(journey: &Journey<'_>, message: usize) -> Cause {
    let [sent, ..] = journey.way.message[message];
    match journey.record(sent) {
        Some(sent) if sent.is(flag::RETURNED) => cause::UNROUTABLE,
        Some(sent) if sent.is(flag::CONFIRMED) => cause::CONFIRMED_VANISHED,
        Some(sent) if sent.is(flag::UNCONFIRMED) => cause::UNCONFIRMED_VANISHED,
        _ => cause::VANISHED,
    }
}

/// Whom a person's step waits for: the customer, where news of what is to be agreed to was not seen; else whoever does it.
pub(super) fn person(journey: &Journey<'_>, step: StepId) -> Cause {
    let began_ns = journey.earliest(journey.way.steps[step].begin);
    let since = |what: What| journey.order.of(what.number(journey.way)).any(|record| record.at_ns >= began_ns);
    if since(What::Notified) && !since(What::Aware) { cause::CUSTOMER_UNAWARE } else { cause::WAITING_FOR_PERSON }
}

/// A message that was received and did nothing. The last word about it counts.
pub(super) fn not_processed(journey: &Journey<'_>, message: usize) -> Cause {
    let last = |what: What| journey.order.of(what.number(journey.way)).max_by_key(|record: &&Record| record.place());
    let failed = last(What::Process(message)).is_some_and(|process| process.is(flag::ERROR));
    match last(What::Settle(message)) {
        Some(settle) if settle.is(flag::REJECT) => cause::REJECTED,
        _ if failed => cause::PROCESS_FAILED,
        Some(settle) if settle.is(flag::ACK) => cause::ACKED_UNPROCESSED,
        _ => cause::UNPROCESSED,
    }
}
