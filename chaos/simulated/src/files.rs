//! Objects in memory, a fixed time away.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use faults::{FilesFault, What};
use world::{
    Boxed, Node,
    files::{Files, FilesError},
    random::Random,
};

use crate::{
    effects::Effects,
    runtime::{Host, lock, spend},
};

/// The object store. Clones are handles of the same one.
#[derive(Clone)]
pub(crate) struct Bucket(Arc<Inner>);

struct Inner {
    host: Arc<dyn Host>,
    takes: Duration,
    objects: Mutex<BTreeMap<Box<str>, Bytes>>,
    ailments: Mutex<Vec<(Arc<str>, FilesFault)>>,
    effects: Effects,
}

impl Bucket {
    /// An empty store whose calls take `takes`; whole milliseconds.
    pub(crate) fn new(host: &Arc<dyn Host>, takes: Duration, effects: Effects) -> Self {
        let (objects, ailments) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { host: Arc::clone(host), takes, objects, ailments, effects }))
    }

    /// Something is wrong from now on.
    pub(crate) fn falls_ill(&self, fault: &Arc<str>, how: FilesFault) {
        lock(&self.0.ailments).push((Arc::clone(fault), how));
    }

    /// A fault is over.
    pub(crate) fn recovers(&self, fault: &str) {
        lock(&self.0.ailments).retain(|(name, _)| &**name != fault);
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

    /// What a call on an object meets while the store is down.
    fn down(&self, key: &str) -> Result<(), FilesError> {
        let down = |(_, how): &&(Arc<str>, FilesFault)| *how == FilesFault::Down;
        let Some((fault, _)) = lock(&self.bucket.0.ailments).iter().find(down).cloned() else { return Ok(()) };
        self.lost(&fault, key, false);
        Err(FilesError::Unavailable("connection refused".into()))
    }

    /// Whether an upload that is answered with yes is kept.
    fn kept(&self, key: &str) -> bool {
        let Bucket(inner) = &self.bucket;
        let loses = |(fault, how): &&(Arc<str>, FilesFault)| match how {
            FilesFault::LosesUploads(share) => Random::new(inner.host.seed(), fault, key).unit() < *share,
            FilesFault::Down | FilesFault::Slow(_) => false,
        };
        let lost = lock(&inner.ailments).iter().find(loses).cloned();
        lost.iter().for_each(|(fault, _)| self.lost(fault, key, true));
        lost.is_none()
    }

    /// What an upload takes longer than other calls.
    async fn upload(&self) {
        let slow = |(_, how): &(Arc<str>, FilesFault)| if let FilesFault::Slow(takes) = how { Some(*takes) } else { None };
        let Bucket(inner) = &self.bucket;
        let takes = lock(&inner.ailments).iter().filter_map(slow).max();
        if let Some(takes) = takes {
            spend(&inner.host, self.node, takes).await;
        }
    }

    fn lost(&self, fault: &str, key: &str, acknowledged: bool) {
        let Bucket(inner) = &self.bucket;
        inner.effects.add(fault, inner.host.wall_ns(self.node), What::ObjectLost { key: key.into(), acknowledged }, None);
    }
}

impl Files for Port {
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>> {
        Box::pin(async move {
            self.spend().await;
            self.upload().await;
            self.down(key)?;
            if self.kept(key) {
                lock(&self.bucket.0.objects).insert(key.into(), content);
            }
            Ok(())
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>> {
        Box::pin(async move {
            self.spend().await;
            self.down(key)?;
            lock(&self.bucket.0.objects).get(key).cloned().ok_or_else(|| FilesError::Missing(key.into()))
        })
    }

    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>> {
        Box::pin(async move { self.get(key).await.map(|content| content.len() as u64) })
    }
}
