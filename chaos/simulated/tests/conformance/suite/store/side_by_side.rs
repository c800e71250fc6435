//! Two transactions side by side: what one sees of the other, and where it waits.
//!
//! A store under one lock, which has one transaction at a time, breaks each of these promises: `under_one_lock` says so.

use std::{sync::Arc, time::Duration};

use world::{
    Either, World,
    record::{self, Record as _},
    store::{Expect, Isolation, Scan, Store, StoreError, Tx, Value},
};

use super::{CONNECTIONS, Parcel, begin, load, new, parcel, put};

/// What does not wait for another transaction takes less, also on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);
/// What waits for another transaction takes more.
const A_WHILE: Duration = Duration::from_millis(300);
/// How long a transaction waits for a connection.
const GIVES_UP: Duration = Duration::from_secs(10);

/// Every promise, one after another.
pub(crate) async fn promises(world: &World) {
    a_read_is_repeatable_only_where_that_was_asked_for(world).await;
    an_update_without_a_version_is_lost_to_a_later_one(world).await;
    of_two_who_have_read_a_version_one_may_write(world).await;
    of_two_who_read_to_write_the_second_waits_and_reads_what_the_first_wrote(world).await;
    a_locked_row_can_be_read_and_not_written(world).await;
    a_second_writer_of_a_row_waits_and_nobody_else(world).await;
    repeatable_read_refuses_a_row_that_changed(world).await;
    repeatable_read_locks_no_row_that_changed(world).await;
    a_claimed_row_is_left_out_by_others(world).await;
    a_transaction_without_a_connection_waits_for_one_and_gives_up(world).await;
}

/// Does what must not wait for anybody.
async fn at_once<T>(world: &World, what: impl Future<Output = T>) -> T {
    world.rt.timeout(AT_ONCE, what).await.expect("it waits where nobody has to")
}

/// A weight and its version, read without waiting.
async fn read(world: &World, tx: &mut dyn Tx, id: &str) -> (i64, i64) {
    let found = at_once(world, record::load::<Parcel>(tx, id)).await.unwrap();
    found.map(|(parcel, version)| (parcel.weight, version)).expect("it is there")
}

/// The same, locked without waiting.
async fn lock(world: &World, tx: &mut dyn Tx, id: &str) -> (i64, i64) {
    let found = at_once(world, record::lock::<Parcel>(tx, id)).await.unwrap();
    found.map(|(parcel, version)| (parcel.weight, version)).expect("it is there")
}

async fn write(tx: &mut dyn Tx, id: &str, weight: i64, expect: Expect) -> Result<(), StoreError> {
    record::update(tx, &new(id, weight, None), expect).await
}

/// Each statement of read committed sees what was committed before it; repeatable read sees one state all along.
pub(crate) async fn a_read_is_repeatable_only_where_that_was_asked_for(world: &World) {
    for (isolation, id, again) in
        [(Isolation::ReadCommitted, "read twice", (2, 2)), (Isolation::RepeatableRead, "read again", (1, 1))]
    {
        put(world, &new(id, 1, None)).await;
        let mut reader = world.store.begin(isolation).await.unwrap();
        assert_eq!(read(world, &mut *reader, id).await, (1, 1));
        let mut writer = begin(world).await;
        at_once(world, write(&mut *writer, id, 2, Expect::Any)).await.unwrap();
        assert_eq!(read(world, &mut *reader, id).await, (1, 1), "nobody sees what is not committed");
        writer.commit().await.unwrap();
        assert_eq!(read(world, &mut *reader, id).await, again, "{isolation:?}");
        reader.commit().await.unwrap();
    }
}

/// Two add to what they have read; what the first one added is gone.
pub(crate) async fn an_update_without_a_version_is_lost_to_a_later_one(world: &World) {
    put(world, &new("lost update", 100, None)).await;
    let (mut first, mut second) = (begin(world).await, begin(world).await);
    let had = read(world, &mut *first, "lost update").await.0;
    assert_eq!(read(world, &mut *second, "lost update").await.0, had);
    at_once(world, write(&mut *first, "lost update", had + 10, Expect::Any)).await.unwrap();
    first.commit().await.unwrap();
    at_once(world, write(&mut *second, "lost update", had + 1, Expect::Any)).await.unwrap();
    second.commit().await.unwrap();
    let left = load(world, "lost update").await.map(|(parcel, version)| (parcel.weight, version));
    assert_eq!(left, Some((101, 3)), "both have written, and of 111 only the second part is left");
}

