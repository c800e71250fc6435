//! The JSON Schema of a scenario file, for editors: written from the same description that the check uses.

use serde_json::{Map, Value, json};

use super::{
    keys::{Key, Need, SCENARIO, Takes},
    thresholds::{CATALOGUE, Metric, Unit, pattern},
    version::VERSION,
};

const DURATION: &str = "^\\s*([0-9]+\\s*(ms|s|m|h|d|w)\\s*)+$";
const RATE: &str = "^\\s*[0-9]*\\.?[0-9]+\\s*/\\s*(s|m|h|d|w)\\s*$";

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table(SCENARIO);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("A scenario");
    // Whatever order serde_json keeps in this build, the file's bytes are the same.
    schema.sort_all_objects();
    schema
}

fn table(keys: &[Key]) -> Value {
    object(keys.iter(), Map::new(), Vec::new())
}

fn object<'k>(keys: impl Iterator<Item = &'k Key>, mut properties: Map<String, Value>, mut required: Vec<&'static str>) -> Value {
    for key in keys {
        if let Takes::Nothing(_) = key.takes {
            continue;
        }
        let mut property = takes(key.takes);
        property["description"] = json!(key.about);
        if let Need::Default(text) = key.need
            && !matches!(key.takes, Takes::Table(_))
        {
            property["default"] = default(key.takes, text);
        }
        if let Need::Required = key.need {
            required.push(key.name);
        }
        properties.insert(key.name.to_owned(), property);
    }
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn default(takes: Takes, text: &str) -> Value {
    match takes {
        Takes::Flag => json!(text == "true"),
        Takes::Whole(..) => json!(text.parse::<u64>().unwrap_or_default()),
        Takes::Number(..) => json!(text.parse::<f64>().unwrap_or_default()),
        _ => json!(text),
    }
}

fn takes(takes: Takes) -> Value {
    match takes {
        Takes::Text => json!({ "type": "string", "pattern": "\\S" }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Takes::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Takes::Time | Takes::Moment => json!({ "type": "string", "pattern": DURATION }),
        Takes::Rate | Takes::RateOrNone => json!({ "type": "string", "pattern": RATE }),
        Takes::Name(names) => json!({ "enum": names }),
        Takes::Some(of) => json!({ "type": "array", "items": self::takes(*of), "minItems": 1 }),
        Takes::Any(of) => json!({ "type": "array", "items": self::takes(*of) }),
        Takes::Table(keys) => table(keys),
        Takes::Kind { tag, always, kinds } => kind(tag, always, kinds),
        Takes::Thresholds => thresholds(),
        Takes::Version => json!({ "const": VERSION }),
        Takes::Nothing(_) => json!(false),
    }
}

fn kind(tag: &'static str, always: &'static [Key], kinds: &[(&'static str, &'static [Key])]) -> Value {
    let variant = |(name, keys): &(&'static str, &'static [Key])| {
        let properties = Map::from_iter([(tag.to_owned(), json!({ "const": name }))]);
        object(always.iter().chain(keys.iter()), properties, vec![tag])
    };
    json!({ "oneOf": kinds.iter().map(variant).collect::<Vec<_>>() })
}

fn thresholds() -> Value {
    let metric = |metric: &Metric| {
        let expressions = json!({ "type": "string", "pattern": expression(metric) });
        let list = json!({ "type": "array", "items": expressions, "minItems": 1, "description": metric.about });
        (format!("^{}$", pattern(metric)), list)
    };
    let properties: Map<String, Value> = CATALOGUE.iter().map(metric).collect();
    json!({ "type": "object", "patternProperties": properties, "additionalProperties": false })
}

fn expression(metric: &Metric) -> String {
    let family = |name: &&str| if *name == "p" { "p\\(\\s*[0-9.]+\\s*\\)".to_owned() } else { (*name).to_owned() };
    let families: Vec<_> = metric.aggregations.iter().map(family).collect();
    let limit = match metric.unit {
        Unit::Time => DURATION.trim_matches(['^', '$']),
        Unit::Orders | Unit::Share => "[0-9]*\\.?[0-9]+",
    };
    format!("^\\s*({})\\s*(<=|>=|==|!=|<|>)\\s*{limit}\\s*$", families.join("|"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_schema_is_the_one_of_the_keys() {
        let written = format!("{:#}\n", schema());
        expect_test::expect_file!["../../schema.json"].assert_eq(&written);
    }

    #[test]
    fn every_library_file_names_the_schema_and_keeps_it() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
        let mut checked = 0;
        for entry in std::fs::read_dir(library).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().next(), Some("#:schema ../schema.json"), "{}", path.display());
            let value: Value = toml::from_str(&text).unwrap();
            let errors: Vec<_> =
                validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
            checked += 1;
        }
        assert!(checked >= 4, "{checked} files");
    }

    #[test]
    fn the_schema_refuses_what_the_check_refuses() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let load = "[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\n";
        let cases = [
            ("duration = \"3d\"\n", "rate = \"30/h\"\n", true),
            ("duration = \"3\"\n", "rate = \"30/h\"\n", false),
            ("duration = \"3d\"\nseeed = 1\n", "rate = \"30/h\"\n", false),
            ("duration = \"3d\"\n", "rate = \"-30/h\"\n", false),
            ("duration = \"3d\"\n", "stages = []\n", false),
            ("duration = \"3d\"\n", "rate = \"30/h\"\n[sla]\nINITIATED = \"1h\"\n", false),
            ("duration = \"3d\"\n", "rate = \"30/h\"\n[thresholds]\nlead_time = [\"p(95)<21d\"]\n", true),
            ("duration = \"3d\"\n", "rate = \"30/h\"\n[thresholds]\nlead_time = [\"rate<1\"]\n", false),
            ("duration = \"3d\"\n", "rate = \"30/h\"\n[[fault]]\nkind = \"broker-kill\"\nat = \"1d\"\nfor = \"4m\"\n", true),
            ("duration = \"3d\"\n", "rate = \"30/h\"\n[[fault]]\nkind = \"meteor\"\nat = \"1d\"\nfor = \"4m\"\n", false),
        ];
        for (head, rest, valid) in cases {
            let text = format!("title = \"t\"\n{head}{load}{rest}");
            let value: Value = toml::from_str(&text).unwrap();
            assert_eq!(validator.is_valid(&value), valid, "{text}");
            let parsed = super::super::Scenario::parse(Path::new("t.toml"), text.as_bytes());
            assert_eq!(parsed.is_ok(), valid, "{text}");
        }
    }
}
