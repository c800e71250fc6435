//! The bucket itself, for whoever keeps the store: made before a run, removed after it.

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use reqwest::Response;
use rusty_s3::actions::ListObjectsV2;
use world::files::FilesError;

use super::{S3, found};

/// So many objects are deleted at a time.
const AT_ONCE: usize = 16;

impl S3 {
    /// Makes the bucket; it may be there already.
    ///
    /// # Errors
    /// [`FilesError::Timeout`] or [`FilesError::Unavailable`].
    pub async fn create(&self) -> Result<(), FilesError> {
        let answer = self.send(self.bucket.create_bucket(&self.credentials), Bytes::new()).await?;
        if answer.status() == StatusCode::CONFLICT { Ok(()) } else { self.done(answer).await }
    }

    /// Removes the bucket with all that is in it; it may be gone already.
    ///
    /// # Errors
    /// [`FilesError::Timeout`] or [`FilesError::Unavailable`].
    pub async fn remove(&self) -> Result<(), FilesError> {
        while let Some(keys) = self.some_keys().await?.filter(|keys| !keys.is_empty()) {
            let deletions = keys.iter().map(|key| self.delete(key));
            stream::iter(deletions).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        }
        let answer = self.send(self.bucket.delete_bucket(&self.credentials), Bytes::new()).await?;
        if answer.status() == StatusCode::NOT_FOUND { Ok(()) } else { self.done(answer).await }
    }

    /// Deletes an object; it may be gone already.
    ///
    /// # Errors
    /// [`FilesError::Timeout`] or [`FilesError::Unavailable`].
    pub async fn delete(&self, key: &str) -> Result<(), FilesError> {
        let answer = self.send(self.bucket.delete_object(self.credentials(), key), Bytes::new()).await?;
        if answer.status() == StatusCode::NOT_FOUND { Ok(()) } else { self.done(answer).await }
    }

    /// The first keys in the bucket, up to a thousand; `None` when there is no bucket.
    async fn some_keys(&self) -> Result<Option<Vec<String>>, FilesError> {
        let answer = self.send(self.bucket.list_objects_v2(self.credentials()), Bytes::new()).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let unreadable = |error: &dyn std::fmt::Display| FilesError::Unavailable(format!("its list cannot be read: {error}"));
        let text = found(answer, "").await?.text().await.map_err(|error| unreadable(&error.without_url()))?;
        let listed = ListObjectsV2::parse_response(&text).map_err(|error| unreadable(&error))?;
        Ok(Some(listed.contents.into_iter().map(|object| object.key).collect()))
    }

    /// An answer that says no more than that it is done.
    async fn done(&self, answer: Response) -> Result<(), FilesError> {
        match found(answer, self.bucket.name()).await {
            Ok(_) => Ok(()),
            Err(FilesError::Missing(bucket)) => Err(FilesError::Unavailable(format!("it does not know the bucket {bucket}"))),
            Err(error) => Err(error),
        }
    }
}
