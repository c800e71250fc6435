//! The object store of 3D models.

use bytes::Bytes;

use crate::Boxed;

/// Puts and gets whole objects by key.
pub trait Files: Send + Sync {
    /// Writes an object, replacing what was there.
    ///
    /// # Errors
    /// [`FilesError::Unavailable`] when the object store does not answer.
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>>;

    /// Reads an object.
    ///
    /// # Errors
    /// [`FilesError::Missing`] when there is none, [`FilesError::Unavailable`] when the object store does not answer.
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
    /// The object store does not answer.
    #[error("object store unavailable: {0}")]
    Unavailable(String),
}

impl FilesError {
    /// The value of `error.type`.
    #[must_use]
    pub const fn error_type(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Unavailable(_) => "unavailable",
        }
    }
}
