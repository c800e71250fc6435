//! What scaling keeps, what it divides, and what it refuses.

use std::path::Path;

use super::*;
use crate::load::arrivals;

const SCALE: &str = "[scale]\nmachine = 60\nhuman = 20000\nwindow = \"1h\"\nunstudied = [\"seller\", \"operator\"]\n";
const KILL: &str = "[[fault]]\nkind = \"broker-kill\"\nat = \"1d\"\nfor = \"4m\"\n";

fn scenario(rest: &str) -> Scenario {
    let load = "[[load]]\nactor = \"customer\"\nexecutor = \"constant-arrival-rate\"\nrate = \"60/h\"\n";
    let text = format!("title = \"t\"\nduration = \"3d\"\narchitecture = {{ mes-consumers = 4 }}\n{load}{rest}");
    Scenario::parse(Path::new("t.toml"), text.as_bytes()).unwrap()
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[test]
fn machines_divide_the_timeline_and_people_their_thoughts() {
    let original = scenario(&format!("{KILL}{SCALE}"));
    let scaled = scaled(&original).unwrap();
    assert_eq!(seconds(scaled.duration), 60.0);
    assert_eq!(scaled.load[0].executor, Executor::ConstantArrivalRate { rate: Rate(1.0) });
    assert_eq!((seconds(scaled.pricing.mean), seconds(scaled.pricing.max)), (2.5, 30.0));
    assert_eq!((seconds(scaled.broker.consumer_timeout), seconds(scaled.broker.tick)), (30.0, 1.0));
    assert_eq!(seconds(scaled.people.seller.mean), 0.03);
    assert_eq!(seconds(scaled.people.retry), 1.0);
    assert_eq!((scaled.people.sellers, scaled.people.operators), (original.people.sellers, original.people.operators));
    assert_eq!(seconds(scaled.faults[0].lasts), 4.0);
}

#[test]
fn the_window_lies_around_the_faults() {
    // 56 minutes are left, half of them before: 28 minutes of scenario time.
    let scaled = scaled(&scenario(&format!("{KILL}{SCALE}"))).unwrap();
    assert_eq!(seconds(scaled.faults[0].at), 28.0);
    let near_the_start = scenario(&format!("{}{SCALE}", KILL.replace("1d", "10m")));
    assert_eq!(seconds(super::scaled(&near_the_start).unwrap().faults[0].at), 10.0);
    let near_the_end = scenario(&format!("{}{SCALE}", KILL.replace("1d", "2d 23h 50m")));
    assert_eq!(seconds(super::scaled(&near_the_end).unwrap().faults[0].at), 50.0);
}

#[test]
fn the_window_holds_the_first_faults_and_ends_what_lasts_longer() {
    let apart = format!("{KILL}{}{}{SCALE}", KILL.replace("1d", "1d 30m"), KILL.replace("1d", "2d"));
    let kept: Vec<_> = scaled(&scenario(&apart)).unwrap().faults.iter().map(|fault| seconds(fault.at)).collect();
    assert_eq!(kept, [13.0, 43.0]);
    let longer = scaled(&scenario(&format!("{}{SCALE}", KILL.replace("4m", "2h")))).unwrap();
    assert_eq!((seconds(longer.faults[0].at), seconds(longer.faults[0].lasts)), (0.0, 60.0));
}

#[test]
fn the_window_keeps_the_gaps() {
    let count = f64::from(u32::try_from(arrivals(&scaled(&scenario(&format!("{KILL}{SCALE}"))).unwrap()).count()).unwrap());
    assert!((35.0..85.0).contains(&count), "{count} orders in an hour of 60/h");
}

#[test]
fn a_burst_and_a_ramp_are_cut_where_the_window_ends() {
    let ramp = "[[load]]\nactor = \"api-user\"\nexecutor = \"ramping-arrival-rate\"\nstages = [{ target = \"72/h\", duration = \"3d\" }]\n";
    let burst = "[[load]]\nactor = \"api-user\"\nexecutor = \"burst\"\nat = \"23h 22m\"\ncount = 40\nwithin = \"20m\"\n";
    let scaled = scaled(&scenario(&format!("{ramp}{burst}{KILL}{SCALE}"))).unwrap();
    // The window is 23:32 to 24:32: half of the burst, and the ramp at a bit under and over 24/h.
    let burst = Executor::Burst { at: Duration::ZERO, count: 20, within: Duration::from_secs(10) };
    assert_eq!(scaled.load[2].executor, burst);
    let Executor::RampingArrivalRate { start, stages } = &scaled.load[1].executor else { panic!("a ramp stays a ramp") };
    let hourly = |rate: &Rate| rate.0 * 60.0;
    assert!((hourly(start) - 23.533).abs() < 0.01 && (hourly(&stages[0].target) - 24.533).abs() < 0.01);
    assert_eq!(seconds(stages[0].duration), 60.0);
}

#[test]
fn without_faults_the_first_part_is_kept() {
    let burst = "[[load]]\nactor = \"api-user\"\nexecutor = \"burst\"\nat = \"2d\"\ncount = 40\nwithin = \"20m\"\n";
    let scaled = scaled(&scenario(&format!("{burst}{SCALE}"))).unwrap();
    assert_eq!((scaled.load.len(), seconds(scaled.duration)), (1, 60.0));
}

#[test]
fn a_deadline_is_the_sum_of_its_scaled_hops_and_the_floor() {
    let scaled = scaled(&scenario(SCALE)).unwrap();
    let state = |status| seconds(scaled.sla.states[&status]);
    // All machine: 30 m / 60 + 10 s. All human: 10 d / 20000 + 10 s. Mixed: 7 % of 8 h / 60 + 93 % of 8 h / 20000 + 10 s.
    assert!((state(contracts::Status::PriceCalculated) - 40.0).abs() < 1e-3);
    assert!((state(contracts::Status::ManufacturingCompleted) - 53.2).abs() < 1e-3);
    let lifecycle = crate::lifecycle::Lifecycle::parse(crate::lifecycle::LIFECYCLE).unwrap();
    let approved = lifecycle.state(contracts::Status::ManufacturingApproved);
    let wait = approved.shares.last().map_or(0.0, |(_, share)| *share);
    let expected = 28_800.0 * ((1.0 - wait) / 60.0 + wait / 20_000.0) + 10.0;
    assert!((state(contracts::Status::ManufacturingApproved) - expected).abs() < 1e-3);
    assert!(!scaled.sla.states.contains_key(&contracts::Status::Initiated));
}

#[test]
fn scaled_shares_add_up_and_fit_the_lifecycle() {
    let scaled = scaled(&scenario(SCALE)).unwrap();
    for (state, shares) in &scaled.sla.shares {
        assert!((shares.values().sum::<f64>() - 1.0).abs() < 1e-9, "{state}");
    }
    assert!(scaled.sla.shares.len() >= 4);
    let lifecycle = crate::lifecycle::Lifecycle::for_sla(&scaled.sla).unwrap();
    assert_eq!(lifecycle.deadlines(), scaled.sla.states);
    // The wait for a seller was most of it, and is nearly nothing when people are 333 times faster than machines.
    assert!(scaled.sla.shares[&contracts::Status::ManufacturingApproved]["wait"] < 0.4);
}

#[test]
fn the_promise_keeps_its_ratio_to_the_deadlines() {
    let original = scenario(SCALE);
    let scaled = scaled(&original).unwrap();
    let lifecycle = crate::lifecycle::Lifecycle::parse(crate::lifecycle::LIFECYCLE).unwrap();
    let before: Duration = lifecycle.deadlines().values().sum();
    let after: Duration = scaled.sla.states.values().sum();
    let promise = scaled.sla.promise.map_or(0.0, seconds);
    assert!((promise / seconds(after) - seconds(lifecycle.promise) / seconds(before)).abs() < 1e-3);
}

#[test]
fn a_busier_pool_is_refused_unless_it_is_unstudied() {
    let studied = scenario(&SCALE.replace("\"seller\", ", ""));
    let error = scaled(&studied).unwrap_err().to_string();
    assert_eq!(
        error,
        "t: scaling moves the utilisation of `seller` from 0.50 to 0.00; expected at most 5 % of change, or `seller` under `unstudied`"
    );
    let even = scenario(&SCALE.replace("20000", "60").replace("\"seller\", \"operator\"", ""));
    assert!(scaled(&even).is_ok());
    let nearly = scenario(&SCALE.replace("20000", "62.9").replace("\"seller\", \"operator\"", ""));
    assert!(scaled(&nearly).is_ok());
    let beyond = scenario(&SCALE.replace("20000", "63.2").replace("\"seller\", \"operator\"", ""));
    assert!(matches!(scaled(&beyond), Err(ScaleError::Utilisation { pool: Pool::Seller, .. })));
}

#[test]
fn what_cannot_be_scaled_says_why() {
    let error = |rest: &str| scaled(&scenario(rest)).unwrap_err().to_string();
    assert_eq!(error(""), "t: cannot be scaled; expected a table [scale] with `machine` and `human`");
    let twice = scaled(&scenario(SCALE)).unwrap();
    assert_eq!(scaled(&twice).unwrap_err().to_string(), "t: is scaled already");
}

#[test]
fn thresholds_on_times_and_numbers_follow() {
    let thresholds = "[thresholds]\n\"order_latency{state:PRICE_CALCULATED}\" = [\"p(95)<10m\", \"min>60s\"]\n\
                      orders_closed = [\"count>=3600\"]\nlost_unexposed = [\"count==0\"]\nexposure_recall = [\"rate==1\"]\n";
    let scaled = scaled(&scenario(&format!("{SCALE}{thresholds}"))).unwrap();
    let written: Vec<_> = scaled.thresholds.iter().filter(|one| !one.default).map(|one| one.expression.as_str()).collect();
    assert_eq!(written, ["p(95)<20s", "min>1s", "count>=50", "count==0", "rate==1"]);
}

#[test]
fn services_are_told_scaled_times_and_the_slow_windows() {
    let slow = "[[fault]]\nkind = \"slow-pricing\"\nat = \"1d\"\nfor = \"30m\"\nshare = 0.5\ntakes = \"45m\"\n";
    let original = scenario(&format!("{slow}{SCALE}"));
    let plain = settings(&original);
    assert_eq!((seconds(plain.poll), seconds(plain.reconnect), seconds(plain.confirm_timeout)), (1.0, 5.0, 5.0));
    assert_eq!((plain.early_event.0.as_secs(), plain.early_event.1), (10, 20));
    assert_eq!(plain.pricing.trouble[0].lasts(), Duration::from_secs(2700));
    let scaled = settings(&scaled(&original).unwrap());
    assert_eq!((scaled.poll.as_millis(), scaled.reconnect.as_millis(), scaled.confirm_timeout.as_millis()), (17, 83, 1000));
    assert_eq!(seconds(scaled.pricing.trouble[0].lasts()), 45.0);
    assert_eq!(seconds(scaled.pricing.trouble[0].until) - seconds(scaled.pricing.trouble[0].from), 30.0);
}
