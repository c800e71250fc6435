//! Scans, claims and poll loops.

use world::{
    Either, record,
    store::{Direction, Expect, Scan, Value},
};

use crate::{
    stage::{ms, run_new, secs},
    store::{Purse, TABLES, add, amount, begin, purse, repeatable, two},
};

#[test]
fn claims_skip_what_others_hold() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let claim = |limit| Scan {
            equals: vec![(purse::state, Value::text("open"))],
            order_by: Some((purse::amount, Direction::Ascending)),
            limit: Some(limit),
            claim: true,
            ..Scan::default()
        };
        let ids = |rows: Vec<(Purse, i64)>| rows.into_iter().map(|(purse, _)| purse.id.to_string()).collect::<Vec<_>>();
        let (mut first, mut second) = (begin(&store).await, begin(&store).await);
        assert_eq!(ids(record::scan(&mut *first, claim(1)).await.unwrap()), ["a"]);
        assert_eq!(ids(record::scan(&mut *second, claim(5)).await.unwrap()), ["b"]);
        assert_eq!(ids(record::scan(&mut *first, claim(5)).await.unwrap()), ["a"], "one's own claims are not skipped");
        record::update(&mut *first, &purse("a", "shut", 100), Expect::Any).await.unwrap();
        first.commit().await.unwrap();
        drop(second);
        let mut third = begin(&store).await;
        assert_eq!(ids(record::scan(&mut *third, claim(5)).await.unwrap()), ["b"]);
    });
}

/// Rows by the way of a naive reader: filter all, sort, cut.
fn naive(rows: &[Purse], scan: &Scan) -> Vec<Purse> {
    use world::record::Record as _;
    let mut found: Vec<Purse> = rows.to_vec();
    found.retain(|row| scan.equals.iter().all(|(column, value)| row.to_row()[*column] == *value));
    found.retain(|row| scan.after.as_ref().is_none_or(|after| row.to_row()[0] > *after));
    let most = |row: &Purse| scan.at_most.is_none_or(|(column, most)| row.to_row()[column] <= Value::Int(most));
    found.retain(most);
    found.sort_by(|a, b| {
        let (a, b) = (a.to_row(), b.to_row());
        let by = scan.order_by.map_or(std::cmp::Ordering::Equal, |(by, direction)| direction.compare(&a[by], &b[by]));
        by.then_with(|| a[0].cmp(&b[0]))
    });
    found.into_iter().skip(scan.offset).take(scan.limit.unwrap_or(usize::MAX)).collect()
}

fn scans() -> Vec<Scan> {
    let mut scans = Vec::new();
    let open = (purse::state, Value::text("open"));
    for equals in [
        vec![],
        vec![open.clone()],
        vec![(purse::amount, Value::Int(3)), open.clone()],
        vec![open.clone(), (purse::card, Value::Null)],
        vec![(purse::amount, Value::Int(3))],
        vec![(purse::id, Value::text("p-007"))],
        vec![(purse::state, Value::text("nowhere"))],
    ] {
        for order_by in [
            None,
            Some((purse::amount, Direction::Ascending)),
            Some((purse::amount, Direction::Descending)),
            Some((purse::card, Direction::Descending)),
            Some((purse::id, Direction::Descending)),
            Some((purse::id, Direction::Ascending)),
        ] {
            for (limit, offset) in [(None, 0), (Some(5), 0), (Some(5), 3), (Some(1), 200), (Some(0), 0), (None, 4)] {
                for (after, most) in [(None, None), (Some(Value::text("p-04")), None), (None, Some(4))] {
                    let at_most = most.map(|most| (purse::amount, most));
                    scans.push(Scan { equals: equals.clone(), at_most, order_by, limit, offset, after, claim: false });
                }
            }
        }
    }
    scans
}

