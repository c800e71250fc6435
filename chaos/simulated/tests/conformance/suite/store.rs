//! What the port of the database promises: [`rows`] to whoever is alone, [`side_by_side`] to two who are not.

pub(crate) mod rows;
pub(crate) mod side_by_side;

use std::sync::Arc;

use world::{
    World,
    record::{self, Serial},
    store::Tx,
};

/// How many connections the store has that is tried.
pub(crate) const CONNECTIONS: usize = 4;

world::record! {
    /// A parcel.
    pub(crate) struct Parcel in "parcel" [column parcel] {
        /// Its number.
        id: Arc<str>,
        /// Its weight in grams.
        weight: i64,
        /// Who has it.
        holder: Option<Arc<str>>,
    }
    index [parcel::weight];
    unique [parcel::holder];
}

world::record! {
    /// Something that happened to a parcel.
    pub(crate) struct Event in "parcel_event" [column event] {
        /// Numbers the rows.
        seq: Serial,
        /// What happened.
        what: Arc<str>,
    }
    index;
    unique;
}

/// Every promise, one after another.
pub(crate) async fn promises(world: &World) {
    migrations_may_run_side_by_side(world).await;
    rows::promises(world).await;
    side_by_side::promises(world).await;
}

fn new(id: &str, weight: i64, holder: Option<&str>) -> Parcel {
    Parcel { id: id.into(), weight, holder: holder.map(Into::into) }
}

async fn begin(world: &World) -> Box<dyn Tx> {
    record::begin(&*world.store).await.unwrap()
}

async fn put(world: &World, parcel: &Parcel) {
    let mut tx = begin(world).await;
    record::insert(&mut *tx, parcel).await.unwrap();
    tx.commit().await.unwrap();
}

async fn load(world: &World, id: &str) -> Option<(Parcel, i64)> {
    record::load(&mut *begin(world).await, id).await.unwrap()
}

pub(crate) async fn migrations_may_run_side_by_side(world: &World) {
    const TABLES: [&world::store::Table; 2] = [<Parcel as record::Record>::TABLE, <Event as record::Record>::TABLE];
    let migrations: Vec<_> = (0..4)
        .map(|_| {
            let store = Arc::clone(&world.store);
            world.rt.spawn("migrate", async move { store.migrate(&TABLES).await })
        })
        .collect();
    for migration in migrations {
        assert_eq!(migration.join().await, Some(Ok(())));
    }
}
