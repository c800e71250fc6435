//! The files of the containers world's way to Elasticsearch and Kibana: well-formed, of one piece, and about fields that records have.
//!
//! Nothing of a stack is needed for it: Filebeat, Logstash and Kibana read these files on users' machines only.

use std::collections::BTreeSet;

use contracts::{logs, services};
use serde_json::Value;
use signals::ecs;

const TEMPLATE: &str = include_str!("../../../chaos/containers/config/elk/index-template.json");
const RSYSLOG: &str = include_str!("../../../chaos/containers/config/elk/rsyslog.conf");
const FILEBEAT: &str = include_str!("../../../chaos/containers/config/elk/filebeat.yml");
const COMPOSE: &str = include_str!("../../../chaos/containers/config/elk/compose.yaml");
const LOGSTASH: &str = include_str!("../../../chaos/containers/config/elk/logstash.conf");
const KIBANA: &str = include_str!("../../../chaos/containers/config/elk/kibana.ndjson");

fn fields() -> BTreeSet<&'static str> {
    ecs::BASE.into_iter().chain(ecs::STATEMENT).chain(logs::ALL.iter().copied()).collect()
}

/// Every field is one that a record has.
fn all_known(of: &str, named: &BTreeSet<String>, least: usize) {
    let unknown: Vec<_> = named.iter().filter(|name| !fields().contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "{of} names {unknown:?}, which no record has");
    assert!(named.len() >= least, "{of}: {named:?}");
}

#[test]
fn the_index_template_maps_every_field_and_no_more() {
    let template: Value = serde_json::from_str(TEMPLATE).unwrap();
    let properties = template["template"]["mappings"]["properties"].as_object().unwrap();
    let mapped: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(mapped, fields());
    // The records of a process are sorted by these.
    assert_eq!(
        (&properties["service.node.name"]["type"], &properties["event.sequence"]["type"]),
        (&"keyword".into(), &"long".into())
    );
    // Elastic's own template for logs-*-* has a lower priority up to 500.
    assert!(template["priority"].as_i64().is_some_and(|priority| priority > 500));
    let pattern = template["index_patterns"][0].as_str().unwrap();
    for service in services::ALL {
        assert!(matches(pattern, &format!("logs-{service}-test-2026.11.26")), "{service}");
    }
}

/// Whether a pattern with asterisks names an index.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let mut rest = name.strip_prefix(parts.next().unwrap_or_default());
    for part in parts {
        rest = rest.and_then(|rest| if part.is_empty() { Some("") } else { rest.split_once(part).map(|(_, after)| after) });
    }
    rest.is_some_and(str::is_empty)
}

/// What stands between two texts, wherever it does.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close).map(|(inside, _)| inside))
}

