//! The truth about hand-made ledgers: each hop an order can be lost at, and each deadline's last good and first bad nanosecond.

use std::{sync::Arc, time::Duration};

use contracts::Status;
use faults::{Effect, End, Fault, Outcome as Sent, What};

use super::{classify, last_open_deadline};
use crate::{
    actors::intents::{Outcome, Who},
    ledger::{
        Account, FaultRun, Ledger, RowState,
        sample::{DAY, EPOCH, HOUR, MINUTE, Order},
    },
    lifecycle::{LIFECYCLE, Lifecycle, Side},
    truth::{Class, Truth},
};

fn lifecycle() -> Lifecycle {
    Lifecycle::parse(LIFECYCLE).unwrap()
}

fn truth(ledger: &Ledger) -> Truth {
    classify(ledger, &lifecycle(), Duration::ZERO).remove(0)
}

fn said(truth: &Truth) -> (Class, Option<&str>) {
    (truth.class, truth.hop.as_deref())
}

impl Order {
    fn truth(self) -> Truth {
        truth(&self.ledger())
    }

    /// Lost at this hop.
    fn lost_at(self) -> String {
        let truth = self.truth();
        assert_eq!(truth.class, Class::Lost);
        truth.hop.unwrap()
    }
}

#[test]
fn an_order_that_comes_to_its_end_in_time_is_fine() {
    let truth = Order::closed().truth();
    assert_eq!(said(&truth), (Class::Ok, None));
    assert_eq!((truth.since_ns, truth.borderline, truth.journey.len()), (None, false, 0));
    assert_eq!((truth.initiated_ns, truth.closed_ns.is_some()), (EPOCH, true));
}

#[test]
fn an_order_that_people_have_given_up_is_stuck_where_they_stopped() {
    let mut delivered = Order::closed();
    delivered.account.shop.pop();
    let cases = [
        (Order::new().enters(Status::Initiated, 0), "FILE_UPLOADED wait", HOUR),
        (Order::new().enters(Status::Initiated, 0).enters(Status::FileUploaded, MINUTE), "SUBMITTED wait", 4 * HOUR),
        (Order::priced().told(Status::PriceCalculated), "MANUFACTURING_APPROVED wait", 8 * HOUR),
        (delivered, "CLOSED wait", 8 * DAY),
    ];
    for (order, hop, deadline) in cases {
        let order = order.means(Who::Seller, Status::ManufacturingApproved, Outcome::GivenUp);
        let entered_ns = order.account.shop.iter().chain(&order.account.mes).map(|step| step.to).max().unwrap();
        let entered_ns = order.account.entered(lifecycle().state(entered_ns).side, entered_ns).unwrap();
        let truth = order.truth();
        assert_eq!(said(&truth), (Class::Stuck, Some(hop)));
        assert_eq!(truth.since_ns, Some(entered_ns + deadline), "the first deadline that passed");
    }
}

#[test]
fn an_order_whose_event_was_not_published_is_lost_before_the_broker() {
    assert_eq!(Order::submitted().lost_at(), "order.submitted commit-send");
    let failed = || Order::submitted().publishes(Status::Submitted, 1, Sent::Failed, End::NotSent);
    assert_eq!(failed().lost_at(), "order.submitted commit-send");
    let again = failed().publishes(Status::Submitted, 1, Sent::Written, End::Lost);
    assert_eq!(again.lost_at(), "order.submitted transit");
}

#[test]
fn an_order_whose_message_vanished_is_lost_in_transit() {
    for end in [End::Lost, End::Unroutable] {
        let order = Order::priced().publishes(Status::PriceCalculated, 1, Sent::Written, end);
        assert_eq!(order.lost_at(), "order.price_calculated transit");
    }
}

#[test]
fn an_order_whose_message_came_and_was_not_handled_is_lost_in_processing() {
    for end in [End::Acked, End::Rejected, End::Lost] {
        let order = Order::submitted().publishes(Status::Submitted, 1, Sent::Written, end).delivered(1);
        assert_eq!(order.lost_at(), "order.submitted process");
    }
}

