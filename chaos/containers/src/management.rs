//! RabbitMQ's management interface: virtual hosts, and what is in their queues.

use std::{collections::BTreeSet, time::Duration};

use faults::Resource;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use testcontainers::bollard::Docker;

use crate::{Error, docker, parts::rabbitmq};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// The management interface of one RabbitMQ.
#[derive(Clone)]
pub(crate) struct Management {
    docker: Docker,
    container: String,
    client: reqwest::Client,
}

/// A queue as the interface shows it.
#[derive(Debug, Deserialize)]
struct Queue {
    name: String,
    /// Ready and out unacknowledged.
    #[serde(default)]
    messages: u64,
}

/// A message that was taken out of a queue.
#[derive(Debug, Deserialize)]
struct Taken {
    properties: Properties,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(default)]
    message_id: String,
}

/// What binds a queue to an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Binding {
    pub(crate) source: String,
    destination: String,
    pub(crate) routing_key: String,
    /// The key as it stands in addresses.
    properties_key: String,
}

#[derive(Debug, Deserialize)]
struct VirtualHost {
    name: String,
}

/// What the broker is short of: nothing, or something by name.
#[derive(Debug, Deserialize)]
struct Alarms {
    #[serde(default)]
    alarms: Vec<Alarm>,
}

#[derive(Debug, Deserialize)]
struct Alarm {
    resource: String,
}

#[derive(Debug, Deserialize)]
struct Overview {
    rabbitmq_version: String,
    erlang_version: String,
}

impl Management {
    pub(crate) fn new(docker: Docker, container: impl Into<String>) -> Self {
        Self { docker, container: container.into(), client: reqwest::Client::new() }
    }

    /// Makes a virtual host, to which the user has all rights.
    pub(crate) async fn make_virtual_host(&self, name: &str) -> Result<(), Error> {
        self.ask(Method::PUT, &format!("vhosts/{name}"), Some(json!({}))).await?;
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        self.ask(Method::PUT, &format!("permissions/{name}/{}", rabbitmq::USER), Some(all)).await.map(drop)
    }

