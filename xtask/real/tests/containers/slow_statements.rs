//! Statements that took long are found in Elasticsearch, by Postgres' own word: those of the run, without the values that stood in them.

use std::collections::BTreeSet;

use containers::Testimony;
use futures_util::future::join;
use http::Method;
use real::{Assembly, assembly};
use serde_json::{Value, json};
use signals::{Log, ecs, span::text};
use tokio_postgres::NoTls;
use world::World;

use crate::{gate, journey};

/// A hundred milliseconds, in nanoseconds: what the run calls slow.
const SLOW_NS: i64 = 100_000_000;

/// Runs statements, each a batch, on a connection of its own; what else there is to do is done from the second one on.
async fn run(url: &str, first: &str, others: &str, meanwhile: impl Future<Output = ()>) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let talk = async move {
        client.batch_execute(first).await.unwrap();
        join(async { client.batch_execute(others).await.unwrap() }, meanwhile).await;
    };
    join(talk, async { connection.await.unwrap() }).await;
}

/// A customer's model arrives while the table of the orders is locked: the service's statement waits.
async fn upload_behind_a_lock(world: &World, url: &str) {
    let order = journey::create(world, "internet-shop", "c-000001").await;
    let upload = async {
        let (status, answer) =
            journey::ask(world, "internet-shop", Method::PUT, &format!("/orders/{order}/model"), &json!("model")).await;
        assert_eq!(status, 200, "{answer}");
    };
    run(url, "begin; lock table orders in access exclusive mode", "select pg_sleep(1.5) as held; commit", upload).await;
}

/// All records that Elasticsearch has of a run.
async fn found(assembly: &Assembly) -> Vec<Value> {
    let (address, run) = (assembly.stack().shipping().unwrap().address().await.unwrap(), assembly.stack().run());
    let answer = reqwest::get(format!("{address}/logs-*.loupe-{run}-*/_search?size=10000")).await.unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    let Value::Array(hits) = answer["hits"]["hits"].take() else { panic!("{answer}") };
    hits.into_iter().map(|mut hit| hit["_source"].take()).collect()
}

/// The slow statements among log records.
fn slow(testimony: &Testimony) -> Vec<&Log> {
    assert_eq!(testimony.unavailable, None);
    testimony.logs.iter().filter(|log| log.action == ecs::SLOW_QUERY.0).collect()
}

/// The numbers of the records that the shop's server has made.
fn numbers(testimony: &Testimony) -> Vec<u64> {
    slow(testimony).iter().filter(|log| &*log.resource.service == "postgres-shop").map(|log| log.number).collect()
}

#[test]
fn a_slow_statement_is_found_with_its_duration_and_no_fast_one_and_none_of_another_run() {
    if !gate::containers() {
        return;
    }
    gate::block_on(async {
        let config = assembly::config(&gate::scenario(journey::QUICK), gate::place()).unwrap();
        let assembly = Assembly::start(config, &gate::silent).await.unwrap_or_else(|error| panic!("{error}"));
        let (id, world) = (assembly.stack().run().to_owned(), assembly.stage().world);
        let url = assembly.stack().database("shop").await.unwrap().unwrap();
        run(&url, "select 'Ivanov' as slept, pg_sleep(0.3)", "select 'Ivanov' as fast", async {}).await;
        upload_behind_a_lock(&world, &url).await;

        // To the server it is what another run is: a database of another name, which notes even more.
        let other = url.replace(&format!("/loupe-{id}"), &format!("/other-{id}"));
        run(&url, &format!("create database \"other-{id}\""), "", async {}).await;
        let noting = format!("alter database \"other-{id}\" set log_min_duration_statement = 0");
        run(&url, &noting, "", async {}).await;
        run(&other, "select pg_sleep(0.3) as others", "", async {}).await;
        run(&url, &format!("drop database \"other-{id}\" with (force)"), "", async {}).await;

        let testimony = assembly.testimony().await;
        let before = numbers(&testimony);
        // Told again, none of them is there twice.
        let testimony = assembly.testimony().await;
        let after = numbers(&testimony);
        assert!(after.len() >= before.len() && after.iter().copied().eq(1..=after.len() as u64), "{before:?} {after:?}");
        the_run_s_are_there_and_no_others(&found(&assembly).await, &slow(&testimony));
        assembly.end().await.unwrap();
    });
}

fn the_run_s_are_there_and_no_others(records: &[Value], heard: &[&Log]) {
    let schema = serde_json::from_str(include_str!("../../../../reports/log.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for record in records {
        let errors: Vec<_> = validator.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{record}");
    }
    let slow = records.iter().filter(|record| record["event.action"] == ecs::SLOW_QUERY.0);
    let slow: Vec<(&str, i64)> =
        slow.map(|record| (record[ecs::DB_QUERY].as_str().unwrap(), record[ecs::DURATION].as_i64().unwrap())).collect();
    eprintln!("{slow:#?}");
    let took = |part: &str| slow.iter().find(|(statement, _)| statement.contains(part)).map(|(_, took_ns)| *took_ns);
    assert!(took("select ? as slept, pg_sleep(?)").is_some_and(|ns| (3 * SLOW_NS..100 * SLOW_NS).contains(&ns)));
    // The service's own statement, which waited for the lock.
    assert!(took("from \"orders\" where \"id\" = $1").is_some_and(|ns| (SLOW_NS..100 * SLOW_NS).contains(&ns)));
    assert_eq!((took("as fast"), took("as others"), took("Ivanov")), (None, None, None));
    assert!(slow.iter().all(|(_, took_ns)| *took_ns >= SLOW_NS));
    let asked: BTreeSet<&str> = slow.iter().map(|(statement, _)| *statement).collect();
    assert_eq!(asked, heard.iter().filter_map(|log| text(&log.fields, ecs::DB_QUERY)).collect());
}
