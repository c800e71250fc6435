#[path = "../../../xtask/real/tests/containers/conformance/broker/on_the_model.rs"]
mod on_the_model;
#[path = "../../../xtask/real/tests/containers/conformance/broker/play.rs"]
mod play;
#[path = "../../../xtask/real/tests/containers/conformance/broker/reach.rs"]
mod reach;
#[path = "../../../xtask/real/tests/containers/conformance/broker/sequence.rs"]
mod sequence;
use proptest::strategy::ValueTree as _;
#[test]
fn reach_all() {
    let mut reach = reach::Reach::default();
    let t = std::time::Instant::now();
    for (n, tree) in sequence::drawn(1, 1_000).into_iter().enumerate() {
        let sequence = tree.current();
        let (played, fates) = on_the_model::on_the_model(&sequence);
        if n < 3 {
            for (s, seen) in sequence.steps.iter().zip(&played.seen) {
                eprintln!("{s:?} => {seen:?}");
            }
            for l in &played.seen[sequence.steps.len()..] {
                eprintln!("{l:?}");
            }
            eprintln!("{:?} busy {:?}", sequence.profile, played.busy);
        }
        assert!(!sequence.expires() || played.busy.as_millis() < 300, "{:?}", played.busy);
        reach.add(&sequence, &played.seen, &fates);
    }
    eprintln!("{reach} {:?}", t.elapsed());
    reach.check();
}
