//! Where the stack cannot be had: one clear error, and nothing left behind.

use std::{process::Command, time::Duration};

use containers::{Config, Error, Images, Limits, Rabbit, Stack};

use crate::gate;

fn config(images: Images, ready: Duration) -> Config {
    Config {
        images,
        app: std::path::PathBuf::new(),
        seed: 1,
        roles: Vec::new(),
        databases: vec!["db".into()],
        rabbit: Rabbit::default(),
        queue_of: [].into(),
        parking: Vec::new(),
        max_traces: 10,
        limits: Limits { ready, ..Limits::default() },
        open: None,
        breaks_broker: false,
        proxy: None,
        event_header: "x-event-id".into(),
        environment: "test".into(),
        slow_statement: Duration::from_secs(1),
    }
}

/// Starts what cannot start, and gives the error.
fn refused(images: Images, ready: Duration) -> Error {
    let error = gate::block_on(async { Stack::start(config(images, ready), &gate::silent).await.map(drop) }).unwrap_err();
    assert_eq!(gate::leftovers(), [""; 0], "{error}");
    error
}

#[test]
fn a_missing_image_is_named_with_the_variable_that_replaces_it() {
    if gate::containers() {
        let jaeger = "loupe.invalid/no-such-image:1".to_owned();
        let error = refused(Images { jaeger, ..Images::from_environment(gate::variable) }, Duration::from_secs(30));
        let text = error.to_string();
        assert!(matches!(error, Error::NoImage { .. }), "{text}");
        assert!(text.contains("loupe.invalid/no-such-image:1") && text.contains("LOUPE_IMAGE_JAEGER"), "{text}");
    }
}

#[test]
fn a_part_that_never_becomes_ready_is_given_up_with_its_log() {
    if gate::containers() {
        let images = Images::from_environment(gate::variable);
        // It runs, and never says what RabbitMQ says.
        let images = Images { rabbitmq: images.jaeger.clone(), ..images };
        let error = refused(images, Duration::from_secs(15));
        let text = error.to_string();
        assert!(matches!(error, Error::NotReady { .. }), "{text}");
        assert!(text.starts_with("rabbitmq did not become ready within 15 s") && text.contains("\n  | "), "{text}");
    }
}

#[test]
fn a_part_that_ends_by_itself_is_not_waited_for() {
    if gate::containers() {
        let images = Images::from_environment(gate::variable);
        // It wants a password.
        let images = Images { rabbitmq: images.postgres.clone(), ..images };
        let error = refused(images, Duration::from_secs(60));
        let text = error.to_string();
        assert!(matches!(error, Error::Ended { .. }), "{text}");
        assert!(text.starts_with("rabbitmq ended with code 1") && text.contains("superuser password"), "{text}");
    }
}

#[test]
fn a_cancelled_start_and_a_dropped_stack_leave_nothing() {
    if gate::containers() {
        gate::block_on(async {
            let start = Stack::start(config(Images::from_environment(gate::variable), Duration::from_secs(60)), &gate::silent);
            #[expect(clippy::disallowed_methods, reason = "no node of any world waits here")]
            let cut = tokio::time::timeout(Duration::from_millis(1500), start).await;
            assert!(cut.is_err(), "it was up too soon to be cancelled");
            assert_eq!(gate::leftovers(), [""; 0]);
            let stack = Stack::start(config(Images::from_environment(gate::variable), Duration::from_secs(60)), &gate::silent)
                .await
                .unwrap();
            drop(stack);
            assert_eq!(gate::leftovers(), [""; 0]);
        });
    }
}

#[test]
fn what_a_dead_run_left_is_removed_by_the_next() {
    if gate::containers() {
        let lock = std::env::temp_dir().join("loupe-runs").join("dead.lock");
        let label = format!("loupe.lock={}", lock.display());
        let network = format!("loupe-dead-{}", std::process::id());
        std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
        let labels = ["--label", "loupe.run=dead", "--label", &label];
        let made = Command::new("docker").args(["network", "create"]).args(labels).arg(&network).status();
        assert!(made.unwrap().success());
        // Any start sweeps first, also one that then fails.
        let base = "loupe.invalid/no-such-image:1".to_owned();
        refused(Images { base, ..Images::from_environment(gate::variable) }, Duration::from_secs(30));
        let listed = Command::new("docker").args(["network", "ls", "--quiet", "--filter", "name=loupe-dead"]).output().unwrap();
        assert_eq!(String::from_utf8(listed.stdout).unwrap(), "");
    }
}
