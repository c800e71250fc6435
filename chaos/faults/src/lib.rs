//! What goes wrong: each fault as data, one file and one kebab-case name each.
//!
//! A fault leaves proof. Its [`Effect`]s say which message or order was hit, at which hop; a fault without an effect makes
//! a run *unknown*, never green. [`Definition`] says what a fault is, [`Deed`] how it gets at a world, [`Nemesis`] inflicts it.

pub mod aim;
pub mod deed;
pub mod definition;
pub mod effect;
pub mod fates;
pub mod given;
pub mod nemesis;
pub mod telemetry;

use std::time::Duration;

pub use aim::Aim;
pub use deed::{
    Calculation, Call, CallFault, Change, DatabaseFault, Deed, FilesFault, Habit, Interference, Meddling, Outage, Policy,
    PricingFault, Resource, RollBack,
};
pub use definition::{Definition, Kind, World};
pub use effect::{Effect, What};
pub use fates::{Answer, End, Handover, MessageFate, MessageLog, Outcome};
pub use given::{Given, Value};
pub use nemesis::{Nemesis, NemesisError};
pub use telemetry::{Blur, Telemetry};

/// A fault of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// `<kind>@<n>`: the nth fault of its kind in the scenario, from 1.
    pub name: String,
    /// What goes wrong.
    pub kind: Kind,
    /// When it begins, since the start of the run.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

macro_rules! catalogue {
    ($($file:ident $fault:ident;)+) => {
        $(mod $file;)+
        $(pub use $file::$fault;)+
        /// All kinds, in the order of the hops that they hit.
        pub static CATALOGUE: &[&Definition] = &[$(&$fault),+];
    };
}

catalogue! {
    crash_before_publish CRASH_BEFORE_PUBLISH;
    phantom_publish PHANTOM_PUBLISH;
    publish_lost PUBLISH_LOST;
    confirm_lost CONFIRM_LOST;
    publish_refused PUBLISH_REFUSED;
    binding_removed BINDING_REMOVED;
    broker_kill BROKER_KILL;
    broker_restart BROKER_RESTART;
    broker_alarm BROKER_ALARM;
    queue_overflow QUEUE_OVERFLOW;
    queue_purged QUEUE_PURGED;
    message_expired MESSAGE_EXPIRED;
    message_delayed MESSAGE_DELAYED;
    network_cut NETWORK_CUT;
    consumer_forgotten CONSUMER_FORGOTTEN;
    consumer_timeout CONSUMER_TIMEOUT;
    consumer_kill CONSUMER_KILL;
    service_paused SERVICE_PAUSED;
    cpu_limit CPU_LIMIT;
    crash_before_ack CRASH_BEFORE_ACK;
    ack_lost ACK_LOST;
    poison_message POISON_MESSAGE;
    dead_letters_dropped DEAD_LETTERS_DROPPED;
    database_down DATABASE_DOWN;
    pool_exhausted POOL_EXHAUSTED;
    slow_database SLOW_DATABASE;
    write_conflicts WRITE_CONFLICTS;
    rows_overlooked ROWS_OVERLOOKED;
    table_grown TABLE_GROWN;
    lost_update LOST_UPDATE;
    files_down FILES_DOWN;
    upload_lost UPLOAD_LOST;
    service_unreachable SERVICE_UNREACHABLE;
    answer_lost ANSWER_LOST;
    slow_calls SLOW_CALLS;
    slow_pricing SLOW_PRICING;
    pricing_fails PRICING_FAILS;
    pricing_hangs PRICING_HANGS;
    staff_away STAFF_AWAY;
    newest_first NEWEST_FIRST;
    first_page_only FIRST_PAGE_ONLY;
    notice_lost NOTICE_LOST;
    call_back_lost CALL_BACK_LOST;
    context_dropped CONTEXT_DROPPED;

    head_sampling HEAD_SAMPLING;
    tail_sampling TAIL_SAMPLING;
    exporter_overflow EXPORTER_OVERFLOW;
    tracing_outage TRACING_OUTAGE;
    clock_skew CLOCK_SKEW;
    retention RETENTION;
    service_silent SERVICE_SILENT;
    personal_data PERSONAL_DATA;
}

/// The kind of a name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Definition> {
    CATALOGUE.iter().copied().find(|definition| definition.name == name)
}