#[test]
fn an_order_nobody_calculates_is_lost_at_its_price() {
    let taken_in = || Order::submitted().told(Status::Submitted);
    assert_eq!(taken_in().lost_at(), "pricing work-wait");
    assert_eq!(taken_in().begins_to_calculate("running").lost_at(), "pricing work");
    assert_eq!(taken_in().begins_to_calculate("abandoned").lost_at(), "pricing work");
}

#[test]
fn the_first_message_that_blocks_the_rest_is_to_blame() {
    // The factory goes on; the CRM refuses everything after the message that it never got.
    let order = Order::priced()
        .told(Status::PriceCalculated)
        .enters(Status::ManufacturingApproved, 1)
        .told(Status::ManufacturingApproved)
        .enters(Status::ManufacturingStarted, 1)
        .publishes(Status::ManufacturingStarted, 1, Sent::Written, End::Lost)
        .enters(Status::ManufacturingCompleted, 4 * DAY)
        .publishes(Status::ManufacturingCompleted, 1, Sent::Written, End::Rejected)
        .delivered(1);
    let last = order.now;
    let truth = order.truth();
    assert_eq!(said(&truth), (Class::Lost, Some("order.manufacturing_started transit")));
    assert_eq!(truth.since_ns, Some(last), "its last sign of life");
}

#[test]
fn a_message_that_a_later_one_made_up_for_blocks_nothing() {
    let mut order = Order::closed();
    order.account.shop.retain(|step| step.to != Status::Packaging && step.to != Status::Closed);
    assert_eq!(said(&order.truth()), (Class::Stuck, Some("CLOSED wait")));
}

#[test]
fn a_deadline_met_to_the_nanosecond_is_met() {
    // From PRICE_CALCULATED to MANUFACTURING_APPROVED: three seconds for the message, the rest for the seller.
    let approval = 8 * HOUR - 3_000_000_000;
    assert_eq!(said(&Order::made(approval).truth()), (Class::Ok, None));
    let late = Order::made(approval + 1).truth();
    assert_eq!(said(&late), (Class::Slow, Some("MANUFACTURING_APPROVED wait")));
    let priced_ns = Order::priced().now;
    assert_eq!(late.since_ns, Some(priced_ns + 8 * HOUR));
    assert_eq!(late.journey.len(), 31);
}

#[test]
fn the_hop_that_exceeds_its_share_by_most_is_to_blame() {
    let cases = [
        ([20 * MINUTE, 1, 1], 11 * MINUTE, "order.submitted commit-send"),
        ([1, 20 * MINUTE, 1], 11 * MINUTE, "order.submitted transit"),
        ([1, 1, 20 * MINUTE], 11 * MINUTE, "order.submitted process"),
        ([1, 10 * MINUTE, 1], 25 * MINUTE, "pricing work"),
        // 12 of 7.5 minutes in transit, 19 of 12 minutes of work.
        ([1, 12 * MINUTE, 1], 19 * MINUTE, "pricing work"),
        ([1, 13 * MINUTE, 1], 18 * MINUTE, "pricing work"),
        ([1, 14 * MINUTE, 1], 17 * MINUTE, "order.submitted transit"),
    ];
    for (message, work, hop) in cases {
        let order = Order::submitted().told_after(Status::Submitted, message).calculated(work);
        assert_eq!(said(&finish(order).truth()), (Class::Slow, Some(hop)), "{message:?} {work}");
    }
}

/// Everything after the price, in good time.
fn finish(order: Order) -> Order {
    let mut order = order.told(Status::PriceCalculated).enters(Status::ManufacturingApproved, MINUTE);
    for (status, after) in [
        (Status::ManufacturingStarted, HOUR),
        (Status::ManufacturingCompleted, DAY),
        (Status::Packaging, HOUR),
        (Status::Shipped, HOUR),
        (Status::Closed, DAY),
    ] {
        let before = status.previous().unwrap();
        order = order.told(before).enters(status, after);
    }
    order
}

