//! Isolation, locks, indexes and poll loops of the databases.

use std::sync::Arc;

use simulated::{Config, Models, Simulation};
use world::{
    Node, World,
    record::{self, Record as _, Serial},
    store::{Direction, Expect, Isolation, Scan, Store, StoreError, Table, Tx, Value},
};

use crate::stage::{ms, run, run_new, secs};

world::record! {
    /// An account.
    pub(crate) struct Purse in "purse" [column purse] {
        /// Whose it is.
        id: Arc<str>,
        /// Its state.
        state: Arc<str>,
        /// What is in it.
        amount: i64,
        /// A card that belongs to it alone.
        card: Option<Arc<str>>,
    }
    index [purse::state, purse::amount] [purse::state, purse::card];
    unique [purse::card];
}

world::record! {
    /// Something that happened.
    pub(crate) struct Entry in "entry" [column entry] {
        /// Its number.
        seq: Serial,
        /// What.
        what: Arc<str>,
    }
    index;
    unique;
}

pub(crate) const TABLES: [&world::store::Table; 2] =
    [<Purse as world::record::Record>::TABLE, <Entry as world::record::Record>::TABLE];

pub(crate) fn purse(id: &str, state: &str, amount: i64) -> Purse {
    Purse { id: id.into(), state: state.into(), amount, card: None }
}

pub(crate) async fn begin(store: &Arc<dyn Store>) -> Box<dyn Tx> {
    store.begin(Isolation::ReadCommitted).await.unwrap()
}

pub(crate) async fn repeatable(store: &Arc<dyn Store>) -> Box<dyn Tx> {
    store.begin(Isolation::RepeatableRead).await.unwrap()
}

pub(crate) async fn amount(tx: &mut dyn Tx, id: &str) -> Option<(i64, i64)> {
    let found = record::load::<Purse>(tx, id).await.unwrap();
    found.map(|(purse, version)| (purse.amount, version))
}

async fn put(tx: &mut dyn Tx, id: &str, amount: i64) -> Result<(), StoreError> {
    record::update(tx, &purse(id, "open", amount), Expect::Any).await
}

/// Purses `a` and `b` with 100 each.
pub(crate) async fn two(world: &World) -> Arc<dyn Store> {
    let store = Arc::clone(&world.store);
    store.migrate(&TABLES).await.unwrap();
    let mut tx = begin(&store).await;
    for id in ["a", "b"] {
        record::insert(&mut *tx, &purse(id, "open", 100)).await.unwrap();
    }
    tx.commit().await.unwrap();
    store
}

#[test]
fn each_statement_costs_a_round_trip_and_a_commit_the_disk_too() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let before = world.rt.now();
        let mut tx = begin(&store).await;
        assert_eq!(world.rt.now(), before);
        amount(&mut *tx, "a").await;
        put(&mut *tx, "a", 1).await.unwrap();
        assert_eq!(world.rt.now() - before, ms(2));
        tx.commit().await.unwrap();
        assert_eq!(world.rt.now() - before, ms(4));
    });
}

