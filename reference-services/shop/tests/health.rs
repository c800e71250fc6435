//! What the shop says of itself: that it lives, and what it is missing.

#[path = "../../chassis/tests/rig/mod.rs"]
mod rig;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::Bytes;
use contracts::{
    architecture::Preset,
    request::{Condition, Health},
    services::{INTERNET_SHOP, SHOP_API},
};
use rig::{Rig, SECOND, settings};
use world::{
    Boxed, World,
    files::{Files, FilesError},
    store::{Isolation, Store, StoreError, Table, Tx, Value},
};

/// A part that can be taken away.
struct Part<T: ?Sized> {
    inner: Arc<T>,
    away: Arc<AtomicBool>,
}

impl Store for Part<dyn Store> {
    fn migrate<'a>(&'a self, tables: &'a [&'static Table]) -> Boxed<'a, Result<(), StoreError>> {
        self.inner.migrate(tables)
    }

    fn begin(&self, isolation: Isolation) -> Boxed<'_, Result<Box<dyn Tx>, StoreError>> {
        if self.away.load(Relaxed) {
            return Box::pin(async { Err(StoreError::Unavailable("connection refused".to_owned())) });
        }
        self.inner.begin(isolation)
    }

    fn poll<'a>(&'a self, table: &'static Table, wanted: &'a [(usize, Value)], every: std::time::Duration) -> Boxed<'a, ()> {
        self.inner.poll(table, wanted, every)
    }
}

impl Files for Part<dyn Files> {
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> Boxed<'a, Result<(), FilesError>> {
        self.inner.put(key, content)
    }

    fn get<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<Bytes, FilesError>> {
        self.inner.get(key)
    }

    /// It does not even answer.
    fn size<'a>(&'a self, key: &'a str) -> Boxed<'a, Result<u64, FilesError>> {
        if self.away.load(Relaxed) { Box::pin(std::future::pending()) } else { self.inner.size(key) }
    }
}

fn missing(health: &Health) -> Vec<(&str, &str)> {
    health.missing.iter().map(|missing| (missing.part.as_str(), missing.reason.as_str())).collect()
}

#[test]
fn a_service_says_which_of_its_parts_it_is_missing() {
    let mut rig = Rig::new(settings(Preset::AsIs.architecture()));
    let (no_database, no_files) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let away = (Arc::clone(&no_database), Arc::clone(&no_files));
    rig.start(SHOP_API, "shop", move |world, settings| {
        let store = Part { inner: Arc::clone(&world.store), away: Arc::clone(&away.0) };
        let files = Part { inner: Arc::clone(&world.files), away: Arc::clone(&away.1) };
        shop::api(World { store: Arc::new(store), files: Arc::new(files), ..world }, settings)
    });
    assert_eq!(rig.health(SHOP_API, "/readyz"), (200, Health { status: Condition::Ready, missing: Vec::new() }));
    no_database.store(true, Relaxed);
    let (status, health) = rig.health(SHOP_API, "/readyz");
    assert_eq!((status, health.status), (503, Condition::Unready));
    assert_eq!(missing(&health), [("database", "database unavailable: connection refused")]);
    no_files.store(true, Relaxed);
    let (status, health) = rig.health(SHOP_API, "/readyz");
    assert_eq!((status, health.missing.len()), (503, 2));
    assert_eq!(missing(&health)[1], ("files", "no answer in time"));
    // It lives all the same, and nobody's trace is about any of this.
    assert_eq!(rig.health(SHOP_API, "/healthz"), (200, Health { status: Condition::Alive, missing: Vec::new() }));
    assert!(rig.spans().is_empty());
    assert_eq!(rig.call(SHOP_API, "GET", "/healthz", "").body(), r#"{"status":"alive"}"#);
}

#[test]
fn a_front_is_not_ready_without_its_backend() {
    let rig = Rig::new(settings(Preset::AsIs.architecture()));
    rig.start(INTERNET_SHOP, "shop", shop::front);
    let (status, health) = rig.health(INTERNET_SHOP, "/readyz");
    assert_eq!((status, missing(&health)), (503, vec![("shop-api", "connection refused by shop-api")]));
    let backend = rig.start(SHOP_API, "shop", shop::api);
    assert_eq!(rig.health(INTERNET_SHOP, "/readyz").0, 200);
    let stopping = rig.stop(&backend, SECOND);
    assert!(rig.stopped(stopping));
    assert_eq!(rig.health(INTERNET_SHOP, "/readyz").0, 503);
}
