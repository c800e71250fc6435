//! The object store of 3D models.

use bytes::Bytes;

use crate::Boxed;

/// Puts and gets whole objects by key.
pub trait Files: Send + Sync {
    /// Writes an object, replacing what was there.
    ///
    /// # Errors
    /// [`FilesError::Timeout`] and [`FilesError::Unavailable`] when the object store does not answer; it may have the object
    /// all the same.
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>>;

    /// Reads an object, all of it or nothing.
    ///
    /// # Errors
    /// [`FilesError::Missing`] when there is none, [`FilesError::Incomplete`] when it broke off, [`FilesError::Timeout`] and
    /// [`FilesError::Unavailable`] when the object store does not answer.
    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>>;

    /// The length of an object in bytes.
    ///
    /// # Errors
    /// As for [`Files::get`].
    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>>;
}

/// Why an object could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// No object has this key.
    #[error("no object {0}")]
    Missing(String),
    /// Only the first part of the object came.
    #[error("only {got} of the {of} bytes of {key} came")]
    Incomplete {
        /// Its key.
        key: String,
        /// How many bytes came.
        got: u64,
        /// How many were announced.
        of: u64,
    },
    /// The object store took too long.
    #[error("object store: time-out ({0})")]
    Timeout(String),
    /// The object store does not answer, or refuses.
    #[error("object store unavailable: {0}")]
    Unavailable(String),
}

impl FilesError {
    /// The value of `error.type`: S3's own error code where there is one.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Missing(_) => "NoSuchKey",
            Self::Incomplete { .. } => "IncompleteBody",
            Self::Timeout(_) => "timeout",
            Self::Unavailable(_) => "unavailable",
        }
    }
}
