//! Objects as files of a folder that the services share.

use std::{
    io::ErrorKind,
    path::{Component, Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use world::{
    Boxed,
    files::{Files, FilesError},
};

/// A folder, by path. An object is there whole or not at all: it is written beside its place and then moved.
pub struct Folder {
    root: PathBuf,
    /// Names what is being written; two processes differ by `writer`.
    writer: String,
    written: AtomicU64,
}

impl Folder {
    /// The folder at `root`, for the process named `writer`.
    #[must_use]
    pub fn new(root: PathBuf, writer: impl Into<String>) -> Self {
        Self { root, writer: writer.into(), written: AtomicU64::new(0) }
    }

    /// Where an object lies. A key is a relative path of plain names.
    fn path(&self, key: &str) -> Result<PathBuf, FilesError> {
        let plain = !key.is_empty() && Path::new(key).components().all(|part| matches!(part, Component::Normal(_)));
        if plain { Ok(self.root.join(key)) } else { Err(FilesError::Missing(key.to_owned())) }
    }
}

fn error(key: &str, error: &std::io::Error) -> FilesError {
    match error.kind() {
        ErrorKind::NotFound => FilesError::Missing(key.to_owned()),
        _ => FilesError::Unavailable(error.to_string()),
    }
}

impl Files for Folder {
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>> {
        Box::pin(async move {
            let unavailable = |error: std::io::Error| FilesError::Unavailable(error.to_string());
            let path = self.path(key)?;
            let part = self.root.join(format!(".{}-{}", self.writer, self.written.fetch_add(1, Ordering::Relaxed)));
            if let Some(folder) = path.parent() {
                tokio::fs::create_dir_all(folder).await.map_err(unavailable)?;
            }
            tokio::fs::write(&part, &content).await.map_err(unavailable)?;
            tokio::fs::rename(&part, &path).await.map_err(unavailable)
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>> {
        Box::pin(async move { tokio::fs::read(self.path(key)?).await.map(Bytes::from).map_err(|cause| error(key, &cause)) })
    }

    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>> {
        Box::pin(async move {
            let about = tokio::fs::metadata(self.path(key)?).await.map_err(|cause| error(key, &cause))?;
            if about.is_file() { Ok(about.len()) } else { Err(FilesError::Missing(key.to_owned())) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn an_object_comes_back_and_a_foreign_path_does_not() {
        let root = std::env::temp_dir().join(format!("loupe-files-{}", std::process::id()));
        let folder = Folder::new(root.clone(), "shop-api-1.1");
        block_on(async {
            folder.put("models/o-1", Bytes::from_static(b"one")).await.unwrap();
            folder.put("models/o-1", Bytes::from_static(b"solid")).await.unwrap();
            assert_eq!(folder.get("models/o-1").await.unwrap(), "solid");
            assert_eq!(folder.size("models/o-1").await, Ok(5));
            for missing in ["models/o-2", "models", "../o-1", "/etc/hostname", ""] {
                assert_eq!(folder.size(missing).await, Err(FilesError::Missing(missing.into())), "{missing}");
            }
        });
        std::fs::remove_dir_all(root).unwrap();
    }
}