/// How long a page of purses takes among so many.
fn page_among(rows: i64, table: &'static Table) -> u64 {
    let simulation = Simulation::new(&Config::new(1));
    // Whoever keeps the ledger reads for nothing: this is a service.
    let world = simulation.world(Node::first("service"), "db");
    run(&simulation, move |_, _| async move {
        let store = Arc::clone(&world.store);
        store.migrate(&[table]).await.unwrap();
        let mut tx = begin(&store).await;
        for number in 0..rows {
            let state = if number % 100 == 0 { "open" } else { "closed" };
            tx.insert(table, purse(&format!("{number:06}"), state, number).to_row()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let before = world.rt.now();
        let mut tx = begin(&store).await;
        let open = (purse::state, Value::text("open"));
        let by = Some((purse::amount, Direction::Ascending));
        let page = Scan { equals: vec![open], order_by: by, limit: Some(10), offset: 20, ..Scan::default() };
        assert_eq!(tx.scan(table, page).await.unwrap().len(), 10, "the answer is the same");
        u64::try_from((world.rt.now() - before).as_millis()).unwrap()
    })
}

#[test]
fn a_page_without_an_index_takes_as_long_as_the_table_is_and_with_one_as_long_as_the_page() {
    static BARE: Table = Table { indexed: false, ..*Purse::TABLE };
    // A round trip, and one millisecond for each 3,500 rows.
    assert_eq!([3_400, 3_500, 35_000].map(|rows| page_among(rows, &BARE)), [1, 2, 11]);
    assert_eq!(page_among(35_000, Purse::TABLE), 1);
}

#[test]
fn own_writes_are_seen_and_others_only_once_committed() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let (mut writer, mut reader) = (begin(&store).await, begin(&store).await);
        put(&mut *writer, "a", 70).await.unwrap();
        record::insert(&mut *writer, &purse("c", "open", 5)).await.unwrap();
        assert_eq!(amount(&mut *writer, "a").await, Some((70, 2)));
        assert_eq!(amount(&mut *writer, "c").await, Some((5, 1)));
        assert_eq!(amount(&mut *reader, "a").await, Some((100, 1)));
        assert_eq!(amount(&mut *reader, "c").await, None);
        writer.commit().await.unwrap();
        // Read committed: not repeatable.
        assert_eq!(amount(&mut *reader, "a").await, Some((70, 2)));
        assert_eq!(amount(&mut *reader, "c").await, Some((5, 1)));
    });
}

#[test]
fn a_dropped_transaction_leaves_nothing() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let mut tx = begin(&store).await;
        put(&mut *tx, "a", 70).await.unwrap();
        record::insert(&mut *tx, &purse("c", "open", 5)).await.unwrap();
        drop(tx);
        let mut tx = begin(&store).await;
        assert_eq!(amount(&mut *tx, "a").await, Some((100, 1)));
        assert_eq!(amount(&mut *tx, "c").await, None);
        record::insert(&mut *tx, &purse("c", "open", 6)).await.unwrap();
        put(&mut *tx, "a", 71).await.unwrap();
        tx.commit().await.unwrap();
    });
}

#[test]
fn repeatable_read_keeps_its_snapshot_and_refuses_to_write_what_has_changed() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let mut old = repeatable(&store).await;
        assert_eq!(amount(&mut *old, "b").await, Some((100, 1)));
        let mut other = begin(&store).await;
        put(&mut *other, "a", 1).await.unwrap();
        record::insert(&mut *other, &purse("c", "open", 5)).await.unwrap();
        other.commit().await.unwrap();
        assert_eq!(amount(&mut *old, "a").await, Some((100, 1)));
        assert_eq!(amount(&mut *old, "c").await, None);
        let open = Scan { equals: vec![(purse::state, Value::text("open"))], ..Scan::default() };
        let seen: Vec<_> = record::scan::<Purse>(&mut *old, open).await.unwrap().into_iter().map(|it| it.0.amount).collect();
        assert_eq!(seen, [100, 100]);
        put(&mut *old, "b", 3).await.unwrap();
        assert_eq!(put(&mut *old, "a", 2).await, Err(StoreError::Serialization));
        assert!(
            matches!(old.get(TABLES[0], &Value::text("a")).await, Err(StoreError::Unavailable(text)) if text.starts_with("25P02"))
        );
        assert!(old.commit().await.is_err(), "it was ended by the error");
        let mut now = begin(&store).await;
        assert_eq!(amount(&mut *now, "b").await, Some((100, 1)));
    });
}

