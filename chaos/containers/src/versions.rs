//! What really runs: each part's version by its own word, and the machine's. An image's name says only what was asked for.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use testcontainers::bollard::Docker;

use crate::{
    Images, Stack, docker,
    elastic::Elastic,
    management::Management,
    parts::{Started, elasticsearch, jaeger, postgres, rabbitmq, s3, shipper},
    quarters,
};

/// How long one answer may take: nobody waits for a part that does not say it.
const ANSWER: Duration = Duration::from_secs(10);

impl Stack {
    /// The version of everything that the run has used, by its part: what it says itself, where it does, and its image; of the engine
    /// and the kernel, too.
    pub async fn versions(&self) -> BTreeMap<String, String> {
        let (docker, images) = (self.docker(), &self.config().images);
        let parts = join_all(self.foreign_parts().into_iter().map(async |part| {
            let said = said(&docker, part).await;
            (part.part.clone(), told(said, image(images, &part.part)))
        }));
        let mut versions: BTreeMap<String, String> = parts.await.into_iter().collect();
        if let Some(Ok(machine)) = docker::limited(ANSWER, docker.version()).await {
            let of_machine = [("docker", machine.version), ("kernel", machine.kernel_version)];
            versions.extend(of_machine.into_iter().filter_map(|(name, version)| Some((name.to_owned(), version?))));
        }
        versions
    }
}

/// What a part says its version is; `None` where it says nothing.
pub(crate) async fn said(docker: &Docker, part: &Started) -> Option<String> {
    let id = part.id.as_str();
    let prints = async |command: &[&str]| found(&docker::run(docker, id, None, command).await.ok()?);
    let asking = async {
        match part.part.as_str() {
            rabbitmq::NAME => Management::new(docker.clone(), id).version().await.ok(),
            elasticsearch::NAME => Elastic::of(docker, part).await.ok()?.version().await.ok()?,
            // Neither says it over its port. Wherever its binary is, it is what process 1 runs.
            jaeger::NAME => prints(&["/proc/1/exe", "version"]).await,
            s3::NAME => prints(&["/proc/1/exe", "--version"]).await,
            shipper::NAME => prints(&["rsyslogd", "-v"]).await,
            name if name.starts_with(postgres::PREFIX) => {
                quarters::ask(docker, part, ANSWER, "show server_version").await.ok()?.into_iter().next()
            }
            _ => None,
        }
    };
    docker::limited(ANSWER, asking).await.flatten()
}

/// Both in one line.
pub(crate) fn told(said: Option<String>, image: &str) -> String {
    said.map_or_else(|| format!("image {image}"), |said| format!("{said}, image {image}"))
}

/// The first thing in a text that looks like a version: `8.2504.0`, `v2.13.0`.
fn found(text: &str) -> Option<String> {
    let mut words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !".-+~".contains(letter));
    let number = |word: &str| {
        let word = word.strip_prefix('v').unwrap_or(word);
        word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.')
    };
    words.find(|word| number(word)).map(|word| word.trim_start_matches('v').to_owned())
}

/// The image that a part is made of.
fn image<'a>(images: &'a Images, part: &str) -> &'a str {
    match part {
        rabbitmq::NAME => &images.rabbitmq,
        elasticsearch::NAME => &images.elasticsearch,
        jaeger::NAME => &images.jaeger,
        s3::NAME => &images.s3,
        shipper::NAME => &images.shipper,
        _ => &images.postgres,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_a_program_prints_of_itself() {
        let jaeger = r#"{"gitCommit":"","gitVersion":"v2.13.0","buildDate":""}2026/11/27 03:14:43 application version: git-version=v2.13.0"#;
        for (printed, expected) in [
            (jaeger, Some("2.13.0")),
            ("Version  : v1.8.0\nBuild    : norev", Some("1.8.0")),
            ("rsyslogd  8.2504.0 (aka 2025.04) compiled with:", Some("8.2504.0")),
            ("OCI runtime exec failed: exec failed: \"rsyslogd\": executable file not found in $PATH: unknown", None),
            ("", None),
        ] {
            assert_eq!(found(printed).as_deref(), expected, "{printed}");
        }
    }

    #[test]
    fn who_says_nothing_is_known_by_the_image() {
        assert_eq!(told(Some("4.0.5".into()), "rabbitmq:4"), "4.0.5, image rabbitmq:4");
        assert_eq!(told(None, "rabbitmq:4"), "image rabbitmq:4");
    }
}