#[test]
fn an_order_that_waits_for_a_calculator_is_slow_there() {
    let mut order = Order::submitted().told(Status::Submitted);
    order.now += 29 * MINUTE;
    let order = order.calculated(2 * MINUTE);
    assert_eq!(said(&finish(order).truth()), (Class::Slow, Some("pricing work-wait")));
}

#[test]
fn the_delivery_that_led_to_the_record_ends_the_transit() {
    let mut order =
        Order::submitted().publishes(Status::Submitted, 1, Sent::Written, End::Acked).delivered(1).delivered(28 * MINUTE);
    order.now += 1;
    let order = order.records(Side::Mes, Status::Submitted).delivered(MINUTE).calculated(2 * MINUTE);
    let truth = finish(order).truth();
    assert_eq!(said(&truth), (Class::Slow, Some("order.submitted transit")));
    let transit = truth.journey.iter().find(|hop| hop.0 == "order.submitted transit").unwrap();
    assert_eq!(transit.2.unwrap() - transit.1, 28 * MINUTE + 1);
}

#[test]
fn a_message_with_a_deadline_of_its_own_can_be_late_though_no_state_is() {
    let order = |transit| {
        let mut order = finish(Order::priced());
        // The CRM learns of the begin later; nothing else waits for it.
        for step in order.account.shop.iter_mut().filter(|step| step.to == Status::ManufacturingStarted) {
            step.at_ns += transit;
        }
        let message = order.account.messages.iter_mut().find(|message| message.announces == Status::ManufacturingStarted);
        message.unwrap().deliveries[0].at_ns += transit;
        order
    };
    let spare = 30 * MINUTE - 3_000_000_000;
    assert_eq!(said(&order(spare).truth()), (Class::Ok, None));
    assert_eq!(said(&order(spare + 1).truth()), (Class::Slow, Some("order.manufacturing_started transit")));
}

#[test]
fn when_only_the_promise_is_broken_the_hop_with_the_largest_excess_is_to_blame() {
    let mut tight = lifecycle();
    let ledger = Order::closed().ledger();
    let took = Duration::from_nanos(ledger.orders[0].shop.last().unwrap().at_ns - EPOCH);
    tight.promise = took;
    assert_eq!(classify(&ledger, &tight, Duration::ZERO)[0].class, Class::Ok);
    tight.promise = took - Duration::from_nanos(1);
    let truth = classify(&ledger, &tight, Duration::ZERO).remove(0);
    // No hop exceeds its share: the one that comes nearest has the smallest share, and of equals the first is told.
    assert_eq!(said(&truth), (Class::Slow, Some("order.submitted commit-send")));
    assert_eq!(truth.since_ns, Some(EPOCH + u64::try_from(tight.promise.as_nanos()).unwrap()));
}

#[test]
fn a_state_recorded_twice_is_a_duplicate_at_the_hop_that_led_there() {
    let calculated_twice = finish(Order::priced()).records(Side::Mes, Status::PriceCalculated).truth();
    assert_eq!(said(&calculated_twice), (Class::Duplicated, Some("pricing work")));
    let handled_twice = finish(Order::priced()).records(Side::Shop, Status::Packaging);
    let second = handled_twice.now;
    let truth = handled_twice.truth();
    assert_eq!(said(&truth), (Class::Duplicated, Some("order.packaging process")));
    assert_eq!(truth.since_ns, Some(second));
}

#[test]
fn a_closed_order_that_the_factory_knows_otherwise_has_diverged() {
    let mut order = Order::closed();
    order.account.mes_row = Some(RowState { status: Status::Packaging, version: 8, claimed: false });
    assert_eq!(order.truth().class, Class::Diverged);
}

