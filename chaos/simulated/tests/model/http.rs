//! Links between services, and the object store beside them.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use axum::{Router, extract::State, routing::post};
use bytes::Bytes;
use http::{Request, StatusCode};
use simulated::{Config, HttpSettings, Simulation};
use world::{Node, World, files::FilesError, http::HttpError};

use crate::stage::{ms, run, run_new, secs};

const MES: Node = Node::first("mes");

fn request(path: &str) -> Request<Bytes> {
    Request::post(path).body(Bytes::from_static(b"body")).unwrap()
}

async fn slow(State((world, done)): State<(World, Arc<AtomicU32>)>, body: String) -> (StatusCode, String) {
    world.rt.sleep(secs(5400)).await;
    done.fetch_add(1, SeqCst);
    (StatusCode::CREATED, format!("{} {body}", world.rt.node()))
}

/// Calls and keeps the answer's body.
async fn call(world: &World, service: &str, path: &str) -> Result<String, HttpError> {
    let answer = world.http.call(service, request(path)).await?;
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}

/// A service with a long call; counts the calls that came to their end.
fn mes(simulation: &Simulation, node: Node) -> Arc<AtomicU32> {
    let done = Arc::new(AtomicU32::new(0));
    let state = Arc::clone(&done);
    simulation.start(node, "mes", move |world| {
        let router = Router::new().route("/price", post(slow)).with_state((world.clone(), Arc::clone(&state)));
        drop(world.rt.clone().spawn("serve", async move { world.http.serve(router).await }));
    });
    done
}

#[test]
fn a_call_takes_the_link_twice_and_as_long_as_the_callee_does() {
    let simulation = Simulation::new(&Config::new(1));
    mes(&simulation, MES);
    run(&simulation, |world, _| async move {
        let response = world.http.call("mes", request("/price")).await.unwrap();
        assert_eq!((response.status(), response.body().as_ref()), (StatusCode::CREATED, &b"mes-1.1 body"[..]));
        assert_eq!(world.rt.now(), secs(5400) + ms(2));
        assert_eq!(world.http.call("mes", request("/nothing")).await.unwrap().status(), StatusCode::NOT_FOUND);
    });
}

#[test]
fn a_node_that_stops_answers_what_it_has_taken_and_takes_no_more() {
    let simulation = Simulation::new(&Config::new(1));
    let done = mes(&simulation, MES);
    let callee = simulation.world(MES, "mes").http;
    run(&simulation, |world, _| async move {
        let caller = world.clone();
        let taken = world.rt.spawn("caller", async move { call(&caller, "mes", "/price").await });
        world.rt.sleep(secs(60)).await;
        let stopping = world.rt.spawn("stop", async move { callee.stop().await });
        world.rt.sleep(secs(60)).await;
        assert_eq!(call(&world, "mes", "/price").await, Err(HttpError::Refused("mes".into())));
        stopping.join().await.unwrap();
        assert_eq!(done.load(SeqCst), 1, "it ends when the last request does");
        assert_eq!(taken.join().await.unwrap().as_deref(), Ok("mes-1.1 body"));
    });
}

#[test]
fn nobody_there_refuses_and_a_dying_callee_resets() {
    let simulation = Simulation::new(&Config::new(1));
    let done = mes(&simulation, MES);
    run(&simulation, |world, models| async move {
        assert_eq!(call(&world, "nobody", "/").await, Err(HttpError::Refused("nobody".into())));
        let calling = world.rt.spawn("call", {
            let world = world.clone();
            async move { (call(&world, "mes", "/price").await, world.rt.now()) }
        });
        world.rt.sleep(secs(60)).await;
        let killed = world.rt.now();
        models.kill(MES);
        assert_eq!(calling.join().await, Some((Err(HttpError::Reset("mes".into())), killed + ms(1))));
        assert_eq!(call(&world, "mes", "/price").await, Err(HttpError::Refused("mes".into())));
        models.start_again("mes");
        world.rt.sleep(ms(1)).await;
        assert_eq!(call(&world, "mes", "/price").await.unwrap(), "mes-1.2 body");
    });
    assert_eq!(done.load(SeqCst), 1);
}

#[test]
fn a_caller_that_dies_or_gives_up_does_not_stop_the_callee() {
    let http = HttpSettings { timeout: secs(3600), ..HttpSettings::default() };
    let simulation = Simulation::new(&Config { http, ..Config::new(1) });
    let done = mes(&simulation, MES);
    let caller = simulation.world(Node::first("caller"), "db");
    run(&simulation, |world, models| async move {
        assert_eq!(call(&world, "mes", "/price").await, Err(HttpError::Timeout("mes".into())));
        assert_eq!(world.rt.now(), secs(3600));
        drop(caller.rt.clone().spawn("call", async move { caller.http.call("mes", request("/price")).await }));
        world.rt.sleep(secs(1)).await;
        models.kill(Node::first("caller"));
        world.rt.sleep(secs(6000)).await;
    });
    assert_eq!(done.load(SeqCst), 2);
}

#[test]
fn instances_of_a_service_take_turns() {
    let simulation = Simulation::new(&Config::new(1));
    mes(&simulation, MES);
    mes(&simulation, Node { instance: 2, ..MES });
    run(&simulation, |world, _| async move {
        world.rt.sleep(ms(1)).await;
        let mut answers = Vec::new();
        for _ in 0..4 {
            let response = world.http.call("mes", request("/price")).await.unwrap();
            answers.push(String::from_utf8_lossy(&response.body()[..7]).into_owned());
        }
        answers.sort();
        assert_eq!(answers, ["mes-1.1", "mes-1.1", "mes-2.1", "mes-2.1"]);
    });
}

#[test]
fn files_are_replaced_read_and_measured() {
    run_new(|world, _| async move {
        let files = &world.files;
        assert_eq!(files.get("models/o-1").await, Err(FilesError::Missing("models/o-1".into())));
        assert_eq!(files.size("models/o-1").await, Err(FilesError::Missing("models/o-1".into())));
        let before = world.rt.now();
        files.put("models/o-1", Bytes::from_static(b"draft")).await.unwrap();
        files.put("models/o-1", Bytes::from_static(b"solid ring")).await.unwrap();
        assert_eq!(files.get("models/o-1").await, Ok(Bytes::from_static(b"solid ring")));
        assert_eq!(files.size("models/o-1").await, Ok(10));
        assert_eq!(world.rt.now() - before, ms(8));
    });
}
