//! How long lists take, by how large the table is that they look through, and who is named for it.

use contracts::architecture::Preset;
use harness::{conclude, options::WorldName, prepare};
use judge::report::{RequestRow, WaitsFor};
use scenarios::Scenario;

use crate::{played, root};

/// The operators' list in the scenario of the library, changed: while no fault lasted, with 1,000 rows more and with 100,000.
fn list(change: impl FnOnce(&mut Scenario)) -> [RequestRow; 3] {
    let library = Scenario::library(root()).unwrap();
    let mut scenario = library.into_iter().find(|scenario| scenario.name == "slow-list").unwrap();
    change(&mut scenario);
    let prepared = prepare::prepared(scenario.clone(), false, true).unwrap();
    let judged = conclude::judged(&prepared, &played(scenario), WorldName::Simulated).unwrap();
    let rows = judged.report.requests.into_iter().filter(|row| row.service == "mes-api" && row.route == "GET /orders");
    let rows: Vec<RequestRow> = rows.collect();
    assert_eq!(
        rows.iter().map(|row| row.during.as_deref()).collect::<Vec<_>>(),
        [None, Some("table-grown@1"), Some("table-grown@2")]
    );
    rows.try_into().unwrap()
}

#[test]
fn without_an_index_the_list_is_slow_by_the_size_of_its_table_and_the_database_is_named() {
    let [calm, small, large] = list(|_| ());
    assert!(small.p95_s <= calm.p95_s + 0.001, "{small:?}");
    assert!((0.028..0.040).contains(&large.p95_s) && large.p50_s >= 0.028, "100,000 rows take 28 ms at least: {large:?}");
    assert_eq!(large.waits_for, WaitsFor::Database);
    assert!(large.database > 0.9, "{large:?}");
}

#[test]
fn an_index_makes_the_size_of_the_table_no_matter() {
    let rows = list(|scenario| scenario.architecture.list_index = true);
    assert!(rows.iter().all(|row| row.p95_s == rows[0].p95_s), "{rows:?}");
    let to_be = list(|scenario| *scenario = scenario.clone().with_architecture(Preset::ToBe));
    assert!(to_be.iter().all(|row| row.p95_s < 0.005), "{to_be:?}");
}
