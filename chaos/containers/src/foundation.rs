//! What a run stands on: RabbitMQ, a Postgres for each database, an S3 store, Jaeger, and Elasticsearch where there are logs; its own
//! ones, or those of the open stack.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::{try_join_all, try_join5};

use crate::{
    Error, Images,
    parts::{Ground, Recipe, Started, elasticsearch, jaeger, postgres, rabbitmq, s3},
};

/// The parts a run stands on.
pub(crate) struct Foundation {
    pub(crate) broker: Started,
    /// By the name of the database.
    pub(crate) databases: BTreeMap<String, Started>,
    pub(crate) files: Started,
    pub(crate) jaeger: Started,
    /// Elasticsearch, where somebody writes a log.
    pub(crate) logs: Option<Started>,
}

/// What of it is there already.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) broker: Option<Started>,
    /// By the name of the database.
    pub(crate) databases: BTreeMap<String, Started>,
    pub(crate) files: Option<Started>,
    pub(crate) jaeger: Option<Started>,
    pub(crate) logs: Option<Started>,
}

/// What its parts are made of.
pub(crate) struct Plan<'a> {
    pub(crate) images: &'a Images,
    pub(crate) databases: &'a [String],
    /// How often a channel looks for deliveries that are out for too long.
    pub(crate) channel_tick: Option<Duration>,
    /// How many traces Jaeger keeps.
    pub(crate) max_traces: usize,
    /// Whether somebody writes a log.
    pub(crate) logs: bool,
}

impl Plan<'_> {
    pub(crate) fn broker(&self) -> Recipe {
        rabbitmq::recipe(&self.images.rabbitmq, self.channel_tick)
    }

    pub(crate) fn database(&self, name: &str) -> Recipe {
        postgres::recipe(&self.images.postgres, name)
    }

    pub(crate) fn files(&self) -> Recipe {
        s3::recipe(&self.images.s3)
    }

    pub(crate) fn jaeger(&self) -> Recipe {
        jaeger::recipe(&self.images.jaeger, self.max_traces)
    }

    pub(crate) fn logs(&self) -> Option<Recipe> {
        self.logs.then(|| elasticsearch::recipe(&self.images.elasticsearch))
    }

    /// All of them.
    pub(crate) fn recipes(&self) -> Vec<Recipe> {
        let databases = self.databases.iter().map(|name| self.database(name));
        [self.broker(), self.files(), self.jaeger()].into_iter().chain(databases).chain(self.logs()).collect()
    }

    /// Takes what is there and starts the rest, all at once.
    pub(crate) async fn complete(&self, ground: Ground<'_>, found: Found) -> Result<Foundation, Error> {
        let taken = &found.databases;
        let broker = or_start(ground, found.broker, self.broker());
        let files = or_start(ground, found.files, self.files());
        let jaeger = or_start(ground, found.jaeger, self.jaeger());
        let databases = self.databases.iter().map(|name| async move {
            Ok::<_, Error>((name.clone(), or_start(ground, taken.get(name).cloned(), self.database(name)).await?))
        });
        let logs = async {
            match self.logs() {
                Some(recipe) => or_start(ground, found.logs, recipe).await.map(Some),
                None => Ok(None),
            }
        };
        let (broker, databases, files, jaeger, logs) = try_join5(broker, try_join_all(databases), files, jaeger, logs).await?;
        Ok(Foundation { broker, databases: databases.into_iter().collect(), files, jaeger, logs })
    }
}

async fn or_start(ground: Ground<'_>, found: Option<Started>, recipe: Recipe) -> Result<Started, Error> {
    match found {
        Some(started) => Ok(started),
        None => ground.start(&recipe).await,
    }
}
