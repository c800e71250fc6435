//! RabbitMQ's management interface: what is in the queues.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
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
    /// Ready and out unacknowledged.
    #[serde(default)]
    messages: u64,
}

impl Management {
    pub(crate) fn new(docker: Docker, container: impl Into<String>) -> Self {
        Self { docker, container: container.into(), client: reqwest::Client::new() }
    }

    /// Messages in all queues, ready and unacknowledged. With these parameters the queues themselves are asked; without
    /// them it is their statistics, which are up to 5 s old.
    pub(crate) async fn depth(&self) -> Result<u64, Error> {
        let queues: Vec<Queue> = self.get("queues?disable_stats=true&enable_queue_totals=true").await?;
        Ok(queues.iter().map(|queue| queue.messages).sum())
    }

    /// Whether it answers.
    pub(crate) async fn answers(&self) -> bool {
        self.get::<serde_json::Value>("overview").await.is_ok()
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        // The host's port is another one after each start.
        let port = docker::port(&self.docker, &self.container, rabbitmq::MANAGEMENT).await?;
        let failed = |error: reqwest::Error| Error::Management(error.without_url().to_string());
        let request = self.client.get(format!("http://127.0.0.1:{port}/api/{path}"));
        let answer = request.basic_auth(rabbitmq::USER, Some(rabbitmq::USER)).timeout(ANSWER).send().await.map_err(failed)?;
        answer.error_for_status().map_err(failed)?.json().await.map_err(failed)
    }
}
