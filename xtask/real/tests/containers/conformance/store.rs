//! What the database's port promises.

use std::{sync::Arc, time::Duration};

use world::{
    Either, World,
    record::{self, Serial},
    store::{Direction, Expect, Isolation, Scan, StoreError, Tx, Value},
};

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

pub(crate) async fn promises(world: &World) {
    migrations_may_run_side_by_side(world).await;
    a_row_comes_back_with_its_version(world).await;
    a_dropped_transaction_leaves_nothing(world).await;
    a_key_or_unique_value_is_taken_once(world).await;
    a_stale_version_is_a_conflict(world).await;
    a_second_writer_waits_for_the_first(world).await;
    repeatable_read_refuses_a_row_that_changed(world).await;
    a_claimed_row_is_left_out_by_others(world).await;
    a_scan_filters_sorts_and_pages(world).await;
    a_scan_keeps_what_is_at_most_so_much(world).await;
    serial_keys_count(world).await;
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

async fn migrations_may_run_side_by_side(world: &World) {
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

async fn a_row_comes_back_with_its_version(world: &World) {
    let parcel = new("version", 1, None);
    put(world, &parcel).await;
    assert_eq!(load(world, "version").await, Some((parcel.clone(), 1)));
    let mut tx = begin(world).await;
    let heavier = Parcel { weight: 2, ..parcel };
    record::update(&mut *tx, &heavier, Expect::Version(1)).await.unwrap();
    assert_eq!(record::load(&mut *tx, "version").await, Ok(Some((heavier.clone(), 2))), "it sees its own writes");
    tx.commit().await.unwrap();
    assert_eq!(load(world, "version").await, Some((heavier, 2)));
    assert_eq!(load(world, "nothing").await, None);
}

async fn a_dropped_transaction_leaves_nothing(world: &World) {
    let mut tx = begin(world).await;
    record::insert(&mut *tx, &new("dropped", 1, None)).await.unwrap();
    drop(tx);
    assert_eq!(load(world, "dropped").await, None);
    // Nor does it hold the key.
    put(world, &new("dropped", 2, None)).await;
}

async fn a_key_or_unique_value_is_taken_once(world: &World) {
    put(world, &new("unique-1", 1, Some("carrier"))).await;
    for taken in [new("unique-1", 2, None), new("unique-2", 2, Some("carrier"))] {
        let mut tx = begin(world).await;
        assert_eq!(record::insert(&mut *tx, &taken).await, Err(StoreError::Duplicate("parcel")));
    }
    // `NULL` is equal to nothing.
    put(world, &new("unique-3", 1, None)).await;
    put(world, &new("unique-4", 1, None)).await;
}

async fn a_stale_version_is_a_conflict(world: &World) {
    put(world, &new("stale", 1, None)).await;
    let mut tx = begin(world).await;
    record::update(&mut *tx, &new("stale", 2, None), Expect::Any).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(world).await;
    let stale = record::update(&mut *tx, &new("stale", 3, None), Expect::Version(1)).await;
    assert_eq!(stale, Err(StoreError::Conflict));
    let missing = record::update(&mut *tx, &new("never there", 3, None), Expect::Any).await;
    assert_eq!(missing, Err(StoreError::Conflict));
}

async fn a_second_writer_waits_for_the_first(world: &World) {
    put(world, &new("waited for", 1, None)).await;
    let mut first = begin(world).await;
    record::update(&mut *first, &new("waited for", 2, None), Expect::Version(1)).await.unwrap();
    let store = Arc::clone(&world.store);
    let second = world.rt.spawn("second writer", async move {
        let mut tx = record::begin(&*store).await?;
        record::update(&mut *tx, &new("waited for", 3, None), Expect::Version(1)).await
    });
    let mut second = Box::pin(second.join());
    let waiting = world.rt.race(&mut second, world.rt.sleep(Duration::from_millis(300))).await;
    assert_eq!(waiting, Either::Right(()), "it waits");
    first.commit().await.unwrap();
    assert_eq!(second.await, Some(Err(StoreError::Conflict)), "and then finds another version");
}

async fn repeatable_read_refuses_a_row_that_changed(world: &World) {
    put(world, &new("serialized", 1, None)).await;
    let mut reader = world.store.begin(Isolation::RepeatableRead).await.unwrap();
    let seen = record::load::<Parcel>(&mut *reader, "serialized").await.unwrap();
    let mut writer = begin(world).await;
    record::update(&mut *writer, &new("serialized", 2, None), Expect::Any).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(record::load::<Parcel>(&mut *reader, "serialized").await.unwrap(), seen, "it sees what it saw first");
    let late = record::update(&mut *reader, &new("serialized", 3, None), Expect::Any).await;
    assert_eq!(late, Err(StoreError::Serialization));
}

async fn a_claimed_row_is_left_out_by_others(world: &World) {
    for n in 1..=3 {
        put(world, &new(&format!("claim-{n}"), 77, None)).await;
    }
    let claim = || Scan { equals: vec![(parcel::weight, Value::Int(77))], limit: Some(2), claim: true, ..Scan::default() };
    let ids = |rows: Vec<(Parcel, i64)>| rows.into_iter().map(|(row, _)| row.id.to_string()).collect::<Vec<_>>();
    let (mut first, mut second) = (begin(world).await, begin(world).await);
    assert_eq!(ids(record::scan(&mut *first, claim()).await.unwrap()), ["claim-1", "claim-2"]);
    assert_eq!(ids(record::scan(&mut *second, claim()).await.unwrap()), ["claim-3"]);
    first.commit().await.unwrap();
    assert_eq!(ids(record::scan(&mut *second, claim()).await.unwrap()), ["claim-1", "claim-2"]);
}

async fn a_scan_filters_sorts_and_pages(world: &World) {
    for (id, holder) in [("scan-b", None), ("scan-A", Some("Z")), ("scan-a", Some("y")), ("scan-c", None)] {
        put(world, &new(id, 88, holder)).await;
    }
    let mut tx = begin(world).await;
    let mut ids = async |scan: Scan| {
        let rows = record::scan::<Parcel>(&mut *tx, scan).await.unwrap();
        rows.into_iter().map(|(row, _)| row.id.to_string()).collect::<Vec<_>>()
    };
    let of_88 = || vec![(parcel::weight, Value::Int(88))];
    assert_eq!(ids(Scan { equals: of_88(), ..Scan::default() }).await, ["scan-A", "scan-a", "scan-b", "scan-c"], "by bytes");
    let by_holder = |direction| Scan { equals: of_88(), order_by: Some((parcel::holder, direction)), ..Scan::default() };
    assert_eq!(ids(by_holder(Direction::Ascending)).await, ["scan-b", "scan-c", "scan-A", "scan-a"], "NULL is the smallest");
    assert_eq!(ids(by_holder(Direction::Descending)).await, ["scan-a", "scan-A", "scan-b", "scan-c"]);
    let page = Scan { limit: Some(2), offset: 1, ..by_holder(Direction::Descending) };
    assert_eq!(ids(page).await, ["scan-A", "scan-b"]);
    let mut nobodys = of_88();
    nobodys.push((parcel::holder, Value::Null));
    assert_eq!(ids(Scan { equals: nobodys, ..Scan::default() }).await, ["scan-b", "scan-c"]);
}

async fn a_scan_keeps_what_is_at_most_so_much(world: &World) {
    for (id, weight) in [("z-a", 5), ("z-b", 6), ("z-c", 6), ("z-d", 7)] {
        put(world, &new(id, weight, None)).await;
    }
    let mut tx = begin(world).await;
    let mut ids = async |most, after| {
        let scan = Scan { at_most: Some((parcel::weight, most)), after: Some(Value::text(after)), ..Scan::default() };
        let rows = record::scan::<Parcel>(&mut *tx, scan).await.unwrap();
        rows.into_iter().map(|(row, _)| row.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(6, "z").await, ["z-a", "z-b", "z-c"]);
    assert_eq!(ids(6, "z-b").await, ["z-c"]);
    assert_eq!(ids(4, "z").await, [""; 0]);
}

async fn serial_keys_count(world: &World) {
    let mut tx = begin(world).await;
    for what in ["packed", "shipped"] {
        record::insert(&mut *tx, &Event { seq: Serial::default(), what: what.into() }).await.unwrap();
    }
    tx.commit().await.unwrap();
    let rows = record::scan::<Event>(&mut *begin(world).await, Scan::default()).await.unwrap();
    let rows: Vec<_> = rows.into_iter().map(|(row, _)| (row.seq.0, row.what.to_string())).collect();
    assert_eq!(rows, [(1, "packed".to_owned()), (2, "shipped".to_owned())]);
}
