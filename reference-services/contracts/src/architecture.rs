//! The architecture as data: two presets, and toggles that each stand alone.

use serde::{Deserialize, Serialize};

/// A named set of toggles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// What the company has: faults of design included.
    AsIs,
    /// What its architects propose.
    ToBe,
}

/// When the price of an order is calculated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pricing {
    /// Inside the message handler: the consumer does nothing else meanwhile.
    Blocking,
    /// As a job: the handler writes a row, a worker calculates, the end is announced.
    Asynchronous,
}

/// Which order a manager or an operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Picking {
    /// The freshest: what the list shows first.
    NewestFirst,
    /// The one that has waited longest.
    OldestFirst,
}

/// How the reference services are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Architecture {
    /// The set of toggles it started from.
    pub preset: Preset,
    /// Publishers wait until the broker has taken responsibility.
    pub publisher_confirms: bool,
    /// Events are rows of the transaction that caused them, published until the broker has them.
    pub outbox: bool,
    /// Consumers acknowledge after the work; else before it.
    pub ack_after_work: bool,
    /// Consumers recognise an event they have handled.
    pub idempotent_consumers: bool,
    /// Whoever changes an order's row does so only in the version that they have read.
    pub version_check: bool,
    /// Whoever will change an order's row holds its lock from reading it on.
    pub row_lock: bool,
    /// What a queue gives up goes to a queue of its own, where somebody may look at it; else it is dropped.
    pub dead_letters: bool,
    /// Consumers of the factory's queue, and workers of price jobs.
    pub mes_consumers: u16,
    /// The order lists have an index to walk; else each list looks at every order there is.
    pub list_index: bool,
    /// When prices are calculated.
    pub pricing: Pricing,
    /// Which order people take first.
    pub picking: Picking,
    /// Customers are told the price, and a seller approves it once they have agreed; else nobody is asked.
    pub notices: bool,
}

impl Architecture {
    /// The same toggles on another preset, where both presets leave them open: what a scenario adds to the company's
    /// architecture it adds to the proposed one too.
    #[must_use]
    pub fn on(self, preset: Preset) -> Self {
        let other = preset.architecture();
        if preset == self.preset { self } else { Self { dead_letters: self.dead_letters, notices: self.notices, ..other } }
    }
}

impl Preset {
    /// Both presets.
    pub const ALL: [Self; 2] = [Self::AsIs, Self::ToBe];

    /// Its name in scenario files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsIs => "as-is",
            Self::ToBe => "to-be",
        }
    }

    /// Its toggles.
    #[must_use]
    pub const fn architecture(self) -> Architecture {
        match self {
            Self::AsIs => Architecture {
                preset: self,
                publisher_confirms: false,
                outbox: false,
                ack_after_work: false,
                idempotent_consumers: false,
                version_check: false,
                row_lock: false,
                dead_letters: false,
                mes_consumers: 1,
                list_index: false,
                pricing: Pricing::Blocking,
                picking: Picking::NewestFirst,
                notices: false,
            },
            Self::ToBe => Architecture {
                preset: self,
                publisher_confirms: true,
                outbox: true,
                ack_after_work: true,
                idempotent_consumers: true,
                version_check: true,
                row_lock: true,
                dead_letters: false,
                mes_consumers: 8,
                list_index: true,
                pricing: Pricing::Asynchronous,
                picking: Picking::OldestFirst,
                notices: false,
            },
        }
    }

    /// The faults, by kind, under which the preset promises to lose no order. As-is promises hardly anything: even a broker that
    /// restarts in good order turns away what is published meanwhile, and a publisher without an outbox tries once. To-be cannot
    /// promise it where a confirmed message, or an upload that was said to be there, is thrown away, nor where customers give up.
    #[must_use]
    pub const fn envelope(self) -> &'static [&'static str] {
        match self {
            Self::AsIs => &["table-grown", "answer-lost", "staff-away", "newest-first", "first-page-only", "context-dropped"],
            Self::ToBe => &[
                "crash-before-publish",
                "phantom-publish",
                "publish-lost",
                "confirm-lost",
                "publish-refused",
                "binding-removed",
                "broker-kill",
                "broker-restart",
                "broker-alarm",
                "message-delayed",
                "network-cut",
                "consumer-forgotten",
                "consumer-timeout",
                "consumer-kill",
                "service-paused",
                "cpu-limit",
                "crash-before-ack",
                "ack-lost",
                "database-down",
                "slow-database",
                "write-conflicts",
                "table-grown",
                "lost-update",
                "service-unreachable",
                "answer-lost",
                "slow-calls",
                "slow-pricing",
                "pricing-fails",
                "pricing-hangs",
                "staff-away",
                "newest-first",
                "first-page-only",
                "context-dropped",
            ],
        }
    }
}
