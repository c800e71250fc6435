//! The way of a run's logs: from the files of its services, by a shipper of its own, to Elasticsearch and back.

use serde_json::Value;
use testcontainers::bollard::{
    Docker, body_full,
    query_parameters::{StartContainerOptions, UploadToContainerOptionsBuilder},
};

use crate::{
    Config, Error,
    docker::{self, Output},
    elastic::Elastic,
    foundation::Foundation,
    parts::{Ground, Started, elasticsearch, service, shipper},
};

/// How the shipper's words about what Elasticsearch does not take begin.
const REFUSED: &str = "refused: ";

/// Where the logs of a run go.
pub struct Shipping {
    docker: Docker,
    elasticsearch: Started,
    shipper: Started,
    /// All indices of the run.
    indices: String,
}

impl Shipping {
    /// Says how logs are kept, and starts the shipper; `None` where nobody writes a log.
    pub(crate) async fn start(
        ground: Ground<'_>,
        foundation: &Foundation,
        (config, run): (&Config, &str),
    ) -> Result<Option<Self>, Error> {
        let Some(elasticsearch) = &foundation.logs else { return Ok(None) };
        Elastic::of(ground.docker, elasticsearch).await?.prepare().await?;
        let recipe = shipper::recipe(&config.images.shipper, elasticsearch, (&config.environment, run));
        let shipper = ground.start(&recipe).await?;
        let (docker, indices) = (ground.docker.clone(), shipper::indices(run));
        Ok(Some(Self { docker, elasticsearch: elasticsearch.clone(), shipper, indices }))
    }

    /// Where Elasticsearch is asked from here.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn address(&self) -> Result<String, Error> {
        service::at(&self.docker, (&self.elasticsearch.id, elasticsearch::PORT)).await
    }

    /// Where the records go: Elasticsearch, and the run's indices there.
    pub(crate) fn target(&self) -> (&Started, &str) {
        (&self.elasticsearch, &self.indices)
    }

    /// The shipper.
    pub(crate) fn part(&self) -> &Started {
        &self.shipper
    }

    /// The question for all records of an order, in their order.
    pub(crate) async fn link(&self, order: &str) -> Result<String, Error> {
        let (base, indices) = (self.address().await?, &self.indices);
        Ok(format!("{base}/{indices}/_search?pretty&size=1000&sort=@timestamp&q=order.id:%22{order}%22"))
    }

    /// How many records Elasticsearch has of the run now.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn arrived(&self) -> Result<u64, Error> {
        self.elastic().await?.count(&self.indices).await
    }

    /// The records that Elasticsearch has of the run now, as they were written.
    pub(crate) async fn records(&self) -> Result<Vec<Value>, Error> {
        self.elastic().await?.records(&self.indices).await
    }

    /// Puts a file of records where the shipper reads. The same records twice are in Elasticsearch once.
    pub(crate) async fn add(&self, file: &str, records: &[u8]) -> Result<(), Error> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(records.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{file}.log"), records).map_err(Error::Shipper)?;
        let archive = archive.into_inner().map_err(Error::Shipper)?;
        let options = UploadToContainerOptionsBuilder::new().path(shipper::FOLDER).build();
        Ok(self.docker.upload_to_container(&self.shipper.id, Some(options), body_full(archive.into())).await?)
    }

    /// Why Elasticsearch did not take a record, the last time that it did not.
    pub(crate) async fn refusal(&self) -> Option<String> {
        let said = docker::written(&self.docker, &self.shipper.id, Output::Stdout).await.ok()?;
        let said = String::from_utf8_lossy(&said);
        let reason = said.lines().rev().find_map(|line| line.strip_prefix(REFUSED))?;
        Some(format!("Elasticsearch refuses records: {reason}"))
    }

    async fn elastic(&self) -> Result<Elastic, Error> {
        Elastic::of(&self.docker, &self.elasticsearch).await
    }

    /// Kills the shipper: for tests of what becomes of the logs then.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn kill_shipper(&self) -> Result<(), Error> {
        Ok(self.docker.kill_container(&self.shipper.id, None).await?)
    }

    /// Starts the shipper again.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn start_shipper(&self) -> Result<(), Error> {
        Ok(self.docker.start_container(&self.shipper.id, None::<StartContainerOptions>).await?)
    }

    /// Lets Elasticsearch take nothing more of this run: for tests of what is said then.
    ///
    /// # Errors
    /// When it does not obey.
    pub async fn refuse(&self) -> Result<(), Error> {
        self.elastic().await?.block(&self.indices, "index.blocks.write").await
    }
}