#[test]
fn the_worst_that_is_true_is_told() {
    let slow_start = || Order::submitted().told_after(Status::Submitted, [HOUR, 1, 1]).calculated(MINUTE);
    assert_eq!(finish(slow_start()).truth().class, Class::Slow);
    let twice = finish(slow_start()).records(Side::Mes, Status::PriceCalculated);
    assert_eq!(twice.truth().class, Class::Duplicated);
    let lost = slow_start().records(Side::Mes, Status::PriceCalculated);
    assert_eq!(said(&lost.truth()), (Class::Lost, Some("order.price_calculated commit-send")));
}

#[test]
fn an_order_that_somebody_can_still_move_is_not_lost() {
    let waits: [fn() -> Order; 5] = [
        || Order::submitted().means(Who::Customer, Status::Submitted, Outcome::Open),
        || Order::submitted().publishes(Status::Submitted, 1, Sent::Written, End::Ready),
        || Order::submitted().told(Status::Submitted).begins_to_calculate("queued"),
        || Order::priced().told(Status::PriceCalculated),
        || {
            let mut order = Order::submitted();
            order.account.shop_row.as_mut().unwrap().claimed = false;
            order
        },
    ];
    for (index, order) in waits.into_iter().enumerate() {
        let at = |after| {
            let order = order();
            let end_ns = order.now + after;
            Ledger { unsettled: Some("something".into()), end_ns, ..order.ledger() }
        };
        assert_eq!(truth(&at(1)).class, Class::InFlight, "{index}: within its deadlines");
        assert_eq!(truth(&at(9 * HOUR)).class, Class::Stuck, "{index}: beyond them");
    }
}

#[test]
fn what_nobody_can_move_is_lost_in_an_unsettled_run_too() {
    let crashed = Order::submitted().told(Status::Submitted).begins_to_calculate("running");
    let ledger = Ledger { unsettled: Some("another order".into()), ..crashed.ledger() };
    assert_eq!(said(&truth(&ledger)), (Class::Lost, Some("pricing work")));
}

#[test]
fn an_order_on_its_way_that_was_late_before_is_slow() {
    let order = Order::submitted().told_after(Status::Submitted, [HOUR, 1, 1]).calculated(MINUTE).told(Status::PriceCalculated);
    let end_ns = order.now + 1;
    let ledger = Ledger { unsettled: Some("a seller".into()), end_ns, ..order.ledger() };
    assert_eq!(said(&truth(&ledger)), (Class::Slow, Some("order.submitted commit-send")));
}

#[test]
fn within_the_clocks_error_of_a_deadline_an_order_is_borderline() {
    let error = Duration::from_nanos(5);
    let borderline = |off: i64| {
        let approval = (8 * HOUR - 3_000_000_000).checked_add_signed(off).unwrap();
        let truth = classify(&Order::made(approval).ledger(), &lifecycle(), error).remove(0);
        (truth.class, truth.borderline)
    };
    assert_eq!(borderline(-6), (Class::Ok, false));
    assert_eq!(borderline(-5), (Class::Ok, true));
    assert_eq!(borderline(5), (Class::Slow, true));
    assert_eq!(borderline(6), (Class::Slow, false));
}

#[test]
fn the_faults_that_hit_an_order_are_those_whose_effects_name_it() {
    let mut ledger = Order::submitted().ledger();
    let effect = |fault: &str, order_id: Option<&str>| Effect {
        fault: fault.into(),
        at_ns: EPOCH,
        what: What::MessageLost { message_id: "m-1".into(), queue: "mes.orders".into() },
        order_id: order_id.map(str::to_owned),
        hop: None,
    };
    ledger.effects = vec![
        effect("broker-kill@2", Some("o-1.1-1")),
        effect("broker-kill@1", Some("o-1.1-1")),
        effect("broker-kill@1", Some("o-1.1-1")),
        effect("broker-kill@3", Some("o-1.1-2")),
        effect("broker-kill@4", None),
    ];
    assert_eq!(truth(&ledger).faults, ["broker-kill@1", "broker-kill@2"]);
}