#[test]
fn without_a_version_the_last_writer_wins_and_with_one_it_is_told() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        for (expect, second) in [(Expect::Any, Ok(())), (Expect::Version(2), Err(StoreError::Conflict))] {
            let (mut first, mut other) = (begin(&store).await, begin(&store).await);
            let (had, version) = amount(&mut *first, "a").await.unwrap();
            assert_eq!(amount(&mut *other, "a").await, Some((had, version)));
            put(&mut *first, "a", had + 10).await.unwrap();
            first.commit().await.unwrap();
            let expect = if expect == Expect::Any { expect } else { Expect::Version(version) };
            assert_eq!(record::update(&mut *other, &purse("a", "open", had + 1), expect).await, second);
            other.commit().await.unwrap();
        }
        let mut tx = begin(&store).await;
        // The lost update: 100 + 1, not 100 + 10 + 1; then the conflict left 101 + 10.
        assert_eq!(amount(&mut *tx, "a").await, Some((111, 4)));
        assert_eq!(put(&mut *tx, "nobody", 1).await, Err(StoreError::Conflict));
    });
}

/// A task that adds to a purse in a transaction of its own, and says when it was done.
pub(crate) fn add(world: &World, id: &'static str, plus: i64) -> world::Task<(Result<(), StoreError>, u128)> {
    let (rt, store) = (world.rt.clone(), Arc::clone(&world.store));
    world.rt.spawn("add", async move {
        let mut tx = begin(&store).await;
        let (had, _) = amount(&mut *tx, id).await.unwrap();
        let result = put(&mut *tx, id, had + plus).await;
        if result.is_ok() {
            tx.commit().await.unwrap();
        }
        (result, rt.now().as_millis())
    })
}

#[test]
fn a_second_writer_waits_for_the_first_and_goes_on_in_turn() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let mut first = begin(&store).await;
        put(&mut *first, "a", 1).await.unwrap();
        let mut tasks = Vec::new();
        for plus in [10, 20, 30] {
            tasks.push(add(&world, "a", plus));
            world.rt.sleep(ms(10)).await;
        }
        let unrelated = add(&world, "b", 5);
        assert!(unrelated.join().await.unwrap().0.is_ok(), "only the row is locked");
        world.rt.sleep(secs(60)).await;
        let released = world.rt.now().as_millis() + 2;
        first.commit().await.unwrap();
        let mut ends = Vec::new();
        for task in tasks {
            let (result, at) = task.join().await.unwrap();
            assert_eq!(result, Ok(()));
            ends.push(at - released);
        }
        assert_eq!(ends, [2, 4, 6], "each holds the row until it has committed");
        let mut tx = begin(&store).await;
        assert_eq!(amount(&mut *tx, "a").await, Some((130, 5)), "each had read 100 before it waited");
    });
}

#[test]
fn a_writer_that_gives_up_leaves_the_queue() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let mut first = begin(&store).await;
        put(&mut *first, "a", 1).await.unwrap();
        let mut second = begin(&store).await;
        assert!(world.rt.timeout(secs(1), put(&mut *second, "a", 2)).await.is_err());
        let third = add(&world, "a", 3);
        world.rt.sleep(ms(10)).await;
        first.commit().await.unwrap();
        assert_eq!(third.join().await.unwrap().0, Ok(()));
        assert_eq!(amount(&mut *second, "a").await, Some((103, 3)));
    });
}

#[test]
fn whoever_closes_a_circle_of_waiting_is_told() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let mut mine = begin(&store).await;
        put(&mut *mine, "a", 1).await.unwrap();
        let theirs = world.rt.spawn("other", {
            let store = Arc::clone(&store);
            async move {
                let mut tx = begin(&store).await;
                put(&mut *tx, "b", 2).await.unwrap();
                put(&mut *tx, "a", 2).await.unwrap();
                tx.commit().await
            }
        });
        world.rt.sleep(ms(10)).await;
        assert_eq!(put(&mut *mine, "b", 1).await, Err(StoreError::Deadlock));
        // Its transaction is over, though it has not been dropped: the other one goes on.
        assert_eq!(theirs.join().await, Some(Ok(())));
        let mut tx = begin(&store).await;
        assert_eq!((amount(&mut *tx, "a").await, amount(&mut *tx, "b").await), (Some((2, 2)), Some((2, 2))));
    });
}

