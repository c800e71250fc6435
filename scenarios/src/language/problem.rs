//! What is wrong with a scenario, and where.

use std::{fmt, io, ops::Range, path::PathBuf};

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file says something that means nothing.
    #[error("{}:{line}:{column}: {what}; expected {expected}{}", file.display(), Hint(nearest.as_ref()))]
    Invalid {
        /// The file, as it was named.
        file: PathBuf,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is wrong.
        what: String,
        /// What could stand there.
        expected: String,
        /// The valid key or value that looks most like it.
        nearest: Option<String>,
    },
    /// A row of a recording says something that means nothing.
    #[error("{}:{line}: column {column}: {what}; expected {expected}{}", file.display(), Hint(nearest.as_ref()))]
    Row {
        /// The recording.
        file: PathBuf,
        /// From 1, the header included.
        line: u64,
        /// From 1.
        column: usize,
        /// What is wrong.
        what: String,
        /// What could stand there.
        expected: String,
        /// The valid name that looks most like it.
        nearest: Option<String>,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// The file or directory.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such file or directory.
    #[error("{}: no such file or directory; expected a scenario file, a directory of them or a library name (`cargo xtask list` names them)", file.display())]
    Missing {
        /// The file or directory.
        file: PathBuf,
    },
    /// A directory without scenario files.
    #[error("{}: no scenario in it; expected at least one file that ends in .toml", directory.display())]
    EmptyDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// Neither the library nor the file system knows the name.
    #[error("no scenario is called `{name}`; expected a file, a directory or a library name (`cargo xtask list` names them){}", Hint(nearest.as_ref()))]
    UnknownName {
        /// What was asked for.
        name: String,
        /// What the library has.
        /// The one that looks most like it.
        nearest: Option<String>,
    },
    /// A file name that cannot name a report folder.
    #[error("{}: a scenario is called like its file; expected letters, digits, `-` and `_` before .toml", file.display())]
    Unnameable {
        /// The file.
        file: PathBuf,
    },
}

struct Hint<'a>(Option<&'a String>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |nearest| write!(f, "; did you mean `{nearest}`?"))
    }
}

/// Something wrong at a place of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Bytes of the document.
    pub(crate) span: Range<usize>,
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) nearest: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: &Range<usize>, what: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { span: span.clone(), what: what.into(), expected: expected.into(), nearest: None }
    }

    pub(crate) fn hint(mut self, nearest: Option<impl Into<String>>) -> Self {
        self.nearest = nearest.map(Into::into);
        self
    }

    /// The error that a person sees.
    pub(crate) fn place(self, file: PathBuf, document: &[u8]) -> ScenarioError {
        let (line, column) = position(document, self.span.start);
        ScenarioError::Invalid { file, line, column, what: self.what, expected: self.expected, nearest: self.nearest }
    }
}

/// Line and column of a byte, both from 1, the column in characters.
fn position(document: &[u8], offset: usize) -> (usize, usize) {
    let before = &document[..offset.min(document.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    // A byte that continues a UTF-8 character is no column of its own.
    let column = before[line_start..].iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count() + 1;
    (line, column)
}

/// The candidate that looks most like a text, if any looks like it at all.
#[must_use]
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase().replace('_', "-");
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase().replace('_', "-")), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a, b or c`, in backquotes.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_from_one() {
        let text = "a\nцена = 1\n";
        assert_eq!(position(text.as_bytes(), 0), (1, 1));
        assert_eq!(position(text.as_bytes(), text.find('=').unwrap()), (2, 6));
        assert_eq!(position(text.as_bytes(), 1000), (3, 1));
    }

    #[test]
    fn a_name_that_looks_like_nothing_has_no_nearest() {
        const FAULTS: [&str; 2] = ["broker-kill", "slow-pricing"];
        assert_eq!(nearest("broker-kil", FAULTS), Some("broker-kill"));
        assert_eq!(nearest("borker_kill", FAULTS), Some("broker-kill"));
        assert_eq!(nearest("meteor", FAULTS), None);
    }

    #[test]
    fn choices_read_as_a_sentence() {
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(one_of(["a"]), "`a`");
    }
}
