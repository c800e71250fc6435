//! What can be done to a message, or to a connection.

use serde::{Deserialize, Serialize};

use super::{Invalid, Kind};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Both.
    #[default]
    Both,
    /// From the client.
    Up,
    /// To the client.
    Down,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum How {
    /// A published message is dropped, and the connection of its publisher breaks.
    LoseOnTheWire,
    /// A published message is dropped, and nothing else: it is never confirmed, all others are.
    Lose,
    /// A published message arrives twice, and is confirmed once.
    Duplicate,
    /// A published message arrives so much later. Others overtake it.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// A published message arrives after the next one of its channel; after a while also when there is none.
    Reorder {
        /// The while, milliseconds.
        within_ms: u64,
    },
    /// A published message arrives, and its publisher's connection breaks instead of the confirm.
    LoseConfirm,
    /// A consumer's answer (ack, nack or reject) is dropped, and its connection breaks.
    LoseAck,
    /// A published message arrives with a payload that is no event.
    Corrupt,
    /// A published message arrives without a header.
    StripHeader {
        /// Its name.
        header: String,
    },
    /// A published message arrives with a header that says something else.
    CorruptHeader {
        /// Its name.
        header: String,
        /// What it says.
        value: String,
    },
    /// A published message is dropped, and nothing comes through on its connection any more: until somebody kills its publisher.
    FreezePublish,
    /// A consumer's answer is dropped, and nothing comes through on its connection any more: until somebody kills the consumer.
    FreezeAck,
    /// Connections are closed: those that are there.
    Close,
    /// Channels are closed: those that are there. Both ends are told (406).
    CloseChannels,
    /// Nothing comes through and neither end is told; as a TCP connection does, it holds what is sent until that is over.
    HalfOpen,
    /// No connection comes about.
    Refuse,
    /// Connections are reset: those that are there, and new ones.
    Reset,
    /// A request arrives, its answer is dropped, and its connection is reset.
    LoseAnswers,
    /// So many bytes come through in a second, on each connection.
    Throttle {
        /// How many.
        bytes_per_s: u64,
        /// Which way.
        #[serde(default)]
        way: Way,
    },
    /// Everything takes so much longer.
    Latency {
        /// Milliseconds.
        ms: u64,
        /// Which way.
        #[serde(default)]
        way: Way,
    },
}

const HOUR_MS: u64 = 3_600_000;

impl How {
    /// What it is done to.
    pub(crate) const fn is_to_messages(&self) -> bool {
        !matches!(
            self,
            Self::Close
                | Self::CloseChannels
                | Self::HalfOpen
                | Self::Refuse
                | Self::Reset
                | Self::LoseAnswers
                | Self::Throttle { .. }
                | Self::Latency { .. }
        )
    }

    /// Whether it is done to a consumer's answer.
    pub(crate) const fn is_to_answers(&self) -> bool {
        matches!(self, Self::LoseAck | Self::FreezeAck)
    }

    /// Whether it changes headers, and keeps nothing else from happening to the message.
    pub(crate) const fn is_to_headers(&self) -> bool {
        matches!(self, Self::StripHeader { .. } | Self::CorruptHeader { .. })
    }

    /// Whether it can be done where this is spoken.
    pub(crate) const fn fits(&self, kind: Kind) -> bool {
        match kind {
            Kind::Amqp => !matches!(self, Self::LoseAnswers),
            Kind::Tcp => !self.is_to_messages() && !matches!(self, Self::CloseChannels),
        }
    }

    /// Its name in effects: where the simulated world does the same, the same.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LoseOnTheWire => "lost-on-the-wire",
            Self::Lose => "lost-silently",
            Self::Duplicate => "duplicated",
            Self::Delay { .. } => "delayed",
            Self::Reorder { .. } => "reordered",
            Self::LoseConfirm => "confirm-lost",
            Self::LoseAck => "ack-lost",
            Self::Corrupt => "corrupted",
            Self::StripHeader { header } if header == "traceparent" => "context-stripped",
            Self::StripHeader { .. } => "header-stripped",
            Self::CorruptHeader { .. } => "header-corrupted",
            Self::FreezePublish => "publisher-frozen",
            Self::FreezeAck => "consumer-frozen",
            Self::Close => "connection-closed",
            Self::CloseChannels => "channel-closed",
            Self::HalfOpen => "half-open",
            Self::Refuse => "refused",
            Self::Reset => "reset",
            Self::LoseAnswers => "answer-lost",
            Self::Throttle { .. } => "throttled",
            Self::Latency { .. } => "slowed",
        }
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Throttle { bytes_per_s: 0, .. } => Err(Invalid::Zero("bytes_per_s")),
            Self::Delay { ms } | Self::Latency { ms, .. } if *ms > HOUR_MS => Err(Invalid::Long("ms")),
            Self::Reorder { within_ms } if *within_ms > HOUR_MS => Err(Invalid::Long("within_ms")),
            _ => Ok(()),
        }
    }
}
