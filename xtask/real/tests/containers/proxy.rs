//! The fault proxy at a RabbitMQ of its own: each rule does what it says (`chaos/proxy/tests/suite`).

use containers::{Alone, Images, Limits, Setup};

use crate::{gate, proxied};

#[test]
fn each_rule_of_the_proxy_does_at_a_real_broker_what_it_says() {
    if gate::containers() {
        gate::block_on(async {
            let images = Images::from_environment(gate::variable);
            let started = Alone::start(&images, Setup::default(), Limits::default()).await;
            let alone = started.unwrap_or_else(|error| panic!("{error}"));
            proxied::rules(&alone.url().await.unwrap()).await;
            alone.end().await.unwrap();
        });
    }
}
