//! What the broker lets see of itself carries a cause further than spans do, and never further than it goes.

use detector::{Detector, Finding};
use signals::{Counters, Passage, QueueCounters, Scrape, Silence, firehose::At};

use crate::trace::{CALM, END, T0, duration, finish, line, of, seen, spans, until, with, without};

/// What the broker let see, in any order.
#[derive(Clone, Default)]
struct Broker {
    scrapes: Vec<Scrape>,
    passages: Vec<Passage>,
    silences: Vec<Silence>,
}

impl Broker {
    /// A look at a broker that runs since a time: ready, unacked, published and acked of the factory's queue.
    fn look(self, at: &str, since: &str, counts: [u64; 4]) -> Self {
        self.look_with(at, since, counts, (0, 0))
    }

    /// The same with the number of messages that were delivered again, and that no queue was bound for.
    fn look_with(mut self, at: &str, since: &str, counts: [u64; 4], (redelivered, unroutable_dropped): (u64, u64)) -> Self {
        let [ready, unacked, published, acked] = counts;
        let queue = "mes.orders".into();
        let queues = vec![QueueCounters { queue, ready, unacked, published, delivered: acked + unacked, redelivered, acked }];
        let since_ns = T0 + duration(since);
        self.scrape(at, Some(Counters { since_ns, unroutable_dropped, unroutable_returned: 0, queues }));
        self
    }

    fn no_answer(mut self, at: &str) -> Self {
        self.scrape(at, None);
        self
    }

    fn scrape(&mut self, at: &str, broker: Option<Counters>) {
        let at_ns = T0 + duration(at);
        self.scrapes.push(Scrape { at_ns, until_ns: at_ns, broker });
    }

    fn published(self, at: &str, message: &str, queues: &[&str]) -> Self {
        let queues = queues.iter().map(|queue| (*queue).into()).collect();
        self.passed(at, message, At::Publish { exchange: "orders".into(), queues })
    }

    fn handed(self, at: &str, message: &str, redelivered: bool) -> Self {
        self.passed(at, message, At::Deliver { queue: "mes.orders".into(), redelivered })
    }

    fn passed(mut self, at_time: &str, message: &str, at: At) -> Self {
        self.passages.push(Passage {
            at_ns: T0 + duration(at_time),
            at,
            routing_key: "order.submitted".into(),
            message_id: message.into(),
            correlation_id: "o-1".into(),
            headers: Vec::new(),
        });
        self
    }

    fn silent(mut self, from: &str, until: &str) -> Self {
        self.silences.push(Silence { from_ns: T0 + duration(from), until_ns: T0 + duration(until) });
        self
    }

    fn tell(&self, detector: &mut Detector) {
        self.scrapes.iter().for_each(|scrape| detector.observe_counters(scrape.clone()));
        self.passages.iter().for_each(|passage| detector.observe_passage(passage));
        self.silences.iter().for_each(|silence| detector.observe_silence(*silence));
    }
}

/// What is said of the order of a text, beside a calm one.
fn finding(text: &str, broker: &Broker) -> Finding {
    let mut detector = seen(&spans(&format!("{}\n{text}", of("o-calm", CALM))));
    broker.tell(&mut detector);
    finish(detector, END).remove(0)
}

/// Verdict, hop, cause and tier; then the records it rests on.
#[track_caller]
fn check(text: &str, broker: &Broker, expected: &str, records: &[&str]) {
    let finding = finding(text, broker);
    let said = line(&finding);
    let said = said.split(", alarm").next().unwrap();
    assert_eq!(said, expected, "{finding:#?}");
    let rests_on: Vec<String> = finding.records.iter().map(|said| format!("{}: {}", said.name, said.says)).collect();
    assert_eq!(rests_on, records);
}

/// A message that was sent at 13m1s and never received.
fn vanished() -> String {
    until(CALM, "receives order.submitted")
}

