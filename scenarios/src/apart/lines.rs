//! What the driver and its people say to each other, a line of JSON each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use contracts::Status;
use faults::Effect;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::actors::{
    Piece,
    briefing::Briefing,
    intents::{FailedCall, Key, Who},
    operator::Made,
    requests::Call,
};

/// The driver's first line: where the people are, and who.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The root of all draws.
    pub seed: u64,
    /// The start of the run, nanoseconds since the Unix epoch.
    pub epoch_ns: u64,
    /// Addresses of the services, by name.
    pub services: BTreeMap<String, String>,
    /// Address of Shop DB.
    pub shop: String,
    /// Address of MES DB.
    pub mes: String,
    /// How long an answer may take.
    pub answer: Duration,
    /// Connections are used again.
    pub keep_alive: bool,
    /// Who they are.
    pub briefing: Briefing,
}

/// What the driver says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Say {
    /// Services have other addresses from now on.
    Services(BTreeMap<String, String>),
    /// The customer of an order wants to know how it is.
    Ask(Piece),
    /// Nobody may approve this order.
    Undecided(Arc<str>),
    /// Its customer has agreed.
    Agreed(Arc<str>),
    /// Does an order wait at a desk that is in nobody's hands? Questions have numbers.
    Waiting(u64),
    /// The run is over.
    Close,
}

/// What the people tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Somebody means to bring an order into a state.
    Begun {
        /// The place in their book.
        key: Key,
        /// The order.
        order_ref: Arc<str>,
        /// Who.
        who: Who,
        /// The state.
        step: Status,
        /// Since when, nanoseconds since the Unix epoch.
        at_ns: u64,
    },
    /// A call was not answered with success.
    Failed {
        /// For which intent.
        key: Key,
        /// Which call.
        call: FailedCall,
    },
    /// An intent is done, or given up.
    Ended {
        /// Which one.
        key: Key,
        /// Done.
        done: bool,
        /// The last HTTP status.
        status: Option<u16>,
        /// When.
        at_ns: u64,
    },
    /// An intent is done, and another one follows from it.
    Followed {
        /// Which one.
        key: Key,
        /// The HTTP status.
        status: u16,
        /// The place of the next one.
        next: Key,
        /// Who means it.
        who: Who,
        /// To which state.
        step: Status,
        /// When.
        at_ns: u64,
    },
    /// A piece is being made, and is the driver's now, with the intent to complete it.
    Matures {
        /// The intent.
        key: Key,
        /// The piece.
        made: Made,
    },
    /// What faults did that the people carry out themselves.
    Did(Vec<Effect>),
    /// A request is over.
    Took {
        /// Whose.
        who: Who,
        /// What for.
        call: Call,
        /// How long, from when it was meant to be made.
        took: Duration,
    },
    /// Whether an order waits at a desk.
    Waiting {
        /// Number of the question.
        question: u64,
        /// The answer, or why there is none.
        answer: Result<bool, String>,
    },
    /// Nobody does anything any more.
    Over(Counted),
}

/// What the load tool says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Its version.
    pub tool: String,
    /// How many users it had, by what they do.
    pub users: BTreeMap<String, u64>,
    /// The requests it counted, by route.
    pub requests: BTreeMap<String, u64>,
}

/// Why a line cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a line that is none of the protocol ({why}): {line}")]
pub struct LineError {
    line: String,
    why: serde_json::Error,
}

/// A line without its end.
pub trait Said: Serialize + DeserializeOwned {
    /// As text.
    ///
    /// # Errors
    /// When the JSON cannot be made.
    fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// From text.
    ///
    /// # Errors
    /// When it is cut, or something else.
    fn read(line: &str) -> Result<Self, LineError> {
        // What is shown of it is as much as one looks at.
        serde_json::from_str(line).map_err(|why| LineError { line: line.chars().take(200).collect(), why })
    }
}

impl Said for Place {}
impl Said for Say {}
impl Said for Told {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::intents::Intents;

    fn told() -> Vec<Told> {
        let piece = Piece { order_id: "o-1.1-1".into(), order_ref: "c-000001".into() };
        let (who, step) = (Who::Operator, Status::ManufacturingStarted);
        let key = Intents::default().begin(&piece.order_ref, who, step, 7).key();
        let made = Made { piece: piece.clone(), by: "operator-3".into(), due: Duration::from_millis(12_345) };
        let call = FailedCall { asked_ns: 1, ended_ns: 2, status: None };
        let what = faults::What::WorkedOtherwise { pool: "seller".into() };
        let effect = Effect { fault: "staff-away@1".into(), at_ns: 3, what, order_id: None, hop: None };
        vec![
            Told::Begun { key, order_ref: piece.order_ref, who, step, at_ns: u64::MAX },
            Told::Failed { key, call },
            Told::Ended { key, done: false, status: Some(409), at_ns: 5 },
            Told::Followed { key, status: 200, next: key, who, step: Status::ManufacturingCompleted, at_ns: 6 },
            Told::Matures { key, made },
            Told::Did(vec![effect]),
            Told::Took { who: Who::Seller, call: Call::Step(Status::ManufacturingApproved), took: Duration::from_nanos(1) },
            Told::Waiting { question: 1, answer: Err("the database is away".into()) },
            Told::Over(Counted::default()),
        ]
    }

    #[test]
    fn what_is_told_arrives_as_it_was_told() {
        for told in told() {
            let line = told.line().unwrap();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(Told::read(&line).unwrap(), told);
        }
    }

    #[test]
    fn a_line_that_is_cut_is_an_error_wherever_it_is_cut() {
        for told in told() {
            let line = told.line().unwrap();
            for end in 0..line.len() {
                assert!(Told::read(&line[..end]).is_err(), "{}", &line[..end]);
            }
        }
        let error = Say::read("hello").unwrap_err().to_string();
        assert!(error.contains("none of the protocol") && error.ends_with("hello"), "{error}");
    }
}
