//! Holds a document against the description of the keys.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    Rate,
    fields::{Fields, Node, Value},
    keys::{Key, Need, Takes},
    problem::{Problem, nearest, one_of},
    units::{self, Misread},
    version,
};

/// Parses and checks a document. Of several problems the first in the document counts; what is missing comes last, as it
/// is often there under a name with a slip. Another version of the language comes before all: it may mean all else.
pub(crate) fn document(text: &str, keys: &'static [Key]) -> Result<Fields, Problem> {
    let table = DeTable::parse(text).map_err(|error| syntax(&error, text))?;
    let mut check = Check { text, problems: Vec::new() };
    let fields = check.table(table.get_ref(), 0..0, keys, None);
    let first = check.problems.into_iter().min_by_key(|(rank, problem)| (*rank, problem.span.start));
    first.map_or(Ok(fields), |(_, problem)| Err(problem))
}

/// The parser's own error, in this language's words.
fn syntax(error: &toml::de::Error, text: &str) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().replace('\n', ", ");
    if message == "duplicate key" {
        let key = text.get(span.clone()).unwrap_or_default();
        return Problem::new(&span, format!("`{key}` stands here a second time"), "each key once");
    }
    let (what, expected) = message.split_once(", expected ").unwrap_or((&message, "TOML"));
    Problem::new(&span, format!("this is no TOML: {what}"), expected)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Version,
    Wrong,
    Missing,
}

struct Check<'a> {
    text: &'a str,
    problems: Vec<(Rank, Problem)>,
}

