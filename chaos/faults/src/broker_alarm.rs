//! The broker is short of memory or disk: it reads from no connection that publishes.
//!
//! All publishers stand still at once; consumers go on.

use crate::{
    deed::{Change, Deed, Resource},
    definition::{BOTH, Definition},
};

/// The fault.
pub static BROKER_ALARM: Definition = Definition {
    name: "broker-alarm",
    does: "the broker is short of {resource}",
    worlds: BOTH,
    deed: |given| {
        let resource = if given.text("resource") == Some("disk") { Resource::Disk } else { Resource::Memory };
        Deed::Broker(Change::Short(resource))
    },
};
