//! A service tells the other side of a transition and then fails to commit it.
//!
//! Whoever publishes before the commit has said what never came to be. With an outbox the news is part of the transaction and fails
//! with it.

use crate::{
    deed::{Deed, RollBack},
    definition::{BOTH, Definition},
};

/// The fault.
pub static PHANTOM_PUBLISH: Definition = Definition {
    name: "phantom-publish",
    does: "{share} of the transitions are told to the other side and then not committed, those announced with {key}, at most {count}",
    worlds: BOTH,
    deed: |given| {
        let key = given.text("key").map(str::to_owned);
        Deed::RollBack(RollBack { key, share: given.share(), most: given.whole("count") })
    },
};
