//! VersityGW: an S3 store over a folder of its container.

use super::{Ready, Recipe};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "s3";
/// Where it listens.
pub(crate) const PORT: u16 = 7070;
/// Access key and secret.
pub(crate) const USER: &str = "loupe";
/// Where it is asked how it is.
const HEALTH: &str = "/health";
/// The folder of its buckets: the image has it.
const FOLDER: &str = "/tmp/vgw";

/// The address of a bucket.
pub(crate) fn url(host: &str, port: u16, bucket: &str) -> String {
    format!("http://{USER}:{USER}@{host}:{port}/{bucket}")
}

/// A store without buckets; each run makes its own.
pub(crate) fn recipe(image: &str) -> Recipe {
    // As arguments, which every version takes alike.
    let command = ["--access", USER, "--secret", USER, "--health", HEALTH, "--quiet", "posix", FOLDER];
    let plain = Recipe::new(NAME, image, &[PORT], Ready::Answers(PORT, HEALTH));
    Recipe { command: command.map(str::to_owned).to_vec(), ..plain }
}
