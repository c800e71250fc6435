//! The suite at a broker of one's own choice: `LOUPE_BROKER=amqp://user:password@host:port/%2f`. With Docker it is part of the
//! tests of the containers world (`xtask/real/tests/containers/proxy.rs`).
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "where the broker is says the environment")]

mod suite;

#[test]
fn each_rule_does_at_a_real_broker_what_it_says() {
    let Ok(url) = std::env::var("LOUPE_BROKER") else {
        eprintln!("skipped: set LOUPE_BROKER to the address of a RabbitMQ to run it");
        return;
    };
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(suite::rules(&url));
}
