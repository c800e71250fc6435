//! What the proxy is told and what it tells: JSON, over its control address. See [`crate::control`] for the paths.

mod how;
mod record;
mod rule;

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

pub use self::{
    how::{How, Way},
    record::{Effect, Entry, Line, Names, Page},
    rule::{HeaderIs, Invalid, Rule},
};

/// How a proxy is set up: `LOUPE_PROXY`, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The run's seed: what is hit is drawn from it.
    pub seed: u64,
    /// The header that names an event over all attempts to publish it; where a message has none, its message id does.
    pub event_header: String,
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// The address that it listens at.
    #[serde(default = "everywhere")]
    pub host: IpAddr,
    /// The port of its control address.
    #[serde(default = "control")]
    pub control: u16,
    /// How many lines of the log, and how many effects, it keeps for readers; older ones are dropped, and counted.
    #[serde(default = "keeps")]
    pub keeps: usize,
}

/// One address that is passed on to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    /// What rules call it.
    pub name: String,
    /// What is spoken there.
    pub kind: Kind,
    /// The port; 0: any that is free.
    pub listen: u16,
    /// `host:port`. Resolved again for each connection: what is started again may be elsewhere.
    pub upstream: String,
}

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// AMQP 0-9-1: frames are read.
    Amqp,
    /// Anything: bytes are passed on.
    Tcp,
}

const fn everywhere() -> IpAddr {
    IpAddr::V4(Ipv4Addr::UNSPECIFIED)
}

const fn control() -> u16 {
    8474
}

const fn keeps() -> usize {
    1 << 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default_and_what_is_unknown_is_refused() {
        let text = r#"{"seed":7,"event_header":"x-event-id",
            "listeners":[{"name":"rabbitmq","kind":"amqp","listen":5672,"upstream":"rabbitmq:5672"}]}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!((config.control, config.keeps, config.host.is_unspecified()), (8474, 65_536, true));
        assert!(serde_json::from_str::<Config>(&text.replace("seed", "sed")).is_err());
    }
}
