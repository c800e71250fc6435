//! The images of our own binaries: the services' one, and the fault proxy's.

use std::{path::Path, time::Duration};

use adapters::runtime::wall_clock_ns;
use futures_util::StreamExt as _;
use testcontainers::bollard::{
    Docker, body_full,
    errors::Error as EngineError,
    query_parameters::{BuildImageOptionsBuilder, CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions},
};

use crate::{Config, Error, Images, docker};

const DOCKERFILE: &str = include_str!("../config/Dockerfile");
/// The names of the images; the tag is the hash of what is in one.
const APP: &str = "loupe-app";
const PROXY: &str = "loupe-proxy";
/// The label that says which of the images one is.
const LABEL: &str = "loupe.app";
/// From which age on, in seconds, an image of an earlier binary is removed.
const OLD_S: i64 = 3600;

/// Makes sure that the images of others are here, all at once; those that keep logs only where there are `logs`.
pub(crate) async fn ensure(docker: &Docker, images: &Images, logs: bool, limit: Duration) -> Result<(), Error> {
    let always = [
        (&images.rabbitmq, "LOUPE_IMAGE_RABBITMQ"),
        (&images.postgres, "LOUPE_IMAGE_POSTGRES"),
        (&images.jaeger, "LOUPE_IMAGE_JAEGER"),
        (&images.s3, "LOUPE_IMAGE_S3"),
        (&images.base, "LOUPE_IMAGE_BASE"),
    ];
    let of_logs = [(&images.elasticsearch, "LOUPE_IMAGE_ELASTICSEARCH"), (&images.shipper, "LOUPE_IMAGE_SHIPPER")];
    let wanted = always.into_iter().chain(of_logs.into_iter().filter(|_| logs));
    let pulls = wanted.map(|(image, variable)| have(docker, image, variable, limit));
    futures_util::future::try_join_all(pulls).await.map(drop)
}

/// Makes sure that an image is here; `variable` names another one.
pub(crate) async fn have(docker: &Docker, image: &str, variable: &'static str, limit: Duration) -> Result<(), Error> {
    match docker.inspect_image(image).await {
        Ok(_) => Ok(()),
        Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => {
            let no_image = |reason| Error::NoImage { image: image.to_owned(), variable, reason };
            match docker::limited(limit, pull(docker, image)).await {
                Some(pulled) => pulled.map_err(no_image),
                None => Err(no_image(format!("not pulled within {} s", limit.as_secs()))),
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn pull(docker: &Docker, image: &str) -> Result<(), String> {
    let options = CreateImageOptionsBuilder::new().from_image(image).build();
    let mut progress = Box::pin(docker.create_image(Some(options), None, None));
    while let Some(step) = progress.next().await {
        step.map_err(|error| match error {
            EngineError::DockerResponseServerError { message, .. } => message,
            other => other.to_string(),
        })?;
    }
    Ok(())
}

/// The image of the services: there, or built now.
pub(crate) async fn app(docker: &Docker, config: &Config) -> Result<String, Error> {
    if config.roles.is_empty() {
        return Ok(String::new());
    }
    of(docker, config, (APP, &config.app)).await
}

/// The image of the fault proxy: there, or built now; `None` where the run needs none.
pub(crate) async fn proxy(docker: &Docker, config: &Config) -> Result<Option<String>, Error> {
    match &config.proxy {
        Some(binary) => of(docker, config, (PROXY, binary)).await.map(Some),
        None => Ok(None),
    }
}

async fn of(docker: &Docker, config: &Config, (name, path): (&'static str, &Path)) -> Result<String, Error> {
    let no_app = |source| Error::NoApp { path: path.display().to_string(), source };
    let binary = tokio::fs::read(path).await.map_err(no_app)?;
    let mut hash = world::random::name(DOCKERFILE) ^ world::random::mix(world::random::name(&config.images.base));
    for chunk in binary.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = world::random::mix(hash ^ u64::from_le_bytes(word));
    }
    let image = format!("{name}:{hash:016x}");
    if docker.inspect_image(&image).await.is_ok() {
        return Ok(image);
    }
    build(docker, config, (name, &image), &binary).await?;
    remove_others(docker, (name, &image)).await;
    Ok(image)
}

/// What the image is built from.
fn context(binary: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    // An empty file: a folder comes into an image with what is in it.
    for (name, mode, content) in
        [("Dockerfile", 0o644, DOCKERFILE.as_bytes()), ("binary", 0o755, binary), ("logs/.keep", 0o644, &[])]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        archive.append_data(&mut header, Path::new(name), content)?;
    }
    archive.into_inner()
}

async fn build(docker: &Docker, config: &Config, (name, image): (&str, &str), binary: &[u8]) -> Result<(), Error> {
    let context = context(binary).map_err(|error| Error::Build { reason: error.to_string() })?;
    // The classic builder: engines without BuildKit have it too.
    let options = BuildImageOptionsBuilder::new()
        .dockerfile("Dockerfile")
        .t(image)
        .buildargs(&[("BASE", config.images.base.as_str())].into_iter().collect())
        .labels(&[(LABEL, name)].into_iter().collect())
        .rm(true)
        .forcerm(true)
        .build();
    let mut progress = Box::pin(docker.build_image(options, None, Some(body_full(context.into()))));
    while let Some(step) = progress.next().await {
        let step = step.map_err(|error| Error::Build { reason: error.to_string() })?;
        if let Some(reason) = step.error_detail.and_then(|detail| detail.message) {
            return Err(Error::Build { reason });
        }
    }
    Ok(())
}

/// Images of earlier binaries go, but those that a run still uses (the engine refuses to remove them) or may be about to.
async fn remove_others(docker: &Docker, (name, image): (&str, &str)) {
    let filters = [("label", vec![format!("{LABEL}={name}")])].into_iter().collect();
    let listed = docker.list_images(Some(ListImagesOptionsBuilder::new().filters(&filters).build())).await;
    let old_s = i64::try_from(wall_clock_ns() / 1_000_000_000).unwrap_or(i64::MAX) - OLD_S;
    for other in listed.unwrap_or_default().iter().filter(|found| found.created < old_s).flat_map(|found| &found.repo_tags) {
        if other != image {
            drop(docker.remove_image(other, None::<RemoveImageOptions>, None).await);
        }
    }
}
