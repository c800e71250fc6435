//! Elasticsearch's interface: how logs are kept there, how they are read back, and how a run's are removed.

use std::time::Duration;

use adapters::runtime::wall_clock_ns;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testcontainers::bollard::Docker;

use crate::{
    Error, docker,
    parts::{Started, elasticsearch},
    retention::{self, Fate},
};

const TEMPLATE: &str = include_str!("../config/elk/index-template.json");
const POLICY: &str = include_str!("../config/elk/ilm-policy.json");
/// The name of both.
const LOUPE: &str = "loupe-logs";
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How many records one answer holds at most.
const PAGE: usize = 5_000;
/// The blocks of an index that keep records out: the last one it gets when the disk is full.
const BLOCKS: [&str; 3] = ["write", "read_only", "read_only_allow_delete"];
/// A day, in nanoseconds.
const DAY_NS: u64 = 86_400_000_000_000;

/// One Elasticsearch.
#[derive(Clone)]
pub(crate) struct Elastic {
    client: reqwest::Client,
    base: String,
}

impl Elastic {
    /// The one in a container.
    pub(crate) async fn of(docker: &Docker, part: &Started) -> Result<Self, Error> {
        let port = docker::port(docker, &part.id, elasticsearch::PORT).await?;
        Ok(Self::at(format!("http://127.0.0.1:{port}")))
    }

    fn at(base: String) -> Self {
        Self { client: reqwest::Client::new(), base }
    }