#[test]
fn the_last_open_deadline_is_that_of_the_orders_that_are_not_at_their_end() {
    let lifecycle = lifecycle();
    assert_eq!(last_open_deadline(&Order::closed().ledger(), &lifecycle), None);
    // Submitted after 13 minutes, and the price is due within 30.
    assert_eq!(last_open_deadline(&Order::submitted().ledger(), &lifecycle), Some(EPOCH + 43 * MINUTE));
    let late = Order::new().enters(Status::Initiated, 0).enters(Status::Shipped, 20 * DAY);
    assert_eq!(last_open_deadline(&late.ledger(), &lifecycle), Some(EPOCH + 28 * DAY));
}

#[test]
fn after_a_kill_those_who_come_later_have_the_time_to_say_that_an_order_got_on() {
    let mut ledger = Order::submitted().ledger();
    let kind = faults::CONSUMER_KILL.with("service", "mes-api");
    let fault = Fault { name: "consumer-kill@1".into(), kind, at: Duration::ZERO, lasts: Duration::from_secs(1) };
    ledger.faults = vec![FaultRun { fault, inflicted_ns: EPOCH, lifted_ns: EPOCH }];
    assert_eq!(last_open_deadline(&ledger, &lifecycle()), Some(EPOCH + 13 * MINUTE + HOUR / 2 + 8 * HOUR));
}

#[test]
fn an_order_that_was_never_created_is_no_order() {
    let mut ledger = Order::closed().ledger();
    let order_ref: Arc<str> = "c-000002".into();
    ledger.orders.push(Account::new(order_ref, "".into()));
    assert_eq!(classify(&ledger, &lifecycle(), Duration::ZERO).len(), 1);
}

impl Order {
    /// Somebody writes the row of the shop as it was in a state.
    fn set_back(mut self, status: Status) -> Self {
        self.account.shop_row = Some(RowState { status, version: status as i64 + 1, claimed: false });
        self
    }
}

#[test]
fn an_order_whose_row_was_set_back_stands_where_nobody_finds_it() {
    let priced = Order::priced().told(Status::PriceCalculated).set_back(Status::FileUploaded).truth();
    assert_eq!(said(&priced), (Class::Stuck, Some("MANUFACTURING_APPROVED wait")));
    let unclaimed = Order::submitted().set_back(Status::FileUploaded);
    assert_eq!(unclaimed.lost_at(), "order.submitted commit-send");
    let refused = || Order::priced().publishes(Status::PriceCalculated, MINUTE, Sent::Written, End::Acked).delivered(1);
    assert_eq!(refused().set_back(Status::FileUploaded).lost_at(), "order.price_calculated process");
}

#[test]
fn a_row_behind_its_own_history_proves_a_lost_update() {
    let lost = |order: Order| order.truth().proof.update_lost;
    let priced = || Order::priced().told(Status::PriceCalculated);
    assert!(!lost(priced()), "the row is where its history says");
    assert!(lost(priced().set_back(Status::Submitted)));
}

#[test]
fn a_price_that_was_told_and_never_recorded_is_lost_where_it_should_have_been() {
    let told = Order::submitted()
        .told(Status::Submitted)
        .begins_to_calculate("abandoned")
        .told(Status::PriceCalculated)
        .enters(Status::ManufacturingApproved, MINUTE)
        .publishes(Status::ManufacturingApproved, 1, Sent::Written, End::Acked)
        .delivered(1);
    let truth = told.truth();
    assert_eq!(said(&truth), (Class::Lost, Some("pricing work")));
    assert!(truth.proof.phantom);
    let healed = Order::priced().told(Status::PriceCalculated).truth();
    assert!(!healed.proof.phantom);
}
