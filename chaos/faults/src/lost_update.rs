//! Customers send another model and do not wait until it is stored: they send the order off meanwhile.
//!
//! Whoever has read the order's row before that writes it whole after it. What others have written in between is gone, unless the
//! architecture forbids it.

use crate::{
    deed::{Deed, Habit},
    definition::{Definition, SIMULATED},
};

/// The fault.
pub static LOST_UPDATE: Definition = Definition {
    name: "lost-update",
    does: "{share} of the customers send the order off while another model of theirs is stored, which takes {takes}",
    worlds: SIMULATED,
    deed: |given| {
        let how = Habit::Corrects { share: given.share(), takes: given.span("takes") };
        Deed::People { pool: "customer".to_owned(), how }
    },
};