#[test]
fn every_way_to_scan_gives_what_a_naive_reader_finds() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let mut rows = vec![purse("a", "open", 100), purse("b", "open", 100)];
        let mut tx = begin(&store).await;
        for n in 0..120 {
            let card = (n % 7 == 0).then(|| format!("card-{}", (n * 37) % 120).into());
            let row = Purse { card, ..purse(&format!("p-{n:03}"), if n % 3 == 0 { "open" } else { "shut" }, n * 29 % 11) };
            record::insert(&mut *tx, &row).await.unwrap();
            rows.push(row);
        }
        tx.commit().await.unwrap();
        // Some move in the indexes, committed and not.
        let mut tx = begin(&store).await;
        for n in (0..122).step_by(5) {
            rows[n].state = if n % 2 == 0 { "open" } else { "shut" }.into();
            rows[n].amount = 3;
            if n == 60 {
                tx.commit().await.unwrap();
                tx = begin(&store).await;
            }
            record::update(&mut *tx, &rows[n], Expect::Any).await.unwrap();
        }
        for scan in scans() {
            let found: Vec<_> = record::scan::<Purse>(&mut *tx, scan.clone()).await.unwrap().into_iter().map(|it| it.0).collect();
            assert_eq!(found, naive(&rows, &scan), "{scan:?}");
        }
        tx.commit().await.unwrap();
        let mut tx = repeatable(&store).await;
        for scan in scans() {
            let found: Vec<_> = record::scan::<Purse>(&mut *tx, scan.clone()).await.unwrap().into_iter().map(|it| it.0).collect();
            assert_eq!(found, naive(&rows, &scan), "{scan:?}");
        }
    });
}

#[test]
fn a_poll_loop_turns_on_whole_multiples_after_changes_only() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let every = secs(1);
        let turn = || store.poll(TABLES[0], &[], every);
        turn().await;
        assert_eq!(world.rt.now(), secs(1), "the first turn comes in any case");
        assert!(matches!(world.rt.race(turn(), world.rt.sleep_until(ms(100_500))).await, Either::Right(())));
        assert_eq!(add(&world, "a", 1).join().await.unwrap(), (Ok(()), 100_504));
        turn().await;
        assert_eq!(world.rt.now(), secs(101), "a change before the turn");
        let later = world.rt.spawn("later", {
            let world = world.clone();
            async move {
                world.rt.sleep(ms(2_300)).await;
                add(&world, "a", 1).join().await
            }
        });
        turn().await;
        assert_eq!(world.rt.now(), secs(104), "a change while it waits");
        drop(later);
        let mut tx = begin(&store).await;
        amount(&mut *tx, "a").await;
        tx.commit().await.unwrap();
        let quiet = world.rt.race(turn(), world.rt.sleep(secs(10))).await;
        assert_eq!(quiet, Either::Right(()), "reading changes nothing");
    });
}

#[test]
fn a_poll_loop_sleeps_through_rows_that_it_does_not_want() {
    run_new(|world, _| async move {
        let store = two(&world).await;
        let wanted = [(0, Value::text("b"))];
        let turn = || store.poll(TABLES[0], &wanted, secs(1));
        turn().await;
        assert_eq!(add(&world, "a", 1).join().await.unwrap().0, Ok(()));
        let unwanted = world.rt.race(turn(), world.rt.sleep(secs(10))).await;
        assert_eq!(unwanted, Either::Right(()));
        assert_eq!(add(&world, "b", 1).join().await.unwrap().0, Ok(()));
        turn().await;
        assert_eq!(world.rt.now(), secs(12));
    });
}

#[test]
fn each_task_has_turns_of_its_own() {
    run_new(|world, _| async move {
        two(&world).await;
        let poller = |times: usize| {
            let world = world.clone();
            world.rt.clone().spawn("poller", async move {
                for _ in 0..times {
                    world.store.poll(TABLES[0], &[], secs(1)).await;
                }
                world.rt.now()
            })
        };
        let (a, b) = (poller(2), poller(2));
        world.rt.sleep(ms(4_200)).await;
        assert_eq!(add(&world, "a", 1).join().await.unwrap().0, Ok(()));
        assert_eq!((a.join().await, b.join().await), (Some(secs(5)), Some(secs(5))));
    });
}
