//! A kind of fault: its name, what it does, and who can inflict it.

use std::{fmt, time::Duration};

use crate::{
    deed::Deed,
    given::{Given, Value},
};

/// A kind of fault. Its name is the scenario key, the row in the docs and the argument of `explain`.
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one clause; `{key}` stands for the value of a key.
    pub does: &'static str,
    /// The worlds that can inflict it.
    pub worlds: &'static [World],
    /// What it does to a world.
    pub deed: fn(&Given) -> Deed,
}

/// Where a fault can be inflicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// One process in virtual time.
    Simulated,
    /// The real stack.
    Containers,
}

impl World {
    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Containers => "containers",
        }
    }
}

/// Both worlds.
pub(crate) const BOTH: &[World] = &[World::Simulated, World::Containers];
/// The simulated world alone.
pub(crate) const SIMULATED: &[World] = &[World::Simulated];

impl Definition {
    /// The kind with all that a scenario says of it.
    #[must_use]
    pub const fn given(&'static self, given: Given) -> Kind {
        Kind { definition: self, given }
    }

    /// The kind of which a scenario says nothing.
    #[must_use]
    pub fn plain(&'static self) -> Kind {
        self.given(Given::default())
    }

    /// The kind with one key.
    #[must_use]
    pub fn with(&'static self, key: &'static str, value: impl Into<Value>) -> Kind {
        self.plain().with(key, value)
    }
}

impl PartialEq for Definition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What goes wrong: a kind, and what a scenario says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The kind.
    pub definition: &'static Definition,
    /// Its keys.
    pub given: Given,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Sets a key.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.given = self.given.with(key, value);
        self
    }

    /// What it does to a world.
    #[must_use]
    pub fn deed(&self) -> Deed {
        (self.definition.deed)(&self.given)
    }

    /// Whether a world can inflict it.
    #[must_use]
    pub fn can(&self, world: World) -> bool {
        self.definition.worlds.contains(&world)
    }

    /// Of a telemetry fault: the share of bad orders that it may leave unknown.
    #[must_use]
    pub fn unknown_at_most(&self) -> Option<f64> {
        match self.deed() {
            Deed::Telemetry(blur) => Some(blur.unknown_at_most),
            _ => None,
        }
    }

    /// Every time becomes another one.
    #[must_use]
    pub fn with_times(mut self, change: impl Fn(Duration) -> Duration) -> Self {
        self.given = self.given.with_times(change);
        self
    }

    /// What it does, in one clause. What it says nothing of is left out, with the words that belong to it, up to the next comma.
    #[must_use]
    pub fn says(&self, time: impl Fn(Duration) -> String) -> String {
        let clauses = self.definition.does.split(", ").filter_map(|clause| self.clause(clause, &time));
        clauses.collect::<Vec<_>>().join(", ")
    }

    fn clause(&self, clause: &str, time: &impl Fn(Duration) -> String) -> Option<String> {
        let mut said = String::new();
        let mut rest = clause;
        while let Some((before, (key, after))) =
            rest.split_once('{').and_then(|(before, key)| Some((before, key.split_once('}')?)))
        {
            let (_, value) = self.given.iter().find(|(known, _)| *known == key)?;
            said += before;
            said += &match value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => format!("{} %", (number * 1e4).round() / 100.0),
                Value::Whole(number) => number.to_string(),
                Value::Time(duration) => time(*duration),
            };
            rest = after;
        }
        Some(said + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CATALOGUE, CONSUMER_KILL, SLOW_PRICING};

    #[test]
    fn what_a_fault_does_names_what_the_scenario_says() {
        let seconds = |time: Duration| format!("{} s", time.as_secs());
        let slow = SLOW_PRICING.with("share", 0.125).with("takes", Duration::from_secs(60));
        assert_eq!(slow.says(seconds), "12.5 % of the calculations begun meanwhile take 60 s");
        assert_eq!(CONSUMER_KILL.with("service", "mes-api").says(seconds), "mes-api is killed and started again");
    }

    #[test]
    fn each_name_stands_for_one_fault() {
        for (index, definition) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE[..index].iter().all(|other| *other != *definition), "{}", definition.name);
            assert!(!definition.worlds.is_empty(), "{}", definition.name);
        }
    }
}
