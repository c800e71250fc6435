//! Objects in memory, a fixed time away.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use world::{
    Boxed, Node,
    files::{Files, FilesError},
};

use crate::runtime::{Host, lock, spend};

/// The object store. Clones are handles of the same one.
#[derive(Clone)]
pub(crate) struct Bucket(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    takes: Duration,
    objects: Mutex<BTreeMap<Box<str>, Bytes>>,
}

impl Bucket {
    /// An empty store whose calls take `takes`; whole milliseconds.
    pub(crate) fn new(host: &Arc<dyn Host>, takes: Duration) -> Self {
        Self(Arc::new(Inner { host: Arc::clone(host), takes, objects: Mutex::default() }))
    }

    /// The store as a node sees it.
    pub(crate) fn port(&self, node: Node) -> Arc<dyn Files> {
        Arc::new(Port { bucket: self.clone(), node })
    }
}

struct Port {
    bucket: Bucket,
    node: Node,
}

impl Port {
    async fn spend(&self) {
        let Bucket(inner) = &self.bucket;
        spend(&inner.host, self.node, inner.takes).await;
    }
}

impl Files for Port {
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>> {
        Box::pin(async move {
            self.spend().await;
            lock(&self.bucket.0.objects).insert(key.into(), content);
            Ok(())
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>> {
        Box::pin(async move {
            self.spend().await;
            lock(&self.bucket.0.objects).get(key).cloned().ok_or_else(|| FilesError::Missing(key.into()))
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>> {
        Box::pin(async move { self.get(key).await.map(|content| content.len() as u64) })
    }
}
