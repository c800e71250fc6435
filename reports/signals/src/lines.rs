//! Records as JSON, one on a line.

use std::io::{self, BufRead, Write};

use serde::{Serialize, de::DeserializeOwned};

/// Why a file of records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// It could not be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is no record.
    #[error("line {line}: {source}")]
    Json {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

pub(crate) fn write<T: Serialize>(records: &[T], out: &mut dyn Write) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut *out, record)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Empty lines are no records.
pub(crate) fn read<T: DeserializeOwned>(input: impl BufRead) -> Result<Vec<T>, LineError> {
    let mut records = Vec::new();
    for (index, line) in input.lines().enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            records.push(serde_json::from_str(&line).map_err(|source| LineError::Json { line: index + 1, source })?);
        }
    }
    Ok(records)
}