impl Check<'_> {
    fn wrong(&mut self, problem: Problem) {
        self.problems.push((Rank::Wrong, problem));
    }

    fn missing(&mut self, problem: Problem) {
        self.problems.push((Rank::Missing, problem));
    }

    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, keys: &'static [Key], tag: Option<Tag>) -> Fields {
        let mut all: Vec<&'static Key> = keys.iter().collect();
        let mut entries = BTreeMap::new();
        if let Some(tag) = tag {
            all.extend(tag.keys);
            entries.insert(tag.name, tag.node);
        }
        for (name, value) in table {
            if entries.contains_key(name.get_ref().as_ref()) {
                continue;
            }
            match all.iter().find(|key| key.name == name.get_ref()) {
                Some(Key { takes: Takes::Nothing(why), name: key, .. }) => {
                    let valid = offered(&all);
                    self.wrong(Problem::new(&name.span(), format!("`{key}` {why}"), one_of(valid)));
                }
                Some(key) => {
                    if let Some(node) = self.value(value, key.takes, key.name) {
                        entries.insert(key.name, node);
                    }
                }
                None => self.unknown(name, &all, entries.keys().copied()),
            }
        }
        for key in all {
            if !table.contains_key(key.name) {
                self.absent(key, &span, &mut entries);
            }
        }
        Fields { span, entries }
    }

    fn unknown<'k>(&mut self, name: &Spanned<Cow<'_, str>>, all: &[&'static Key], tags: impl Iterator<Item = &'k str>) {
        let valid: Vec<&str> = offered(all).collect();
        let tags: Vec<_> = tags.filter(|tag| !valid.contains(tag)).collect();
        let hint = nearest(name.get_ref(), valid.iter().copied());
        let expected = one_of(tags.into_iter().chain(valid.iter().copied()));
        self.wrong(Problem::new(&name.span(), format!("unknown key `{}`", name.get_ref()), expected).hint(hint));
    }

    fn absent(&mut self, key: &'static Key, span: &Range<usize>, entries: &mut BTreeMap<&'static str, Node>) {
        match key.need {
            Need::Optional => {}
            Need::Required => {
                let expected = expected(key.takes);
                self.missing(Problem::new(span, format!("`{}` is missing", key.name), expected));
            }
            Need::Default(text) => {
                let value = match key.takes {
                    Takes::Table(keys) => Some(Value::Table(self.table(&DeTable::new(), span.clone(), keys, None))),
                    takes => default(text, takes),
                };
                if let Some(value) = value {
                    entries.insert(key.name, Node { span: span.clone(), value });
                }
            }
        }
    }

    fn value(&mut self, node: &Spanned<DeValue<'_>>, takes: Takes, key: &str) -> Option<Node> {
        let span = node.span();
        let value = match (takes, node.get_ref()) {
            (Takes::Table(keys), DeValue::Table(table)) => Ok(Value::Table(self.table(table, span.clone(), keys, None))),
            (Takes::Kind { tag, always, kinds }, DeValue::Table(table)) => {
                return self.kind(table, &span, tag, always, kinds);
            }
            (Takes::Any(of) | Takes::Some(of), DeValue::Array(array)) => {
                if array.is_empty() && matches!(takes, Takes::Some(_)) {
                    Err(Problem::new(&span, format!("`{key}` is empty"), expected(takes)))
                } else {
                    Ok(Value::List(self.list(array, *of, key)))
                }
            }
            (Takes::Thresholds, DeValue::Table(table)) => Ok(Value::Thresholds(self.thresholds(table))),
            (takes, value) => scalar(value, takes, &span, key, self.text),
        };
        match value {
            Ok(value) => Some(Node { span, value }),
            Err(problem) => {
                let rank = if let Takes::Version = takes { Rank::Version } else { Rank::Wrong };
                self.problems.push((rank, problem));
                None
            }
        }
    }

    fn list(&mut self, array: &DeArray<'_>, of: Takes, key: &str) -> Vec<Node> {
        let mut list: Vec<Node> = Vec::new();
        for node in array {
            let Some(node) = self.value(node, of, key) else { continue };
            if let Value::Text(text) = &node.value
                && list.iter().any(|other| matches!(&other.value, Value::Text(other) if other == text))
            {
                self.wrong(Problem::new(&node.span, format!("`{text}` stands twice in `{key}`"), "each name once"));
            }
            list.push(node);
        }
        list
    }

    fn kind(
        &mut self,
        table: &DeTable<'_>,
        span: &Range<usize>,
        tag: &'static str,
        always: &'static [Key],
        kinds: &'static [(&'static str, &'static [Key])],
    ) -> Option<Node> {
        let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
        let Some(node) = table.get(tag) else {
            self.missing(Problem::new(span, format!("`{tag}` is missing"), one_of(names)));
            return None;
        };
        let chosen = node.get_ref().as_str();
        let Some((name, keys)) = kinds.iter().find(|(name, _)| Some(*name) == chosen) else {
            let found = found(node.get_ref(), &node.span(), self.text);
            let hint = chosen.and_then(|chosen| nearest(chosen, names.iter().copied()));
            self.wrong(Problem::new(&node.span(), format!("`{tag}` is {found}"), one_of(names)).hint(hint));
            return None;
        };
        let node = Node { span: node.span(), value: Value::Text((*name).to_owned()) };
        let fields = self.table(table, span.clone(), always, Some(Tag { name: tag, node, keys }));
        Some(Node { span: span.clone(), value: Value::Table(fields) })
    }

    /// Metrics and expressions as texts: their own grammar comes later.
    fn thresholds(&mut self, table: &DeTable<'_>) -> Vec<(Node, Vec<Node>)> {
        let mut thresholds = Vec::new();
        for (name, value) in table {
            let metric = Node { span: name.span(), value: Value::Text(name.get_ref().to_string()) };
            if let Some(Node { value: Value::List(list), .. }) = self.value(value, Takes::Some(&Takes::Text), name.get_ref()) {
                thresholds.push((metric, list));
            }
        }
        thresholds.sort_by_key(|(metric, _)| metric.span.start);
        thresholds
    }
}

/// The key that decides which others there are.
struct Tag {
    name: &'static str,
    node: Node,
    keys: &'static [Key],
}

fn offered<'k>(keys: &'k [&'static Key]) -> impl Iterator<Item = &'static str> + 'k {
    keys.iter().filter(|key| !matches!(key.takes, Takes::Nothing(_))).map(|key| key.name)
}

