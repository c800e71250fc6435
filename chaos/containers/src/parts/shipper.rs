//! The light shipper: rsyslog, from the log files of a run's services to Elasticsearch.
//!
//! Each run has its own, so that what happens to one is nobody else's matter; it starts in a second and needs a few megabytes.

use super::{Ready, Recipe, Started, Volume};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "shipper";
/// The folder of the log files, in the services' containers and in its own.
pub(crate) const FOLDER: &str = "/var/log/loupe";
const CONFIG: &str = include_str!("../../config/elk/rsyslog.conf");

/// The file of a service's log.
pub(crate) fn file(service: &str) -> String {
    format!("{FOLDER}/{service}.log")
}

/// The volume that services and shipper share; the run's name is its name.
pub(crate) fn volume(run: &str) -> Volume {
    Volume { name: volume_name(run), folder: FOLDER }
}

/// The name of that volume.
pub(crate) fn volume_name(run: &str) -> String {
    format!("{run}-logs")
}

/// The end of the names of a run's indices, before the day. Two runs share none, so those of one can be removed.
pub(crate) fn space(environment: &str, run: &str) -> String {
    format!("{environment}.{run}")
}

/// All indices of a run, in whatever environment it calls itself.
pub(crate) fn indices(run: &str) -> String {
    format!("logs-*.{run}-*")
}

/// The run that an index belongs to, by name.
pub(crate) fn run(index: &str) -> Option<&str> {
    let (before_day, _) = index.rsplit_once('-')?;
    before_day.rsplit_once('.').map(|(_, run)| run)
}

/// A shipper of a run's logs.
pub(crate) fn recipe(image: &str, elasticsearch: &Started, (environment, run): (&str, &str)) -> Recipe {
    let config = CONFIG
        .replace("ELASTICSEARCH", &elasticsearch.host)
        .replace("ENVIRONMENT", environment)
        .replace("INDEX", &space(environment, run));
    let plain = Recipe::new(NAME, image, &[], Ready::Runs);
    // The image's own command may come with a set-up of its own, for what is sent to it.
    let command = ["rsyslogd", "-n", "-f", "/etc/rsyslog.loupe.conf"].map(str::to_owned).to_vec();
    Recipe { command, files: vec![("/etc/rsyslog.loupe.conf", config)], volume: Some(volume(run)), ..plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_configuration_is_left_open_and_a_run_finds_its_indices() {
        let host = Started { part: "elasticsearch".into(), host: "loupe-es".into(), id: String::new(), took: None };
        let recipe = recipe("rsyslog:1", &host, ("production", "loupe-19a-1"));
        let (_, config) = &recipe.files[0];
        let rules = || config.lines().filter(|line| !line.starts_with('#'));
        assert!(!rules().any(|line| line.contains("ELASTICSEARCH") || line.contains("ENVIRONMENT") || line.contains("INDEX")));
        assert!(rules().any(|line| line.contains(r#"server="loupe-es""#)));
        assert!(rules().any(|line| line.contains(r#""production" == "production""#)));
        assert!(rules().any(|line| line.contains(r#""logs-" & $.service & "-production.loupe-19a-1-" &"#)));
        assert_eq!(indices("loupe-19a-1"), "logs-*.loupe-19a-1-*");
        assert_eq!(run("logs-crm-api-test.loupe-19a-1-2026.11.26"), Some("loupe-19a-1"));
        assert_eq!(run("logs-crm-api-production-2026.11.26"), None);
    }
}
