//! What a scenario says of a fault, beside its kind and its time.

use std::time::Duration;

/// A value of a fault's key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A name: a service, a queue, a routing key.
    Text(String),
    /// A number: a share from 0 to 1, a factor.
    Number(f64),
    /// A whole number.
    Whole(u64),
    /// A time.
    Time(Duration),
}

/// The keys of a fault with their values, in the order of its description.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given(Vec<(&'static str, Value)>);

impl Given {
    /// Sets a key.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some(slot) => slot.1 = value,
            None => self.0.push((key, value)),
        }
        self
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    /// Every time becomes another one: a scenario that is shortened, or told in its own time again.
    #[must_use]
    pub fn with_times(mut self, change: impl Fn(Duration) -> Duration) -> Self {
        for (_, value) in &mut self.0 {
            if let Value::Time(time) = value {
                *time = change(*time);
            }
        }
        self
    }

    /// A name; `None` where the scenario gives none.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number; `None` where the scenario gives none.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number; `None` where the scenario gives none.
    #[must_use]
    pub fn whole(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// A time; `None` where the scenario gives none.
    #[must_use]
    pub fn time(&self, key: &str) -> Option<Duration> {
        match self.get(key)? {
            Value::Time(time) => Some(*time),
            _ => None,
        }
    }

    /// A name that the fault's description requires, or gives a default.
    pub(crate) fn name(&self, key: &str) -> String {
        self.text(key).unwrap_or_default().to_owned()
    }

    /// A share from 0 to 1; all of it where nothing is said.
    pub(crate) fn share(&self) -> f64 {
        self.number("share").unwrap_or(1.0)
    }

    /// A time that the fault's description requires, or gives a default.
    pub(crate) fn span(&self, key: &str) -> Duration {
        self.time(key).unwrap_or_default()
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<Duration> for Value {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}
