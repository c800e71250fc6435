//! Sequences drawn at random.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use world::broker::{Arguments, Overflow, QueueKind, Settle};

use super::sequence::{CONSUMERS, Dead, LONG, Profile, SHORT, Sequence, Step, To};

/// The sequences of a seed.
pub(crate) fn drawn(seed: u64, count: usize) -> impl Iterator<Item = impl ValueTree<Value = Sequence>> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
    let strategy = sequences();
    (0..count).map(move |_| strategy.new_tree(&mut runner).expect("nothing is filtered"))
}

fn sequences() -> impl Strategy<Value = Sequence> {
    profile().prop_flat_map(|profile| {
        // What expires in the queue must not come back to it later than a wait lasts.
        let retried = profile.dead == Dead::Retried;
        let single = step(!retried).prop_map(|step| vec![step]);
        // What comes back by way of the dead letters' queue has to be waited for, and rejected again.
        let chunk = if retried { prop_oneof![4 => single, 1 => round()].boxed() } else { single.boxed() };
        let chunks = if retried { 14..32usize } else { 20..48 };
        vec(chunk, chunks).prop_map(move |chunks| Sequence { profile: profile.clone(), steps: chunks.concat() })
    })
}

/// A message is rejected, and comes back after a while.
fn round() -> impl Strategy<Value = Vec<Step>> {
    (0..CONSUMERS)
        .prop_map(|consumer| vec![Step::Receive { consumer }, Step::Settle { consumer, nth: 0, how: Settle::Reject }, Step::Wait])
}

fn kind() -> impl Strategy<Value = QueueKind> + Clone {
    select(vec![QueueKind::Classic, QueueKind::Quorum])
}

fn profile() -> impl Strategy<Value = Profile> {
    let dead = prop_oneof![1 => Just(Dead::Unsaid), 1 => Just(Dead::Missing), 5 => Just(Dead::Kept), 4 => Just(Dead::Retried)];
    let ttl = option::weighted(0.25, Just(SHORT));
    let length = option::weighted(0.6, 1..3u32);
    let overflow = option::weighted(0.8, select(vec![Overflow::DropHead, Overflow::RejectPublish, Overflow::RejectPublishDlx]));
    let limit = option::weighted(0.6, -1..3i32);
    let priority = option::weighted(0.3, 1..5u8);
    let rest = (any::<bool>(), kind(), prop::bool::weighted(0.35), prop::bool::weighted(0.2));
    (kind(), dead, ttl, length, overflow, limit, priority, rest).prop_map(
        |(kind, dead, ttl, length, overflow, limit, priority, (dead_key, dead_kind, strays, single_active_consumer))| {
            let quorum = kind == QueueKind::Quorum;
            let retried = dead == Dead::Retried;
            let arguments = Arguments {
                message_ttl: ttl.filter(|_| !retried),
                max_length: length.filter(|_| !retried),
                overflow,
                delivery_limit: limit.filter(|_| quorum),
                max_priority: priority.filter(|_| !quorum),
                single_active_consumer,
                ..Arguments::NONE
            };
            Profile { kind, arguments, dead, dead_key, dead_kind, strays }
        },
    )
}

fn step(short: bool) -> impl Strategy<Value = Step> {
    let expiration = if short {
        prop_oneof![6 => Just(None), 1 => Just(Some(SHORT)), 1 => Just(Some(LONG))].boxed()
    } else {
        prop_oneof![7 => Just(None), 1 => Just(Some(LONG))].boxed()
    };
    let to = prop_oneof![8 => Just(To::Work), 1 => Just(To::Both), 1 => Just(To::Nowhere)];
    let flags = (prop::bool::weighted(0.8), any::<bool>(), prop::bool::weighted(0.8));
    let publish =
        (to, flags, option::of(0..7u8), expiration).prop_map(|(to, (confirm, mandatory, persistent), priority, expiration)| {
            Step::Publish { to, confirm, mandatory, persistent, priority, expiration }
        });
    let consumer = || 0..=CONSUMERS;
    let how = prop_oneof![3 => Just(Settle::Ack), 4 => Just(Settle::Requeue), 3 => Just(Settle::Reject)];
    prop_oneof![
        8 => publish,
        4 => (consumer(), 0..4u16).prop_map(|(consumer, prefetch)| Step::Open { consumer, prefetch }),
        8 => consumer().prop_map(|consumer| Step::Receive { consumer }),
        8 => (consumer(), 0..3usize, how).prop_map(|(consumer, nth, how)| Step::Settle { consumer, nth, how }),
        1 => consumer().prop_map(|consumer| Step::Close { consumer }),
        2 => Just(Step::Wait),
    ]
}