#[test]
fn both_shippers_read_fields_that_records_have_and_keep_debug_out_of_production() {
    let light: BTreeSet<String> = between(RSYSLOG, r#"re_extract($msg, "\""#, ':')
        .map(|pattern| pattern.trim_end_matches('"').replace(['\\', '"'], ""))
        .collect();
    all_known("rsyslog.conf", &light, 4);
    let rules: String = LOGSTASH.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    // References to fields, `[event][id]`; what is thrown away is Filebeat's own.
    let references = rules.lines().filter(|line| !line.contains("remove_field") && !line.contains("whitelist_names"));
    let mut heavy = BTreeSet::new();
    for line in references {
        for reference in between(&line.replace("][", "."), "[", ']') {
            if reference.contains('.') && !reference.starts_with("@metadata") {
                heavy.insert(reference.to_owned());
            }
        }
    }
    all_known("logstash.conf", &heavy, 5);
    for both in [RSYSLOG, LOGSTASH] {
        assert!(both.contains(r#""production""#) && both.contains(r#""DEBUG""#));
    }
    // What Logstash lets through is what records begin with.
    let kept: BTreeSet<&str> = between(LOGSTASH, "\"^", '$').collect();
    let begun: BTreeSet<&str> = fields().into_iter().filter_map(|field| field.split('.').next()).collect();
    assert_eq!(kept, begun);
}

#[test]
fn kibanas_objects_are_of_one_piece_and_name_fields_that_records_have() {
    let objects: Vec<Value> = KIBANA.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let key = |object: &Value| format!("{}/{}", object["type"].as_str().unwrap(), object["id"].as_str().unwrap());
    let ids: BTreeSet<String> = objects.iter().map(key).collect();
    assert_eq!(ids.len(), objects.len(), "two objects are called the same");
    let mut named = BTreeSet::new();
    for object in &objects {
        for reference in object["references"].as_array().unwrap() {
            assert!(ids.contains(&key(reference)), "{}: {reference} is nowhere", key(object));
        }
        collect(&object["attributes"], "", &mut named);
    }
    all_known("kibana.ndjson", &named, 12);
    let dashboard = objects.iter().find(|object| object["type"] == "dashboard").unwrap();
    let panels: Vec<Value> = serde_json::from_str(dashboard["attributes"]["panelsJSON"].as_str().unwrap()).unwrap();
    assert_eq!(panels.len(), dashboard["references"].as_array().unwrap().len());
    for panel in &panels {
        let name = format!("{}:{}", panel["panelIndex"].as_str().unwrap(), panel["panelRefName"].as_str().unwrap());
        assert!(dashboard["references"].as_array().unwrap().iter().any(|reference| reference["name"] == name), "{name}");
    }
}

/// All fields that a saved object names, also in the objects that are text within it.
fn collect(value: &Value, key: &str, named: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if object.contains_key("$schema") => {
            // A drawing names its own columns; fields stand in its question.
            collect(&value["data"]["url"]["body"], "", named);
        }
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    // `{ "term": { FIELD: value } }`, `"sort": [{ FIELD: order }]` with a time.
                    ("term", Value::Object(terms)) => named.extend(terms.keys().cloned()),
                    _ => collect(value, key, named),
                }
            }
        }
        Value::Array(values) if key == "sort" => {
            named.extend(values.iter().filter_map(|sort| sort[0].as_str()).map(str::to_owned));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, key, named)),
        Value::String(text) => match (key, serde_json::from_str::<Value>(text)) {
            (_, Ok(inner @ (Value::Object(_) | Value::Array(_)))) => collect(&inner, key, named),
            ("field" | "columns" | "timeFieldName", _) => drop(named.insert(text.clone())),
            // `order.status : *` in Kibana's query language.
            ("query", _) => named.extend(text.split_once(" :").map(|(field, _)| field.to_owned())),
            _ => {}
        },
        _ => {}
    }
}

/// Two spaces a level, a level at a time, and only below what has none of its own; brackets and quotes closed where they are opened.
fn well_formed(name: &str, text: &str) {
    let (mut before, mut opens) = (0, true);
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let said = line.split(" #").next().unwrap_or(line).trim_end();
        assert!(indent % 2 == 0 && !line.contains('\t'), "{name}: {line}");
        assert!(indent <= before || (opens && indent == before + 2), "{name}: {line}");
        assert_eq!(said.matches('"').count() % 2, 0, "{name}: {line}");
        for (open, close) in [('[', ']'), ('{', '}')] {
            assert_eq!(said.matches(open).count(), said.matches(close).count(), "{name}: {line}");
        }
        let item = said.trim_start().strip_prefix("- ").unwrap_or_else(|| said.trim_start());
        assert!(said.trim_start().starts_with("- ") || item.contains(':'), "{name}: neither a key nor an item: {line}");
        // Beneath an item stand its other keys, and beneath its last key what that holds.
        opens = said.ends_with(':') || said.trim_start().starts_with("- ");
        before = if said.trim_start().starts_with("- ") && said.ends_with(':') { indent + 2 } else { indent };
    }
}

#[test]
fn the_profile_is_well_formed_and_joins_the_open_stack() {
    well_formed("filebeat.yml", FILEBEAT);
    well_formed("compose.yaml", COMPOSE);
    // A condition sees a container's labels as they are; with `_` for a dot they are only in what is sent.
    assert!(FILEBEAT.contains("docker.container.labels.loupe.run") && FILEBEAT.contains("logstash:5044"));
    assert!(COMPOSE.contains("name: loupe-${LOUPE_STACK:-stack}-net"));
    assert_eq!(COMPOSE.matches("profiles: [elk]").count(), COMPOSE.matches("    image: ").count(), "all of it is the profile's");
    let mut depth = 0i32;
    for letter in LOGSTASH.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::chars) {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        assert!(depth >= 0, "logstash.conf closes what is not open");
    }
    assert_eq!(depth, 0, "logstash.conf leaves something open");
}