const NEVER_RECEIVED: &str = "lost, at order.submitted transit";

#[test]
fn without_the_brokers_word_a_vanished_message_has_vanished() {
    check(&vanished(), &Broker::default(), &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
    // Looks that lie before it say nothing of it.
    let before = Broker::default().look("12m", "0s", [0, 0, 4, 4]);
    check(&vanished(), &before, &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
}

#[test]
fn counters_tell_what_went_down_with_the_broker_from_what_never_came() {
    let up = Broker::default().look("12m", "0s", [2, 1, 4, 1]);
    let waits = up.clone().look("14m", "0s", [3, 1, 5, 1]);
    let down = |broker: Broker| broker.no_answer("15m").no_answer("16m").look("17m", "16m30s", [0, 0, 0, 0]);
    let gone = format!("{NEVER_RECEIVED}, gone_with_broker(C)");
    let restarted = "broker: has run for 30.0 s";
    check(&vanished(), &down(waits), &gone, &["mes.orders: 3 ready, 1 unacked; 5 published, 1 acked", restarted]);
    // Nobody looked between the sending and the end.
    check(&vanished(), &down(up.clone()), &gone, &["mes.orders: 2 ready, 1 unacked; 4 published, 1 acked", restarted]);
    // The queue was empty before the broker went down, and has counted nothing since before the sending.
    let empty = up.clone().look("14m", "0s", [0, 0, 4, 4]);
    let never = format!("{NEVER_RECEIVED}, never_queued(C)");
    let counts = "mes.orders: 2 ready, 1 unacked; 4 published, 1 acked";
    check(&vanished(), &down(empty), &never, &[counts, "mes.orders: 0 ready, 0 unacked; 4 published, 4 acked"]);
    // It was empty, but others came meanwhile: was it among them?
    let others = up.look("14m", "0s", [0, 0, 6, 6]);
    check(&vanished(), &down(others), &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
}

#[test]
fn a_look_may_be_a_little_older_than_its_time() {
    // Right after the sending the queue still seems empty.
    let stale = Broker::default().look("12m", "0s", [0, 0, 4, 4]).look("13m2s", "0s", [0, 0, 4, 4]);
    let down = stale.no_answer("14m").look("15m", "14m30s", [0, 0, 0, 0]);
    let records = ["mes.orders: 0 ready, 0 unacked; 4 published, 4 acked", "broker: has run for 30.0 s"];
    check(&vanished(), &down, &format!("{NEVER_RECEIVED}, gone_with_broker(C)"), &records);
}

#[test]
fn what_had_nowhere_to_go_is_counted() {
    let lost = |more: u64| {
        let before = Broker::default().look_with("12m", "0s", [0, 0, 4, 4], (0, 2));
        before.look_with("14m", "0s", [0, 0, 4, 4], (0, 2 + more))
    };
    let unroutable = format!("{NEVER_RECEIVED}, unroutable(C)");
    check(&vanished(), &lost(1), &unroutable, &["broker: 2 unroutable", "broker: 3 unroutable"]);
    check(
        &vanished(),
        &lost(0),
        &format!("{NEVER_RECEIVED}, never_queued(C)"),
        &["mes.orders: 0 ready, 0 unacked; 4 published, 4 acked"; 2],
    );
    // Two vanished and one had nowhere to go: which of them, the counters do not say.
    let two = format!("{}\n{}", vanished(), of("o-2", &vanished()));
    check(&two, &lost(1), &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
    check(&two, &lost(2), &unroutable, &["broker: 2 unroutable", "broker: 4 unroutable"]);
}

#[test]
fn the_firehose_tells_of_this_very_message() {
    let up = Broker::default().look("12m", "0s", [0, 0, 4, 4]);
    let restarted = |broker: Broker| broker.no_answer("15m").look("17m", "16m30s", [0, 0, 0, 0]).silent("14m50s", "16m30s");
    let queued = up.clone().published("13m1s", "m1", &["mes.orders"]);
    let came = "publish.orders: message m1";
    let again = "broker: has run for 30.0 s";
    check(&vanished(), &restarted(queued.clone()), &format!("{NEVER_RECEIVED}, lost_from_queue(D)"), &[came, again]);
    let handed = queued.clone().handed("13m1s", "m1", false);
    let out = "deliver.mes.orders: message m1";
    check(&vanished(), &restarted(handed.clone()), &format!("{NEVER_RECEIVED}, lost_unacked(D)"), &[came, out, again]);
    check(&vanished(), &handed, &format!("{NEVER_RECEIVED}, delivered_unreceived(D)"), &[came, out]);
    check(&vanished(), &queued, &format!("{NEVER_RECEIVED}, never_delivered(D)"), &[came]);
    let nowhere = up.clone().published("13m1s", "m1", &[]);
    let unroutable = format!("{NEVER_RECEIVED}, unroutable(D)");
    check(&vanished(), &nowhere, &unroutable, &["publish.orders: message m1, routed to no queue"]);
    let other = up.published("12m", "m0", &["mes.orders"]);
    let nothing = "publish: no message order.submitted of this order from here on";
    check(&vanished(), &restarted(other), &format!("{NEVER_RECEIVED}, never_reached_broker(D)"), &[nothing]);
}

#[test]
fn what_was_not_heard_while_nobody_listened_may_have_passed() {
    let nothing_heard = Broker::default().silent("13m", "13m30s");
    check(&vanished(), &nothing_heard, &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
    // The message was under way when the listening ended.
    let cut = Broker::default().silent("13m1s", "13m30s");
    check(&vanished(), &cut, &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
    // The broker took it, and may have handed it out unheard.
    let queued = Broker::default().published("13m1s", "m1", &["mes.orders"]).silent("20m", "21m");
    check(&vanished(), &queued, &format!("{NEVER_RECEIVED}, unconfirmed_vanished(B)"), &[]);
}

#[test]
fn a_failed_sending_is_put_down_to_a_broker_that_was_seen_to_be_away() {
    let failed = with(&until(CALM, "mes-api receives order.submitted"), "crm-api sends order.submitted", "error");
    let hop = "lost, at order.submitted commit-send";
    let away = Broker::default().look("12m", "0s", [0, 0, 4, 4]).no_answer("13m").look("17m", "16m30s", [0, 0, 0, 0]);
    check(&failed, &away, &format!("{hop}, broker_away(C)"), &["broker: does not answer", "broker: has run for 30.0 s"]);
    // It went down some time around the sending: before it, or after?
    let perhaps = Broker::default().look("13m", "0s", [0, 0, 4, 4]).no_answer("14m").look("17m", "16m30s", [0, 0, 0, 0]);
    check(&failed, &perhaps, &format!("{hop}, publish_failed(A)"), &[]);
    // It did not answer whoever looks, but has been up all the time.
    let busy = Broker::default().look("12m", "0s", [0, 0, 4, 4]).no_answer("13m").look("17m", "0s", [0, 0, 4, 4]);
    check(&failed, &busy, &format!("{hop}, publish_failed(A)"), &[]);
}

#[test]
fn news_that_the_broker_never_heard_of_was_not_sent() {
    let unsent = until(CALM, "crm-api sends order.submitted");
    let hop = "lost, at order.submitted commit-send";
    let listening = Broker::default().published("12m", "m0", &["mes.orders"]);
    // Another message of the order with that key was one.
    check(&unsent, &listening, &format!("{hop}, not_published(A)"), &[]);
    let mut strange = listening;
    strange.passages[0].correlation_id = "o-calm".into();
    let nothing = "publish: no message order.submitted of this order from here on";
    check(&unsent, &strange, &format!("{hop}, not_published(D)"), &[nothing]);
    check(&unsent, &strange.silent("1h", "2h"), &format!("{hop}, not_published(A)"), &[]);
}

#[test]
fn a_queue_that_has_an_answer_to_everything_has_had_one_to_this() {
    let cut = without(&until(CALM, "mes-api processes order.submitted"), "settles");
    let hop = "lost, at order.submitted process";
    let first = Broker::default().look("1m", "0s", [0, 0, 0, 0]);
    let balanced = first.clone().look("14m", "0s", [0, 0, 5, 5]);
    let counts = "mes.orders: 0 ready, 0 unacked; 5 published, 5 acked";
    check(&cut, &balanced, &format!("{hop}, acked_unprocessed(C)"), &[counts]);
    let acked = until(CALM, "mes-api processes order.submitted");
    check(&acked, &balanced, &format!("{hop}, acked_unprocessed(C)"), &[counts]);
    // One was refused, or still is out; or the broker began with one that it did not count.
    for counts in [[0, 0, 5, 4], [0, 1, 5, 4]] {
        check(&cut, &first.clone().look("14m", "0s", counts), &format!("{hop}, unprocessed(A)"), &[]);
    }
    let recovered = Broker::default().look("1m", "0s", [1, 0, 0, 0]).look("14m", "0s", [0, 0, 5, 5]);
    check(&cut, &recovered, &format!("{hop}, unprocessed(A)"), &[]);
}

#[test]
fn a_late_message_stood_in_its_queue() {
    let late = crate::trace::later(CALM, "mes-api receives order.submitted", "2h");
    let slow = "slow, at order.submitted transit, queue_wait";
    let full = Broker::default().look("13m", "0s", [1, 1, 5, 3]).look("30m", "0s", [4, 1, 9, 4]).look("1h", "0s", [2, 1, 9, 6]);
    let looks = ["mes.orders: 4 ready, 1 unacked; 9 published, 4 acked", "mes.orders: 2 ready, 1 unacked; 9 published, 6 acked"];
    check(&late, &full, &format!("{slow}(C)"), &looks);
    // Once nothing stood there: then it stood elsewhere.
    check(&late, &full.look("2h", "0s", [0, 1, 9, 8]), &format!("{slow}(A)"), &[]);
    let heard = Broker::default().published("13m1s", "m1", &["mes.orders"]).handed("2h13m2s", "m1", false);
    check(&late, &heard, &format!("{slow}(D)"), &["publish.orders: message m1", "deliver.mes.orders: message m1"]);
    // It went out at once and was on its way to the consumer for hours.
    let wire = Broker::default().published("13m1s", "m1", &["mes.orders"]).handed("13m1s", "m1", false);
    check(&late, &wire, &format!("{slow}(A)"), &[]);
}

#[test]
fn a_repetition_is_the_brokers_or_the_senders() {
    let again = "\n 2h mes-api processes order.submitted m1 SUBMITTED redelivered event=e-2";
    let twice = until(CALM, "mes-api starts") + again;
    let word = "duplicated, at order.submitted process";
    let first = Broker::default().look_with("13m", "0s", [0, 1, 5, 4], (0, 0));
    let counted = first.clone().look_with("3h", "0s", [0, 0, 5, 5], (1, 0));
    let looks = [
        "mes.orders: 0 ready, 1 unacked; 5 published, 4 acked",
        "mes.orders: 0 ready, 0 unacked; 5 published, 5 acked, 1 redelivered",
    ];
    let check_twice = |text: &str, broker: &Broker, cause: &str, records: &[&str]| {
        let finding = finding(text, broker);
        assert!(line(&finding).contains(&format!("{word}, {cause}")), "{}", line(&finding));
        let rests_on: Vec<String> = finding.records.iter().map(|said| format!("{}: {}", said.name, said.says)).collect();
        assert_eq!(rests_on, records);
    };
    let text = later_states(&twice);
    check_twice(&text, &Broker::default(), "redelivered(B)", &[]);
    check_twice(&text, &counted, "redelivered(C)", &looks);
    check_twice(&text, &first.look_with("3h", "0s", [0, 0, 5, 5], (0, 0)), "redelivered(B)", &[]);
    let heard = Broker::default().handed("13m2s", "m1", false).handed("2h", "m1", true);
    check_twice(&text, &heard, "redelivered(D)", &["deliver.mes.orders: message m1, redelivered"]);
    // Spans that do not say so leave it open; the firehose does not.
    let plain = text.replace("redelivered", "");
    check_twice(&plain, &Broker::default(), "repeated(A)", &[]);
    check_twice(&plain, &heard, "redelivered(D)", &["deliver.mes.orders: message m1, redelivered"]);
    let sent = Broker::default().published("13m1s", "m1", &["mes.orders"]).published("1h", "m9", &["mes.orders"]);
    check_twice(&plain, &sent, "published_twice(D)", &["publish.orders: message m1", "publish.orders: message m9"]);
}

/// The rest of a calm life behind a beginning of one's own.
fn later_states(beginning: &str) -> String {
    let rest: Vec<&str> = CALM.lines().skip_while(|line| !line.contains("mes-api  starts")).collect();
    format!("{beginning}\n{}", rest.join("\n"))
}

#[test]
fn nothing_but_cause_tier_and_records_changes() {
    let brokers = [
        Broker::default().look("12m", "0s", [0, 0, 4, 4]).no_answer("15m").look("17m", "16m30s", [0, 0, 0, 0]),
        Broker::default().published("13m1s", "m1", &["mes.orders"]).handed("13m2s", "m1", false).silent("14m", "15m"),
    ];
    for text in CALM.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1).map(up_to) {
        let plain = finding(&text, &Broker::default());
        for broker in &brokers {
            let mut told = finding(&text, broker);
            assert!(told.tier >= plain.tier && told.records.is_empty() == (told.tier < detector::Tier::C), "{told:?}");
            (told.tier, told.cause, told.records) = (plain.tier, plain.cause, Vec::new());
            assert_eq!(told, plain);
        }
    }
}

/// The calm life up to a line.
fn up_to(line: &str) -> String {
    let lines: Vec<&str> = CALM.lines().map(str::trim).take_while(|other| *other != line).collect();
    lines.join("\n")
}

/// The calm life of an order as the firehose shows the messages of a silent CRM.
fn of_a_silent_crm() -> String {
    without(CALM, "crm-api")
}

#[test]
fn what_a_silent_service_sent_and_was_handed_the_firehose_shows() {
    let silent = of_a_silent_crm();
    let alone = |text: &str, broker: &Broker| {
        let mut detector = seen(&spans(&format!("{}\n{text}", of("o-calm", &silent))));
        broker.tell(&mut detector);
        line(&finish(detector, "5h").remove(0))
    };
    // Nothing says that the CRM sent it: it may as well be there still.
    let vanished = until(&silent, "mes-api receives order.submitted");
    assert!(alone(&vanished, &Broker::default()).starts_with("lost, at order.submitted commit-send, alarm"));
    let came = Broker::default().published("13m1s", "m1", &["mes.orders"]);
    let exact = "lost, at order.submitted transit, never_delivered(D), alarm 43m, hops 3/4";
    assert_eq!(alone(&vanished, &came), exact);
    // Nothing came, and somebody listened all the time: it was not sent.
    let mut listening = came;
    listening.passages[0].correlation_id = "o-calm".into();
    let unsent = "lost, at order.submitted commit-send, not_published(D), alarm 43m, hops 2/3";
    assert_eq!(alone(&vanished, &listening), unsent);
    // Whether it was sent while nobody listened, nobody knows; that it was not received is known all the same.
    assert!(alone(&vanished, &listening.silent("13m", "14m")).starts_with("lost, at order.submitted commit-send, alarm"));
}
