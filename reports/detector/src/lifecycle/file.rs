//! The lifecycle file as it is written: TOML, before anything in it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) schema_version: u32,
    pub(super) promise: Option<String>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) logs: Option<Logs>,
    pub(super) state: Vec<State>,
    #[serde(default)]
    pub(super) message: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    pub(super) order: String,
    pub(super) client_type: Option<String>,
    pub(super) to: String,
    pub(super) event_id: Option<String>,
    pub(super) work_started: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    pub(super) name: String,
    #[expect(dead_code, reason = "whoever owns the state is for people; the detector goes by the service")]
    pub(super) owner: Option<String>,
    pub(super) service: String,
    pub(super) deadline: Option<String>,
    pub(super) after: Option<String>,
    pub(super) wait: Option<String>,
    pub(super) work: Option<String>,
    pub(super) overtaken: Option<u32>,
    #[serde(default)]
    pub(super) share: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) key: String,
    pub(super) announces: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) queue: Option<String>,
    pub(super) parked: Option<String>,
    pub(super) deadline: Option<String>,
}
