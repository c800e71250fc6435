//! The version of the scenario language: a file that was written for another one is told so before anything else is wrong with it.
//!
//! A file says it by the key `schema_version`, or by the schema that its first line names for editors.

use std::path::Path;

use super::{find, problem::Problem};

/// The version that this Loupe reads.
pub const VERSION: u64 = 1;

/// The key that names the version.
pub(crate) const KEY: &str = "schema_version";

const DIRECTIVE: &str = "#:schema";

/// Whether the first line names a schema of another version. Only a schema that lies there as a file says anything.
pub(super) fn check(file: &Path, text: &str) -> Result<(), Problem> {
    let Some(rest) = text.lines().next().and_then(|line| line.strip_prefix(DIRECTIVE)) else { return Ok(()) };
    let name = rest.trim();
    match said(&file.parent().unwrap_or(Path::new("")).join(name)) {
        Some(version) if version != VERSION => {
            let begin = DIRECTIVE.len() + rest.len() - rest.trim_start().len();
            let what = format!("the schema `{name}` is of version {version} of the scenario language");
            Err(Problem::new(&(begin..begin + name.len()), what, format!("a schema of version {VERSION}, like this Loupe's own")))
        }
        _ => Ok(()),
    }
}

/// The version that a schema file is of; `None` when it is no file, or does not say.
fn said(schema: &Path) -> Option<u64> {
    let schema: serde_json::Value = serde_json::from_slice(&find::read(schema, ("schema", 1)).ok()?).ok()?;
    schema["properties"][KEY]["const"].as_u64()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Scenario;

    const REST: &str = "title = \"t\"\nduration = \"3d\"\n[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"30/h\"\n";

    fn parsed(file: &Path, head: &str) -> Result<(), String> {
        Scenario::parse(file, format!("{head}{REST}").as_bytes()).map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_may_say_its_version_and_another_one_is_refused_before_all_else() {
        let file = Path::new("my.toml");
        assert_eq!(parsed(file, "schema_version = 1\n"), Ok(()));
        for (line, found) in [("2", "`2`"), ("0", "`0`"), ("\"2\"", "\"2\""), ("1.5", "`1.5`")] {
            let error = parsed(file, &format!("tilte = 1\nschema_version = {line}\n")).unwrap_err();
            let said = format!(
                "my.toml:2:18: `schema_version` is {found}; expected `1`, the version of the scenario language that this Loupe reads"
            );
            assert_eq!(error, said);
        }
        assert!(parsed(file, "version = 2\n").unwrap_err().starts_with("my.toml:1:1: `version` means nothing here"));
    }

    #[test]
    fn a_schema_of_another_version_is_refused_where_it_is_named() {
        let folder = std::env::temp_dir().join(format!("loupe-version-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let own = format!("{:#}", super::super::schema::schema());
        fs::write(folder.join("own.json"), &own).unwrap();
        fs::write(folder.join("next.json"), own.replace("\"const\": 1", "\"const\": 2")).unwrap();
        fs::write(folder.join("other.json"), "{}").unwrap();
        let file = folder.join("my.toml");
        for fine in ["own.json", "other.json", "no-such.json", "https://example.org/schema.json", ""] {
            assert_eq!(parsed(&file, &format!("#:schema {fine}\n")), Ok(()), "{fine}");
        }
        let error = parsed(&file, "#:schema  next.json\n").unwrap_err();
        let said = "my.toml:1:11: the schema `next.json` is of version 2 of the scenario language; expected a schema of version 1, like this Loupe's own";
        assert!(error.ends_with(said), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
