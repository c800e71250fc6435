//! What a check leaves of a document: values of the kinds that were asked for, each with its place.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use super::{Rate, problem::Problem};

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

/// A value of a kind that was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Flag(bool),
    Whole(u64),
    Number(f64),
    Time(Duration),
    Rate(Rate),
    List(Vec<Node>),
    Table(Fields),
    Thresholds(Vec<(Node, Vec<Node>)>),
}

/// A table: all of its keys are known, and the required ones are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) span: Range<usize>,
    pub(crate) entries: BTreeMap<&'static str, Node>,
}

impl Fields {
    /// Where a key's value stands; the table itself where the key is absent.
    pub(crate) fn place(&self, key: &str) -> &Range<usize> {
        self.entries.get(key).map_or(&self.span, |node| &node.span)
    }

    pub(crate) fn text(&self, key: &'static str) -> Option<&str> {
        match &self.entries.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        match self.entries.get(key)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn whole(&self, key: &'static str) -> Option<u64> {
        match self.entries.get(key)?.value {
            Value::Whole(number) => Some(number),
            _ => None,
        }
    }

    /// A whole number whose range, by its description, fits 32 bits.
    pub(crate) fn small(&self, key: &'static str) -> Option<u32> {
        self.whole(key).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    pub(crate) fn number(&self, key: &'static str) -> Option<f64> {
        match self.entries.get(key)?.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    pub(crate) fn time(&self, key: &'static str) -> Option<Duration> {
        match self.entries.get(key)?.value {
            Value::Time(time) => Some(time),
            _ => None,
        }
    }

    pub(crate) fn rate(&self, key: &'static str) -> Option<Rate> {
        match self.entries.get(key)?.value {
            Value::Rate(rate) => Some(rate),
            _ => None,
        }
    }

    /// The values of a list; none where the key is absent.
    pub(crate) fn list(&self, key: &'static str) -> &[Node] {
        match self.entries.get(key).map(|node| &node.value) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// The tables of a list.
    pub(crate) fn tables(&self, key: &'static str) -> impl Iterator<Item = &Self> {
        self.list(key).iter().filter_map(|node| match &node.value {
            Value::Table(fields) => Some(fields),
            _ => None,
        })
    }

    pub(crate) fn table(&self, key: &'static str) -> Option<&Self> {
        match &self.entries.get(key)?.value {
            Value::Table(fields) => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn thresholds(&self, key: &'static str) -> &[(Node, Vec<Node>)] {
        match self.entries.get(key).map(|node| &node.value) {
            Some(Value::Thresholds(thresholds)) => thresholds,
            _ => &[],
        }
    }

    /// A value that must be there.
    pub(crate) fn need<T>(&self, key: &str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| Problem::new(&self.span, format!("`{key}` is missing"), format!("a value for `{key}`")))
    }
}
