//! How long the people's requests took, each from the moment at which it was meant to be made.
//!
//! Whoever comes late to a request, because the one before it was slow or because the machine was busy, has waited all that time.
//! What is measured from the moment of sending leaves exactly the long waits out (coordinated omission).

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use contracts::Status;
use serde::{Deserialize, Serialize};

use super::{intents::Who, verb};

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// To bring an order into a state.
    Step(Status),
    /// To see what there is to do: the first page, or another.
    List,
    /// To know how an order is.
    Ask,
    /// To see whether there is a price.
    Notice,
}

/// Times of answered and of failed requests, nanoseconds, by tag.
pub type Times = BTreeMap<String, Vec<u64>>;

/// All requests so far.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<BTreeMap<(Who, Call), Vec<u64>>>);

impl Requests {
    /// A request that is over.
    pub(crate) fn took(&self, who: Who, call: Call, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((who, call)).or_default().push(took_ns);
    }

    /// Their times; there are none left.
    pub(crate) fn take(&self) -> Times {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        all.into_iter().map(|((who, call), times)| (tag(who, call), times)).collect()
    }
}

/// `http/seller/approve`.
fn tag(who: Who, call: Call) -> String {
    let call = match call {
        Call::Step(Status::Initiated) => "order",
        Call::Step(Status::FileUploaded) => "upload",
        Call::Step(step) => verb(step, who),
        Call::List => "list",
        Call::Ask => "ask",
        Call::Notice => "notice",
    };
    format!("http/{}/{call}", who.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_names_the_actor_and_the_request() {
        let requests = Requests::default();
        requests.took(Who::Seller, Call::Step(Status::ManufacturingApproved), Duration::from_micros(7));
        requests.took(Who::ApiUser, Call::Step(Status::Initiated), Duration::from_micros(3));
        requests.took(Who::Operator, Call::List, Duration::from_micros(1));
        requests.took(Who::Operator, Call::List, Duration::from_micros(2));
        let all: Vec<_> = requests.take().into_iter().collect();
        let expected = [
            ("http/api-user/order", vec![3_000]),
            ("http/operator/list", vec![1_000, 2_000]),
            ("http/seller/approve", vec![7_000]),
        ];
        assert_eq!(all, expected.map(|(tag, times)| (tag.to_owned(), times)));
        assert!(requests.take().is_empty());
    }
}