/// The same two, each with the version that it has read: the second one is told.
pub(crate) async fn of_two_who_have_read_a_version_one_may_write(world: &World) {
    put(world, &new("contended", 100, None)).await;
    let (mut first, mut second) = (begin(world).await, begin(world).await);
    let (had, version) = read(world, &mut *first, "contended").await;
    assert_eq!(read(world, &mut *second, "contended").await, (had, version));
    at_once(world, write(&mut *first, "contended", had + 10, Expect::Version(version))).await.unwrap();
    first.commit().await.unwrap();
    let late = at_once(world, write(&mut *second, "contended", had + 1, Expect::Version(version))).await;
    assert_eq!(late, Err(StoreError::Conflict));
    // That is no error to the database: the transaction goes on, and sees what has changed.
    let (has, version) = read(world, &mut *second, "contended").await;
    at_once(world, write(&mut *second, "contended", has + 1, Expect::Version(version))).await.unwrap();
    second.commit().await.unwrap();
    assert_eq!(load(world, "contended").await.map(|(parcel, version)| (parcel.weight, version)), Some((111, 3)));
}

/// The same two, each with the row locked before they read it: neither part is lost, whatever version they expect.
pub(crate) async fn of_two_who_read_to_write_the_second_waits_and_reads_what_the_first_wrote(world: &World) {
    for (commits, id, left) in [(true, "locked in turn", 111), (false, "locked in vain", 101)] {
        put(world, &new(id, 100, None)).await;
        let mut first = begin(world).await;
        let had = lock(world, &mut *first, id).await.0;
        write(&mut *first, id, had + 10, Expect::Any).await.unwrap();
        let store = Arc::clone(&world.store);
        let second = world.rt.spawn("second", async move {
            let mut tx = record::begin(&*store).await?;
            let (parcel, _) = record::lock::<Parcel>(&mut *tx, id).await?.expect("it is there");
            write(&mut *tx, id, parcel.weight + 1, Expect::Any).await?;
            tx.commit().await
        });
        let mut second = Box::pin(second.join());
        assert_eq!(world.rt.race(&mut second, world.rt.sleep(A_WHILE)).await, Either::Right(()), "it waits");
        if commits {
            first.commit().await.unwrap();
        } else {
            drop(first);
        }
        assert_eq!(at_once(world, second).await, Some(Ok(())));
        assert_eq!(load(world, id).await.map(|(parcel, _)| parcel.weight), Some(left));
    }
    let mut nobody = begin(world).await;
    assert_eq!(record::lock::<Parcel>(&mut *nobody, "no such row").await, Ok(None));
}

/// A lock holds up those who write or lock the same row, and nobody else; it is gone with its transaction.
pub(crate) async fn a_locked_row_can_be_read_and_not_written(world: &World) {
    put(world, &new("only locked", 1, None)).await;
    put(world, &new("beside it", 1, None)).await;
    let mut holder = begin(world).await;
    assert_eq!(lock(world, &mut *holder, "only locked").await, (1, 1));
    let mut other = begin(world).await;
    assert_eq!(read(world, &mut *other, "only locked").await, (1, 1), "a reader does not wait");
    assert_eq!(lock(world, &mut *other, "beside it").await, (1, 1), "another row is free");
    other.commit().await.unwrap();
    let store = Arc::clone(&world.store);
    let writer = world.rt.spawn("writer", async move {
        let mut tx = record::begin(&*store).await?;
        write(&mut *tx, "only locked", 2, Expect::Version(1)).await?;
        tx.commit().await
    });
    let mut writer = Box::pin(writer.join());
    assert_eq!(world.rt.race(&mut writer, world.rt.sleep(A_WHILE)).await, Either::Right(()), "a writer waits");
    holder.commit().await.unwrap();
    assert_eq!(at_once(world, writer).await, Some(Ok(())), "a lock alone changes no version");
}

