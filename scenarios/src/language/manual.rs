//! The manual of the scenario language: written from the same description that the check uses, an example for each key.

use std::fmt::Write as _;

use super::{
    check::expected,
    keys::{Key, Need, SCENARIO, Takes},
    thresholds::{CATALOGUE, Metric, Unit},
};

const HEAD: &str = "# Scenario files

A scenario is a TOML file: which orders arrive, how the services are built, what goes wrong, and what must hold. The same file
runs in both worlds. Its first line may name the schema for your editor (`#:schema ../schema.json`); a key that means nothing is
an error with its line, column and the nearest valid name. The language has versions, and this is version 1: keys are added to a version,
never changed. A file that says another `schema_version`, or names the schema of another version, is refused for that alone.

This page is generated from the description that checks the files; a test runs every example on it.
";

const RECORDING: &str = "A recording has a row for each order. `time` is RFC 3339, counted from the first order, or a duration since the start of the run;
`model_size` is in bytes, 64 MiB at most.

```csv
time,actor,model_size
2026-01-05T08:00:00Z,customer,2400000
2026-01-05T08:00:41Z,api-user,310000
```
";

/// The manual, in Markdown.
fn manual() -> String {
    let mut page = HEAD.to_owned();
    let plain = |key: &&Key| !key.example.is_empty();
    section(&mut page, "The scenario", None, &SCENARIO.iter().filter(plain).collect::<Vec<_>>());
    for key in SCENARIO.iter().filter(|key| !plain(key)) {
        match key.takes {
            Takes::Table(keys) => {
                let title = format!("`[{}]`", key.name);
                section(&mut page, &title, Some(key), &keys.iter().collect::<Vec<_>>());
            }
            Takes::Some(Takes::Kind { tag, always, kinds }) | Takes::Any(Takes::Kind { tag, always, kinds }) => {
                of_kinds(&mut page, key, (tag, always), kinds);
            }
            Takes::Thresholds => metrics(&mut page, key),
            // What means nothing has no chapter.
            _ => {}
        }
    }
    page
}

/// A table: what its keys take, and all of them as a file has them.
fn section(page: &mut String, title: &str, table: Option<&Key>, keys: &[&Key]) {
    let about = table.map(|table| format!("{}\n\n", table.about)).unwrap_or_default();
    let header = table.map(|table| format!("[{}]\n", table.name)).unwrap_or_default();
    let _ = write!(page, "\n## {title}\n\n{about}");
    rows(page, keys);
    let _ = write!(page, "\n```toml\n{header}{}```\n", lines(keys));
}

/// A list of tables whose keys depend on one of them.
fn of_kinds(page: &mut String, list: &Key, (tag, always): (&str, &'static [Key]), kinds: &[(&str, &'static [Key])]) {
    let _ = write!(page, "\n## `[[{}]]`\n\n{} `{tag}` says which.\n", list.name, list.about);
    for (kind, keys) in kinds {
        let keys: Vec<&Key> = always.iter().chain(*keys).collect();
        let _ = write!(page, "\n### `{tag} = \"{kind}\"`\n\n");
        rows(page, &keys);
        if *kind == "replay" {
            let _ = write!(page, "\n{RECORDING}");
        }
        let _ = write!(page, "\n```toml\n[[{}]]\n{tag} = \"{kind}\"\n{}```\n", list.name, lines(&keys));
    }
}

fn rows(page: &mut String, keys: &[&Key]) {
    page.push_str("| key | takes | without it | meaning |\n|---|---|---|---|\n");
    for key in keys.iter().filter(|key| !key.example.is_empty()) {
        let without = match key.need {
            Need::Required => "an error".to_owned(),
            Need::Optional => String::new(),
            Need::Default(text) => format!("`{text}`"),
        };
        let _ = writeln!(page, "| `{}` | {} | {without} | {} |", key.name, expected(key.takes).replace('|', "\\|"), key.about);
    }
}

/// Keys as a file writes them; one that holds a point is quoted.
fn lines(keys: &[&Key]) -> String {
    let written = keys.iter().filter(|key| !key.example.is_empty());
    written
        .map(|key| {
            let quote = if key.name.contains('.') { "\"" } else { "" };
            format!("{quote}{}{quote} = {}\n", key.name, key.example)
        })
        .collect()
}

fn metrics(page: &mut String, table: &Key) {
    let _ = write!(page, "\n## `[{}]`\n\n{}\n\n", table.name, table.about);
    page.push_str("| metric | compares | meaning |\n|---|---|---|\n");
    for metric in CATALOGUE {
        let compares: Vec<String> = metric.aggregations.iter().map(|name| format!("`{name}`")).collect();
        let tag = metric.tag.map(|(tag, values)| format!(" `{tag}` is {}.", values.join(", "))).unwrap_or_default();
        let _ =
            writeln!(page, "| `{}` | {} | {}{tag} |", metric.name, compares.join(", ").replace("`p`", "`p(N)`"), metric.about);
    }
    let _ = write!(page, "\n```toml\n[{}]\n{}```\n", table.name, CATALOGUE.iter().map(threshold).collect::<String>());
}

fn threshold(metric: &Metric) -> String {
    let name = match metric.tag {
        Some((tag, values)) => format!("\"{}{{{tag}:{}}}\"", metric.name, values[values.len() / 2]),
        None => metric.name.to_owned(),
    };
    let expression = match (metric.unit, metric.aggregations.contains(&"rate")) {
        (Unit::Time, _) => "p(95)<21d",
        (_, true) => "rate<=1",
        _ => "count>=0",
    };
    format!("{name} = [\"{expression}\"]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_manual_is_the_one_of_the_keys() {
        expect_test::expect_file!["../../README.md"].assert_eq(&manual());
    }

    #[test]
    fn every_key_has_an_example() {
        fn check(keys: &[Key]) {
            for key in keys {
                match key.takes {
                    Takes::Table(keys) => check(keys),
                    Takes::Some(Takes::Kind { always, kinds, .. }) | Takes::Any(Takes::Kind { always, kinds, .. }) => {
                        check(always);
                        kinds.iter().for_each(|(_, keys)| check(keys));
                    }
                    Takes::Thresholds | Takes::Nothing(_) => {}
                    _ => assert!(!key.example.is_empty(), "{} has no example", key.name),
                }
            }
        }
        check(SCENARIO);
    }
}