#[test]
fn a_node_that_dies_rolls_back_and_lets_others_on() {
    let simulation = Simulation::new(&Config::new(1));
    let victim = simulation.world(Node::first("victim"), "db");
    run(&simulation, |world, models| async move {
        let store = two(&world).await;
        let held = victim.rt.clone().spawn("holds", async move {
            let mut tx = begin(&victim.store).await;
            put(&mut *tx, "a", 1).await.unwrap();
            std::future::pending::<()>().await;
        });
        world.rt.sleep(ms(5)).await;
        let waiting = add(&world, "a", 10);
        world.rt.sleep(ms(5)).await;
        models.kill(Node::first("victim"));
        assert_eq!(held.join().await, None);
        assert_eq!(waiting.join().await.unwrap().0, Ok(()));
        let mut tx = begin(&store).await;
        assert_eq!(amount(&mut *tx, "a").await, Some((110, 2)));
    });
}

#[test]
fn a_unique_key_is_taken_once_it_is_put_in_and_free_again_after_a_rollback() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let with = |id: &str, card: &str| Purse { card: Some(card.into()), ..purse(id, "open", 0) };
        for commits in [false, true] {
            let id = if commits { "y" } else { "x" };
            let mut first = begin(&store).await;
            record::insert(&mut *first, &with("first", "visa")).await.unwrap();
            let second = world.rt.spawn("second", {
                let (store, row) = (Arc::clone(&store), with(id, "visa"));
                async move {
                    let mut tx = begin(&store).await;
                    record::insert(&mut *tx, &row).await
                }
            });
            world.rt.sleep(secs(1)).await;
            if commits {
                first.commit().await.unwrap();
            } else {
                drop(first);
            }
            let expected = if commits { Err(StoreError::Duplicate("purse")) } else { Ok(()) };
            assert_eq!(second.join().await, Some(expected));
        }
        let mut tx = begin(&store).await;
        assert_eq!(record::insert(&mut *tx, &purse("a", "open", 0)).await, Err(StoreError::Duplicate("purse")));
        let mut tx = begin(&store).await;
        assert_eq!(record::update(&mut *tx, &with("a", "visa"), Expect::Any).await, Err(StoreError::Duplicate("purse")));
        // NULL is equal to nothing: both purses have no card.
        let mut tx = begin(&store).await;
        record::update(&mut *tx, &with("first", "master"), Expect::Any).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = begin(&store).await;
        record::update(&mut *tx, &with("a", "visa"), Expect::Any).await.unwrap();
        tx.commit().await.unwrap();
    });
}

#[test]
fn a_serial_key_counts_also_what_is_rolled_back() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let entry = |what: &str| Entry { seq: Serial(99), what: what.into() };
        let mut tx = begin(&store).await;
        record::insert(&mut *tx, &entry("one")).await.unwrap();
        record::insert(&mut *tx, &entry("two")).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = begin(&store).await;
        record::insert(&mut *tx, &entry("dropped")).await.unwrap();
        drop(tx);
        let mut tx = begin(&store).await;
        record::insert(&mut *tx, &entry("three")).await.unwrap();
        let all = record::scan::<Entry>(&mut *tx, Scan::default()).await.unwrap();
        assert_eq!(all.iter().map(|(entry, _)| entry.seq.0).collect::<Vec<_>>(), [1, 2, 4]);
    });
}

#[test]
fn databases_are_apart_and_nodes_share_them() {
    let simulation = Simulation::new(&Config::new(1));
    let other = simulation.world(Node::first("other"), "elsewhere");
    let same = simulation.world(Node::first("same"), "db");
    run(&simulation, |world, models: Models| async move {
        two(&world).await;
        assert!(matches!(begin(&other.store).await.get(TABLES[0], &Value::text("a")).await, Err(StoreError::Unavailable(_))));
        for store in [same.store, models.store("db")] {
            let mut tx = begin(&store).await;
            assert_eq!(amount(&mut *tx, "a").await, Some((100, 1)));
        }
    });
}