fn scalar(value: &DeValue<'_>, takes: Takes, span: &Range<usize>, key: &str, text: &str) -> Result<Value, Problem> {
    let wrong = |what: String| Problem::new(span, what, expected(takes));
    let misread = |misread: Misread| wrong(format!("`{key}`: {}", misread.what)).hint(misread.nearest);
    match (takes, value) {
        (Takes::Text, DeValue::String(text)) if !text.trim().is_empty() => Ok(Value::Text(text.to_string())),
        (Takes::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (Takes::Whole(least, most), DeValue::Integer(number)) => i128::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| (least..=most).contains(number))
            .map(Value::Whole)
            .ok_or_else(|| wrong(format!("`{key}` is `{}`", &text[span.clone()]))),
        (Takes::Version, DeValue::Integer(number)) if number.as_str() == version::VERSION.to_string() => {
            Ok(Value::Whole(version::VERSION))
        }
        (Takes::Number(least, most), DeValue::Integer(_) | DeValue::Float(_)) => decimal(value)
            .filter(|number| (least..=most).contains(number))
            .map(Value::Number)
            .ok_or_else(|| wrong(format!("`{key}` is `{}`", &text[span.clone()]))),
        (Takes::Time | Takes::Moment, DeValue::String(text)) => {
            let time = units::duration(text).map_err(misread)?;
            let senseless = time.is_zero() && matches!(takes, Takes::Time);
            if senseless { Err(wrong(format!("`{key}` is zero"))) } else { Ok(Value::Time(time)) }
        }
        (Takes::Rate | Takes::RateOrNone, DeValue::String(text)) => {
            let rate = units::rate(text).map_err(misread)?;
            let senseless = rate <= Rate(0.0) && matches!(takes, Takes::Rate);
            if senseless { Err(wrong(format!("`{key}` is zero: nobody ever comes"))) } else { Ok(Value::Rate(rate)) }
        }
        (Takes::Name(names), DeValue::String(name)) => {
            let known = names.contains(&name.as_ref()).then(|| Value::Text(name.to_string()));
            known.ok_or_else(|| wrong(format!("`{key}` is \"{name}\"")).hint(nearest(name, names.iter().copied())))
        }
        (takes, value) => {
            let hint = whole(value).and_then(|number| match takes {
                Takes::Time | Takes::Moment => Some(format!("\"{number}s\"")),
                Takes::Rate | Takes::RateOrNone => Some(format!("\"{number}/h\"")),
                _ => None,
            });
            Err(wrong(format!("`{key}` is {}", found(value, span, text))).hint(hint))
        }
    }
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    value.as_integer().and_then(|number| number.as_str().parse().ok())
}

fn decimal(value: &DeValue<'_>) -> Option<f64> {
    let text = value.as_float().map(toml::de::DeFloat::as_str).or_else(|| value.as_integer().map(toml::de::DeInteger::as_str))?;
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// What stands there, in words.
fn found(value: &DeValue<'_>, span: &Range<usize>, text: &str) -> String {
    match value {
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::String(text) => format!("\"{}\"", text.lines().next().unwrap_or_default()),
        _ => text.get(span.clone()).map_or_else(|| value.type_str().to_owned(), |text| format!("`{text}`")),
    }
}

/// What a key takes, in words.
pub(crate) fn expected(takes: Takes) -> String {
    match takes {
        Takes::Text => "a text".to_owned(),
        Takes::Flag => "`true` or `false`".to_owned(),
        Takes::Whole(least, most) if most > u64::from(u32::MAX) => format!("a whole number from {least}"),
        Takes::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Takes::Number(least, most) => format!("a number from {least} to {most}"),
        Takes::Version => format!("`{}`, the version of the scenario language that this Loupe reads", version::VERSION),
        Takes::Time => format!("{}, more than 0", units::DURATION),
        Takes::Moment => units::DURATION.to_owned(),
        Takes::Rate => format!("{}, more than 0", units::RATE),
        Takes::RateOrNone => units::RATE.to_owned(),
        Takes::Name(names) => one_of(names.iter().copied()),
        Takes::Some(of) => format!("a list with at least one entry, each {}", expected(*of)),
        Takes::Any(of) => format!("a list, each {}", expected(*of)),
        Takes::Table(keys) => {
            format!(
                "a table with {}",
                one_of(keys.iter().filter(|key| !matches!(key.takes, Takes::Nothing(_))).map(|key| key.name))
            )
        }
        Takes::Kind { tag, kinds, .. } => format!("a table whose `{tag}` is {}", one_of(kinds.iter().map(|(name, _)| *name))),
        Takes::Thresholds => "a table of metrics, each with a list of expressions like \"rate==1\"".to_owned(),
        Takes::Nothing(_) => "nothing".to_owned(),
    }
}

/// The value of a default: it is written as in a file.
fn default(text: &str, takes: Takes) -> Option<Value> {
    match takes {
        Takes::Time | Takes::Moment => units::duration(text).ok().map(Value::Time),
        Takes::Rate | Takes::RateOrNone => units::rate(text).ok().map(Value::Rate),
        Takes::Whole(..) => text.parse().ok().map(Value::Whole),
        Takes::Number(..) => text.parse().ok().map(Value::Number),
        Takes::Flag => text.parse().ok().map(Value::Flag),
        _ => Some(Value::Text(text.to_owned())),
    }
}
