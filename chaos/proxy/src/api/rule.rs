//! A rule: whom a fault meddles with, and how.

use serde::{Deserialize, Serialize};

use super::How;

/// A rule. One for each fault, in force from its `PUT` to its `DELETE`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is done.
    pub how: How,
    /// The listener; without it all of those that it can be done at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Whose connections. At an AMQP listener the name that the client gives its connection: all of it
    /// (`crm-api-1.2`), or without incarnation (`crm-api-1`) and instance (`crm-api`). Elsewhere the client's IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Messages with this routing key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Messages to this exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// Messages with this header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderIs>,
    /// Only the so-manyth (from 1) of the messages that all of this is true of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Which share, 0 to 1: of the events, each drawn once, or of the connections.
    #[serde(default = "all")]
    pub share: f64,
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
}

/// A header and what it says, a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderIs {
    /// Its name.
    pub name: String,
    /// What it says.
    pub value: String,
}

/// Why a rule is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Invalid {
    /// The share.
    #[error("share is {0}, and has to be from 0 to 1")]
    Share(String),
    /// Zero where it makes no sense.
    #[error("{0} has to be at least 1")]
    Zero(&'static str),
    /// More than a proxy holds back.
    #[error("{0} is longer than an hour")]
    Long(&'static str),
    /// A selection that what is done cannot use.
    #[error("{0} selects nothing of what this is done to")]
    Selects(&'static str),
    /// A listener that is not there, or speaks another protocol.
    #[error("no listener called {0} can do this")]
    Listener(String),
}

const fn all() -> f64 {
    1.0
}

impl Rule {
    /// A rule for everybody.
    #[must_use]
    pub const fn new(how: How) -> Self {
        let (on, client, key, exchange, header, nth, most) = (None, None, None, None, None, None, None);
        Self { how, on, client, key, exchange, header, nth, share: 1.0, most }
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check(&self) -> Result<(), Invalid> {
        self.how.check()?;
        if !(0.0..=1.0).contains(&self.share) {
            return Err(Invalid::Share(self.share.to_string()));
        }
        if self.nth == Some(0) {
            return Err(Invalid::Zero("nth"));
        }
        let messages = self.how.is_to_messages();
        let selections = [
            ("key", self.key.is_some() && !messages),
            ("exchange", self.exchange.is_some() && !messages),
            ("nth", self.nth.is_some() && !messages),
            ("header", self.header.is_some() && (!messages || self.how.is_to_answers())),
        ];
        selections.into_iter().find(|(_, wrong)| *wrong).map_or(Ok(()), |(name, _)| Err(Invalid::Selects(name)))
    }

    /// Whether it is about this client.
    pub(crate) fn is_about(&self, client: &str) -> bool {
        let Some(named) = &self.client else { return true };
        let instance = client.rsplit_once('.').map_or(client, |(instance, _)| instance);
        let service = instance.rsplit_once('-').map_or(instance, |(service, _)| service);
        [client, instance, service].contains(&&**named)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Way, *};

    #[test]
    fn a_rule_reads_as_it_is_written() {
        let text = r#"{"how":{"do":"delay","ms":500},"key":"order.submitted","share":0.5,"most":3}"#;
        let rule: Rule = serde_json::from_str(text).unwrap();
        let expected =
            Rule { key: Some("order.submitted".into()), share: 0.5, most: Some(3), ..Rule::new(How::Delay { ms: 500 }) };
        assert_eq!(rule, expected);
        assert_eq!(serde_json::from_str::<Rule>(&serde_json::to_string(&rule).unwrap()).unwrap(), rule);
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        let rule = |how| Rule::new(how);
        assert_eq!(Rule { share: 1.5, ..rule(How::Lose) }.check(), Err(Invalid::Share("1.5".into())));
        assert!(Rule { share: f64::NAN, ..rule(How::Lose) }.check().is_err());
        assert_eq!(Rule { nth: Some(0), ..rule(How::Lose) }.check(), Err(Invalid::Zero("nth")));
        assert_eq!(Rule { key: Some("k".into()), ..rule(How::Reset) }.check(), Err(Invalid::Selects("key")));
        assert!(rule(How::Throttle { bytes_per_s: 0, way: Way::Both }).check().is_err());
        assert!(rule(How::Delay { ms: u64::MAX }).check().is_err());
        for text in [r#"{"how":{"do":"delay"}}"#, r#"{"how":{"do":"explode"}}"#, r#"{"how":{"do":"lose"},"sharee":1}"#] {
            assert!(serde_json::from_str::<Rule>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_client_is_called_by_its_whole_name_or_its_beginning() {
        let of = |client: &str| Rule { client: Some(client.into()), ..Rule::new(How::Close) };
        for name in ["crm-api-1.2", "crm-api-1", "crm-api"] {
            assert!(of(name).is_about("crm-api-1.2"), "{name}");
        }
        for name in ["crm", "crm-api-1.1", "crm-api-2", ""] {
            assert!(!of(name).is_about("crm-api-1.2"), "{name}");
        }
    }
}