    /// How long a delivery may stay unacknowledged in a virtual host.
    pub(crate) async fn limit_consumers(&self, virtual_host: &str, timeout: Duration) -> Result<(), Error> {
        let definition = json!({ "consumer-timeout": u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX) });
        let policy = json!({ "pattern": ".*", "apply-to": "queues", "definition": definition });
        self.ask(Method::PUT, &format!("policies/{virtual_host}/consumer-timeout"), Some(policy)).await.map(drop)
    }

    /// What binds queues to exchanges.
    pub(crate) async fn bindings(&self, virtual_host: &str) -> Result<Vec<Binding>, Error> {
        let all: Vec<Binding> = self.get(&format!("bindings/{virtual_host}")).await?;
        // The one without a source binds each queue to the default exchange by its own name.
        Ok(all.into_iter().filter(|binding| !binding.source.is_empty()).collect())
    }

    /// Takes a binding away.
    pub(crate) async fn unbind(&self, virtual_host: &str, binding: &Binding) -> Result<(), Error> {
        let path = format!("{}/{}", between(virtual_host, binding), binding.properties_key);
        self.ask(Method::DELETE, &path, None).await.map(drop)
    }

    /// Binds again.
    pub(crate) async fn bind(&self, virtual_host: &str, binding: &Binding) -> Result<(), Error> {
        let key = json!({ "routing_key": binding.routing_key });
        self.ask(Method::POST, &between(virtual_host, binding), Some(key)).await.map(drop)
    }

    /// Lays a policy upon a queue, above the one for all queues.
    pub(crate) async fn set_policy(
        &self,
        virtual_host: &str,
        (name, queue): (&str, &str),
        definition: Value,
    ) -> Result<(), Error> {
        let pattern = format!("^{}$", queue.replace('.', "\\."));
        let policy = json!({ "pattern": pattern, "apply-to": "queues", "priority": 1, "definition": definition });
        self.ask(Method::PUT, &format!("policies/{virtual_host}/{name}"), Some(policy)).await.map(drop)
    }

    /// Takes a policy away.
    pub(crate) async fn remove_policy(&self, virtual_host: &str, name: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("policies/{virtual_host}/{name}"), None).await.map(drop)
    }

    /// Throws away what is ready in a queue.
    pub(crate) async fn purge(&self, virtual_host: &str, queue: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, &format!("queues/{virtual_host}/{queue}/contents"), None).await.map(drop)
    }

    /// Switches the firehose of a virtual host on: `rabbitmqctl trace_on`. It is off after each start of the broker.
    pub(crate) async fn trace(&self, virtual_host: &str) -> Result<(), Error> {
        self.ask(Method::PUT, &format!("vhosts/{virtual_host}"), Some(json!({ "tracing": true }))).await.map(drop)
    }

    /// Removes a virtual host and whoever is connected to it, where there is one.
    pub(crate) async fn remove_virtual_host(&self, name: &str) -> Result<(), Error> {
        match self.send(Method::DELETE, &format!("vhosts/{name}"), None).await? {
            answer if answer.status() == StatusCode::NOT_FOUND => Ok(()),
            answer => answer.error_for_status().map(drop).map_err(failed),
        }
    }

    /// The names of all virtual hosts.
    pub(crate) async fn virtual_hosts(&self) -> Result<Vec<String>, Error> {
        let all: Vec<VirtualHost> = self.get("vhosts?columns=name").await?;
        Ok(all.into_iter().map(|one| one.name).collect())
    }

    /// Messages in the queues of a virtual host that somebody consumes, ready and unacknowledged. With these parameters the queues
    /// themselves are asked; without them it is their statistics, which are up to 5 s old.
    pub(crate) async fn depth(&self, virtual_host: &str, parking: &[String]) -> Result<u64, Error> {
        let path = format!("queues/{virtual_host}?disable_stats=true&enable_queue_totals=true");
        let queues: Vec<Queue> = self.get(&path).await?;
        let moves = |queue: &&Queue| queue.name != rabbitmq::FIREHOSE && !parking.contains(&queue.name);
        Ok(queues.iter().filter(moves).map(|queue| queue.messages).sum())
    }

    /// The ids of the messages that are ready in a queue. They are taken out and put back where they were: for a queue that nobody
    /// consumes.
    pub(crate) async fn waiting(&self, virtual_host: &str, queue: &str) -> Result<Vec<String>, Error> {
        let all = json!({ "count": u32::MAX, "ackmode": "ack_requeue_true", "encoding": "auto", "truncate": 1 });
        let path = format!("queues/{virtual_host}/{queue}/get");
        let taken: Vec<Taken> = self.ask(Method::POST, &path, Some(all)).await?.json().await.map_err(failed)?;
        Ok(taken.into_iter().map(|message| message.properties.message_id).collect())
    }

    /// The alarms that it has raised.
    pub(crate) async fn alarms(&self) -> Result<BTreeSet<Resource>, Error> {
        // With alarms the answer is 503, and says which.
        let answer = self.send(Method::GET, "health/checks/local-alarms", None).await?;
        let Alarms { alarms } = answer.json().await.map_err(failed)?;
        let resource = |alarm: Alarm| match &*alarm.resource {
            "memory" => Some(Resource::Memory),
            resource if resource.starts_with("disk") => Some(Resource::Disk),
            _ => None,
        };
        Ok(alarms.into_iter().filter_map(resource).collect())
    }

    /// The broker's version, and that of the Erlang that it runs on.
    pub(crate) async fn version(&self) -> Result<String, Error> {
        let Overview { rabbitmq_version, erlang_version } = self.get("overview").await?;
        Ok(format!("{rabbitmq_version}, Erlang {erlang_version}"))
    }

    /// Whether it answers.
    pub(crate) async fn answers(&self) -> bool {
        self.version().await.is_ok()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.ask(Method::GET, path, None).await?.json().await.map_err(failed)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<reqwest::Response, Error> {
        self.send(method, path, body).await?.error_for_status().map_err(failed)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<reqwest::Response, Error> {
        // The host's port may be another one after each start.
        let port = docker::port(&self.docker, &self.container, rabbitmq::MANAGEMENT).await?;
        let request = self.client.request(method, format!("http://127.0.0.1:{port}/api/{path}"));
        let request = request.basic_auth(rabbitmq::USER, Some(rabbitmq::USER)).timeout(ANSWER);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        request.send().await.map_err(failed)
    }
}

fn between(virtual_host: &str, binding: &Binding) -> String {
    format!("bindings/{virtual_host}/e/{}/q/{}", binding.source, binding.destination)
}

fn failed(error: reqwest::Error) -> Error {
    Error::Management(error.without_url().to_string())
}
