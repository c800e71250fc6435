//! Finds scenarios: by library name, by file, by directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Scenario,
    problem::{ScenarioError, nearest},
};

/// Where the library lives, from the workspace's root.
const LIBRARY: &str = "scenarios/library";

impl Scenario {
    /// The scenarios that an argument names: a library name, a file, or a directory (each `*.toml` in it, by name).
    ///
    /// # Errors
    /// When there is nothing of that name, it cannot be read, a directory holds no scenario, or a file makes no sense.
    pub fn resolve(root: &Path, argument: &str) -> Result<Vec<Self>, ScenarioError> {
        let path = Path::new(argument);
        let plain = !argument.contains(['/', '\\']) && path.extension().is_none_or(|extension| extension != "toml");
        let in_library = root.join(LIBRARY).join(format!("{argument}.toml"));
        if plain && in_library.is_file() {
            return Ok(vec![Self::load(&in_library)?]);
        }
        if path.is_dir() {
            return Self::directory(path);
        }
        if plain && !path.exists() {
            let names = names(root);
            let nearest = nearest(argument, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(ScenarioError::UnknownName { name: argument.to_owned(), names, nearest });
        }
        match Self::load(path) {
            Err(ScenarioError::Unreadable { file, source }) if source.kind() == io::ErrorKind::NotFound => {
                Err(ScenarioError::Missing { file, names: names(root) })
            }
            other => Ok(vec![other?]),
        }
    }

    /// Every scenario of the library, by name.
    ///
    /// # Errors
    /// As [`Scenario::resolve`].
    pub fn library(root: &Path) -> Result<Vec<Self>, ScenarioError> {
        Self::directory(&root.join(LIBRARY))
    }

    fn directory(directory: &Path) -> Result<Vec<Self>, ScenarioError> {
        let unreadable = |source| ScenarioError::Unreadable { file: directory.to_owned(), source };
        let files = toml_files(directory).map_err(unreadable)?;
        if files.is_empty() {
            return Err(ScenarioError::EmptyDirectory { directory: directory.to_owned() });
        }
        files.iter().map(|file| Self::load(file)).collect()
    }

    /// The scenario of one file.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense.
    pub fn load(file: &Path) -> Result<Self, ScenarioError> {
        let bytes = fs::read(file).map_err(|source| ScenarioError::Unreadable { file: file.to_owned(), source })?;
        Self::parse(file, &bytes)
    }
}

fn toml_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.extension().is_some_and(|extension| extension == "toml") && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Names in the library, as far as it can be read: they only help an error along.
fn names(root: &Path) -> Vec<String> {
    let files = toml_files(&root.join(LIBRARY)).unwrap_or_default();
    files.iter().filter_map(|file| file.file_stem()).map(|stem| stem.to_string_lossy().into_owned()).collect()
}