    /// Says how logs are kept: their fields, and for how long. Where the server does not see to that, what is too old is removed now.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        let mut template: Value = serde_json::from_str(TEMPLATE).unwrap_or_default();
        let manages = self.manages_lifecycles().await?;
        if manages {
            let settings = &mut template["template"]["settings"];
            settings["index.lifecycle.name"] = LOUPE.into();
            // An index is as old as the day in its name, whenever its last record came.
            settings["index.lifecycle.parse_origination_date"] = true.into();
        }
        self.done(Method::PUT, &format!("_index_template/{LOUPE}"), Some(template)).await?;
        if manages { Ok(()) } else { self.retain().await }
    }

    /// Whether the server has lifecycle management; then it has the policy now.
    async fn manages_lifecycles(&self) -> Result<bool, Error> {
        let policy = serde_json::from_str(POLICY).unwrap_or_default();
        match self.ask(Method::PUT, &format!("_ilm/policy/{LOUPE}"), Some(policy)).await? {
            (status, _) if status.is_success() => Ok(true),
            (_, answer) if answer["error"].as_str().is_some_and(|error| error.starts_with("no handler found")) => Ok(false),
            (status, answer) => Err(refused(status, &answer)),
        }
    }

    /// The retention of a server that has none of its own.
    async fn retain(&self) -> Result<(), Error> {
        let today = i64::try_from(wall_clock_ns() / DAY_NS).unwrap_or_default();
        for index in self.indices("logs-*").await? {
            match retention::fate(&index, today) {
                Fate::Kept => {}
                Fate::ReadOnly => self.block(&index, "index.blocks.write").await?,
                Fate::Gone => self.delete(&index).await?,
            }
        }
        Ok(())
    }

    /// Puts a block on indices.
    pub(crate) async fn block(&self, indices: &str, block: &str) -> Result<(), Error> {
        self.done(Method::PUT, &format!("{indices}/_settings"), Some(json!({ block: true }))).await.map(drop)
    }

    /// A block that keeps records out of any of the indices, the first by name.
    pub(crate) async fn blocked(&self, indices: &str) -> Result<Option<String>, Error> {
        let settings = self.done(Method::GET, &format!("{indices}/_settings/index.blocks.*?flat_settings=true"), None).await?;
        let of_indices = settings.as_object().into_iter().flat_map(|indices| indices.values());
        let blocks = of_indices.filter_map(|index| index["settings"].as_object()).flatten();
        let keeps_out = |name: &str| BLOCKS.contains(&name.trim_start_matches("index.blocks."));
        Ok(blocks.filter(|(name, on)| keeps_out(name) && *on == "true").map(|(name, _)| name.clone()).min())
    }

    /// Removes all indices that a pattern names: the server takes no pattern for that.
    pub(crate) async fn remove(&self, pattern: &str) -> Result<(), Error> {
        for index in self.indices(pattern).await? {
            self.delete(&index).await?;
        }
        Ok(())
    }

    async fn delete(&self, index: &str) -> Result<(), Error> {
        match self.ask(Method::DELETE, index, None).await? {
            // Somebody else was first.
            (status, _) if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            (status, answer) => Err(refused(status, &answer)),
        }
    }

    /// The version of the node that answers. `GET /` would say it too, but not every distribution of the server has that.
    pub(crate) async fn version(&self) -> Result<Option<String>, Error> {
        let mut said = self.done(Method::GET, "_nodes/_local?filter_path=nodes.*.version", None).await?;
        let node = said["nodes"].as_object_mut().and_then(|nodes| nodes.values_mut().next());
        Ok(node.and_then(|node| node["version"].as_str().map(str::to_owned)))
    }

    /// The names of the indices that a pattern names.
    pub(crate) async fn indices(&self, pattern: &str) -> Result<Vec<String>, Error> {
        let listed = self.done(Method::GET, &format!("_cat/indices/{pattern}?format=json&h=index"), None).await?;
        let rows = listed.as_array().cloned().unwrap_or_default();
        Ok(rows.iter().filter_map(|row| row["index"].as_str().map(str::to_owned)).collect())
    }

    /// How many records there are now, those of the last second too.
    pub(crate) async fn count(&self, pattern: &str) -> Result<u64, Error> {
        self.done(Method::POST, &format!("{pattern}/_refresh"), None).await?;
        let counted = self.done(Method::GET, &format!("{pattern}/_count"), None).await?;
        Ok(counted["count"].as_u64().unwrap_or(0))
    }

    /// All records, as they were written, process by process and in the order of their numbers.
    pub(crate) async fn records(&self, pattern: &str) -> Result<Vec<Value>, Error> {
        let mut records = Vec::new();
        let mut after = Value::Null;
        loop {
            let mut question = json!({
                "size": PAGE,
                "track_total_hits": false,
                // A service that has written nothing yet has an index without fields.
                "sort": [{ "service.node.name": { "unmapped_type": "keyword" } }, { "event.sequence": { "unmapped_type": "long" } }],
            });
            if !after.is_null() {
                question["search_after"] = after;
            }
            let mut answer =
                self.done(Method::POST, &format!("{pattern}/_search?allow_partial_search_results=false"), Some(question)).await?;
            let failed = answer["_shards"]["failed"].as_u64().unwrap_or(0);
            if failed > 0 {
                return Err(Error::Logs(format!("{failed} shards do not answer")));
            }
            let Value::Array(mut hits) = answer["hits"]["hits"].take() else { return Ok(records) };
            let Some(last) = hits.last_mut() else { return Ok(records) };
            after = last["sort"].take();
            records.extend(hits.into_iter().map(|mut hit| hit["_source"].take()));
        }
    }

    /// Asks, and takes nothing for an answer but success. An index that was made a moment ago answers 503 until its shard has started.
    async fn done(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Error> {
        let mut last = None;
        let asking = async {
            loop {
                match self.ask(method.clone(), path, body.clone()).await? {
                    (status, answer) if status.is_success() => return Ok(answer),
                    (status @ StatusCode::SERVICE_UNAVAILABLE, answer) => last = Some(refused(status, &answer)),
                    (status, answer) => return Err(refused(status, &answer)),
                }
                docker::pause().await;
            }
        };
        let asked = docker::limited(ANSWER, asking).await;
        asked.unwrap_or_else(|| Err(last.unwrap_or_else(|| Error::Logs(format!("no answer within {} s", ANSWER.as_secs())))))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value), Error> {
        let silent = |error: reqwest::Error| Error::Logs(format!("no answer ({})", error.without_url()));
        let mut request = self.client.request(method, format!("{}/{path}", self.base)).timeout(ANSWER);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        let text = answer.bytes().await.map_err(silent)?;
        Ok((status, serde_json::from_slice(&text).unwrap_or_else(|_| String::from_utf8_lossy(&text).into())))
    }
}

