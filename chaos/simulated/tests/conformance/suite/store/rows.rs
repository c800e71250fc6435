//! Rows as one transaction has them: versions, keys, scans.

use world::{
    World,
    record::{self, Serial},
    store::{Direction, Expect, Scan, StoreError, Value},
};

use super::{Event, Parcel, begin, load, new, parcel, put};

/// Every promise, one after another.
pub(crate) async fn promises(world: &World) {
    a_row_comes_back_with_its_version(world).await;
    a_dropped_transaction_leaves_nothing(world).await;
    a_key_or_unique_value_is_taken_once(world).await;
    a_stale_version_is_a_conflict(world).await;
    a_scan_filters_sorts_and_pages(world).await;
    a_scan_keeps_what_is_at_most_so_much(world).await;
    serial_keys_count(world).await;
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