/// Only a writer of the same row waits, and only until the first one is over, whether it has committed or not.
pub(crate) async fn a_second_writer_of_a_row_waits_and_nobody_else(world: &World) {
    for (commits, id, expected) in [(true, "blocked", Err(StoreError::Conflict)), (false, "freed", Ok(()))] {
        let beside = format!("beside {id}");
        put(world, &new(id, 1, None)).await;
        put(world, &new(&beside, 1, None)).await;
        let mut first = begin(world).await;
        at_once(world, write(&mut *first, id, 2, Expect::Version(1))).await.unwrap();
        let mut other = begin(world).await;
        assert_eq!(read(world, &mut *other, id).await, (1, 1), "a reader does not wait");
        at_once(world, write(&mut *other, &beside, 2, Expect::Version(1))).await.expect("another row is free");
        other.commit().await.unwrap();
        let store = Arc::clone(&world.store);
        let second = world.rt.spawn("second writer", async move {
            let mut tx = record::begin(&*store).await?;
            write(&mut *tx, id, 3, Expect::Version(1)).await
        });
        let mut second = Box::pin(second.join());
        let waiting = world.rt.race(&mut second, world.rt.sleep(A_WHILE)).await;
        assert_eq!(waiting, Either::Right(()), "it waits");
        if commits {
            first.commit().await.unwrap();
        } else {
            drop(first);
        }
        assert_eq!(at_once(world, second).await, Some(expected), "it goes on with the row as it is then");
    }
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

async fn repeatable_read_locks_no_row_that_changed(world: &World) {
    put(world, &new("locked late", 1, None)).await;
    let mut reader = world.store.begin(Isolation::RepeatableRead).await.unwrap();
    assert_eq!(read(world, &mut *reader, "locked late").await, (1, 1));
    let mut writer = begin(world).await;
    at_once(world, write(&mut *writer, "locked late", 2, Expect::Any)).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!(record::lock::<Parcel>(&mut *reader, "locked late").await, Err(StoreError::Serialization));
}

/// `FOR UPDATE SKIP LOCKED`.
pub(crate) async fn a_claimed_row_is_left_out_by_others(world: &World) {
    for n in 1..=3 {
        put(world, &new(&format!("claim-{n}"), 77, None)).await;
    }
    let claim = async |tx: &mut dyn Tx| {
        let claim = Scan { equals: vec![(parcel::weight, Value::Int(77))], limit: Some(2), claim: true, ..Scan::default() };
        let rows = at_once(world, record::scan::<Parcel>(tx, claim)).await.unwrap();
        rows.into_iter().map(|(row, _)| row.id.to_string()).collect::<Vec<_>>()
    };
    let (mut first, mut second) = (begin(world).await, begin(world).await);
    assert_eq!(claim(&mut *first).await, ["claim-1", "claim-2"]);
    assert_eq!(claim(&mut *second).await, ["claim-3"]);
    first.commit().await.unwrap();
    assert_eq!(claim(&mut *second).await, ["claim-1", "claim-2"]);
}

/// As many transactions as there are connections are open beside each other; one more waits, and gives up after a while.
pub(crate) async fn a_transaction_without_a_connection_waits_for_one_and_gives_up(world: &World) {
    put(world, &new("crowded", 1, None)).await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut tx = at_once(world, begin(world)).await;
        read(world, &mut *tx, "crowded").await;
        open.push(tx);
    }
    let before = world.rt.now();
    let refused = world.rt.timeout(2 * GIVES_UP, record::begin(&*world.store)).await.expect("it gives up").map(drop);
    assert_eq!(refused, Err(StoreError::Unavailable("no connection left".into())));
    assert!(world.rt.now() - before >= GIVES_UP);
    let store: Arc<dyn Store> = Arc::clone(&world.store);
    let next = world.rt.spawn("one more", async move {
        let mut tx = record::begin(&*store).await?;
        tx.get(Parcel::TABLE, &Value::text("crowded")).await.map(|found| found.is_some())
    });
    let mut next = Box::pin(next.join());
    assert_eq!(world.rt.race(&mut next, world.rt.sleep(A_WHILE)).await, Either::Right(()), "it waits");
    drop(open.pop());
    assert_eq!(at_once(world, next).await, Some(Ok(true)), "and has the first one that is free");
}
