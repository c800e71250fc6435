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

/// No scenario file is longer, MiB.
const LONGEST: u64 = 1;

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
            return Ok(vec![Self::load(&in_library)?.of_library()]);
        }
        if path.is_dir() {
            let found = Self::directory(path)?;
            let in_library = is_library(root, path);
            return Ok(if in_library { found.into_iter().map(Self::of_library).collect() } else { found });
        }
        if plain && !path.exists() {
            let names = names(root);
            let nearest = nearest(argument, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(ScenarioError::UnknownName { name: argument.to_owned(), nearest });
        }
        match Self::load(path) {
            Err(ScenarioError::Unreadable { file, source }) if source.kind() == io::ErrorKind::NotFound => {
                Err(ScenarioError::Missing { file })
            }
            other => {
                let in_library = path.parent().is_some_and(|directory| is_library(root, directory));
                Ok(vec![if in_library { other?.of_library() } else { other? }])
            }
        }
    }

    /// Every scenario of the library, by name.
    ///
    /// # Errors
    /// As [`Scenario::resolve`].
    pub fn library(root: &Path) -> Result<Vec<Self>, ScenarioError> {
        let found = Self::directory(&root.join(LIBRARY))?;
        Ok(found.into_iter().map(Self::of_library).collect())
    }

    /// Whether it is one of the library.
    #[must_use]
    pub fn in_library(&self) -> bool {
        self.called == self.name
    }

    fn of_library(self) -> Self {
        Self { called: self.name.clone(), ..self }
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
        let unreadable = |source| ScenarioError::Unreadable { file: file.to_owned(), source };
        Self::parse(file, &read(file, ("scenario", LONGEST)).map_err(unreadable)?)
    }
}

/// What a file of a kind says, which is never longer than so many MiB. Pipes and devices may never end, so none is opened.
pub(super) fn read(file: &Path, (kind, longest): (&str, u64)) -> io::Result<Vec<u8>> {
    let found = fs::metadata(file)?;
    if !found.is_file() {
        let what = format!("it is no file of its own; expected a {kind} file");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    if found.len() > longest << 20 {
        let what = format!("it is longer than any {kind}; expected at most {longest} MiB");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    fs::read(file)
}

/// Whether a directory is the library's.
fn is_library(root: &Path, directory: &Path) -> bool {
    directory.canonicalize().is_ok_and(|found| root.join(LIBRARY).canonicalize().is_ok_and(|library| found == library))
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

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "title = \"t\"\nduration = \"3d\"\n[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"30/h\"\n";

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// A directory of its own, gone when dropped.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("loupe-scenarios-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn error(&self, argument: &str) -> String {
            let argument = self.0.join(argument);
            let error = Scenario::resolve(&root(), argument.to_str().unwrap()).unwrap_err().to_string();
            error.replace(&*self.0.to_string_lossy(), "dir")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _gone = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_name_a_file_and_a_directory_lead_to_scenarios() {
        let named = Scenario::resolve(&root(), "broker-kill").unwrap();
        assert_eq!((named.len(), &*named[0].called), (1, "broker-kill"));
        let file = root().join("scenarios/library/broker-kill.toml");
        assert_eq!(Scenario::resolve(&root(), file.to_str().unwrap()).unwrap(), named);
        let scratch = Scratch::new("directory");
        for name in ["b.toml", "a.toml", "notes.txt"] {
            fs::write(scratch.0.join(name), RIGHT).unwrap();
        }
        let found = Scenario::resolve(&root(), scratch.0.to_str().unwrap()).unwrap();
        assert_eq!(found.iter().map(|scenario| scenario.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let called: Vec<&Path> = found.iter().map(|scenario| scenario.called.as_ref()).collect();
        assert_eq!(called, [scratch.0.join("a.toml"), scratch.0.join("b.toml")]);
    }

    #[test]
    fn what_is_not_there_is_said_in_one_line() {
        let scratch = Scratch::new("errors");
        assert_eq!(scratch.error(""), "dir/: no scenario in it; expected at least one file that ends in .toml");
        assert_eq!(
            scratch.error("gone.toml"),
            "dir/gone.toml: no such file or directory; expected a scenario file, a directory of them or a library name \
             (`cargo xtask list` names them)"
        );
        fs::write(scratch.0.join("bad.toml"), "title = 1").unwrap();
        assert_eq!(scratch.error("bad.toml"), "dir/bad.toml:1:9: `title` is `1`; expected a text");
        assert_eq!(scratch.error(""), "dir/bad.toml:1:9: `title` is `1`; expected a text");
        fs::create_dir(scratch.0.join("folder.toml")).unwrap();
        fs::remove_file(scratch.0.join("bad.toml")).unwrap();
        assert_eq!(scratch.error(""), "dir/folder.toml: cannot be read: it is no file of its own; expected a scenario file");
        let unknown = Scenario::resolve(&root(), "broker-kil").unwrap_err().to_string();
        assert_eq!(
            unknown,
            "no scenario is called `broker-kil`; expected a file, a directory or a library name (`cargo xtask list` names \
             them); did you mean `broker-kill`?"
        );
    }
}