/// What it said instead.
fn refused(status: StatusCode, answer: &Value) -> Error {
    let reason = answer["error"]["reason"].as_str().map_or_else(|| answer.to_string(), str::to_owned);
    Error::Logs(format!("{status}: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{
        Json, Router,
        extract::State,
        http::{StatusCode as Answered, Uri},
        response::{IntoResponse as _, Response},
    };

    use super::*;

    /// What a server was asked, and whether it manages lifecycles.
    type Asked = Arc<Mutex<Vec<(String, Value)>>>;

    /// As many records as need a second page.
    const RECORDS: u64 = PAGE as u64 + 10;

    async fn answer(
        State((asked, manages)): State<(Asked, bool)>,
        method: axum::http::Method,
        uri: Uri,
        body: String,
    ) -> Response {
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        let path = uri.path().to_owned();
        asked.lock().unwrap().push((format!("{method} {path}"), body.clone()));
        if path.starts_with("/_ilm") && !manages {
            return (Answered::BAD_REQUEST, Json(json!({ "error": "no handler found for uri [/_ilm] and method [PUT]" })))
                .into_response();
        }
        if path.starts_with("/_cat") {
            return Json(json!([{ "index": "logs-crm-api-test-2020.01.01" }, { "index": "logs-crm-api-test-2999.01.01" }]))
                .into_response();
        }
        if path.ends_with("/_settings/index.blocks.*") {
            let blocks = |block: &str, on: &str| json!({ "settings": { (format!("index.blocks.{block}")): on } });
            let shut = path.starts_with("/shut").then(|| blocks("read_only_allow_delete", "true"));
            return Json(json!({ "logs-a": blocks("write", "false"), "logs-b": blocks("metadata", "true"), "logs-c": shut }))
                .into_response();
        }
        if path.starts_with("/full") {
            return (Answered::FORBIDDEN, Json(json!({ "error": { "reason": "read-only" } }))).into_response();
        }
        let starting = asked.lock().unwrap().iter().filter(|(asked, _)| asked.ends_with("_search")).count() == 1;
        if path.ends_with("_search") && starting {
            return (Answered::SERVICE_UNAVAILABLE, Json(json!({ "error": { "reason": "all shards failed" } }))).into_response();
        }
        // Records are numbered, and come in the order of their numbers.
        let after = body["search_after"][1].as_u64().unwrap_or(0);
        let numbers = (after + 1..=RECORDS).take(body["size"].as_u64().and_then(|size| usize::try_from(size).ok()).unwrap_or(0));
        let hits: Vec<Value> =
            numbers.map(|n| json!({ "_source": { "event.sequence": n }, "sort": ["crm-api-1.1", n] })).collect();
        Json(json!({ "_shards": { "failed": 0 }, "hits": { "hits": hits } })).into_response()
    }

    fn with_a_server<F: Future<Output = ()>>(manages: bool, act: impl FnOnce(Elastic, Asked) -> F) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let asked = Asked::default();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let base = format!("http://{}", listener.local_addr().unwrap());
            let router = Router::new().fallback(answer).with_state((Arc::clone(&asked), manages));
            runtime.spawn(async move { axum::serve(listener, router).await });
            act(Elastic::at(base), asked).await;
        });
    }

    #[test]
    fn a_server_that_manages_lifecycles_does_the_retention_itself() {
        with_a_server(true, async |elastic, asked| {
            elastic.prepare().await.unwrap();
            let asked = asked.lock().unwrap().clone();
            let [(policy, _), (template, said)] = &asked[..] else { panic!("{asked:?}") };
            assert_eq!((&**policy, &**template), ("PUT /_ilm/policy/loupe-logs", "PUT /_index_template/loupe-logs"));
            assert_eq!(said["template"]["settings"]["index.lifecycle.name"], "loupe-logs");
        });
    }

    #[test]
    fn for_a_server_that_does_not_what_is_too_old_is_deleted() {
        with_a_server(false, async |elastic, asked| {
            elastic.prepare().await.unwrap();
            let asked = asked.lock().unwrap().clone();
            assert!(asked[1].1["template"]["settings"]["index.lifecycle.name"].is_null(), "it does not know the setting");
            let deleted: Vec<&str> = asked.iter().filter_map(|(asked, _)| asked.strip_prefix("DELETE /")).collect();
            assert_eq!(deleted, ["logs-crm-api-test-2020.01.01"]);
        });
    }

    #[test]
    fn a_block_is_one_that_keeps_records_out() {
        with_a_server(true, async |elastic, _| {
            assert_eq!(elastic.blocked("open").await.unwrap(), None);
            assert_eq!(elastic.blocked("shut").await.unwrap().unwrap(), "index.blocks.read_only_allow_delete");
        });
    }

    #[test]
    fn records_are_read_page_by_page_from_when_the_shards_are_there_and_who_refuses_is_quoted() {
        with_a_server(false, async |elastic, _| {
            let records = elastic.records("logs-*").await.unwrap();
            assert!(records.iter().map(|record| record["event.sequence"].as_u64().unwrap()).eq(1..=RECORDS));
            let refused = elastic.block("full", "index.blocks.write").await.unwrap_err().to_string();
            assert_eq!(refused, "Elasticsearch: 403 Forbidden: read-only");
        });
        let nobody = Elastic::at("http://127.0.0.1:1".to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let silent = runtime.block_on(nobody.records("logs-*")).unwrap_err().to_string();
        assert!(silent.starts_with("Elasticsearch: no answer"), "{silent}");
    }
}
