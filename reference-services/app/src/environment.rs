//! The configuration of a process, from its environment.
//!
//! | variable | meaning |
//! |---|---|
//! | `LOUPE_SETTINGS` | the settings of the services, JSON |
//! | `LOUPE_SEED` | the seed of the run; when it begins is told later, at the control address |
//! | `LOUPE_RUN` | the run's id: with the service's name and instance it tells whose a span is |
//! | `LOUPE_INSTANCE` | which instance of the service; 1 |
//! | `LOUPE_STARTS` | a file of the container that counts the starts of its process; without it this is the first |
//! | `LOUPE_AMQP_URL`, `LOUPE_DATABASE_URL`, `LOUPE_S3_URL`, `LOUPE_SERVICES` | where the parts are; the services as JSON, by name |
//! | `LOUPE_OTLP_URL` | where the spans go; without it there are none |
//! | `LOUPE_PROPAGATE` | whether trace contexts are passed on; `true` |
//! | `LOUPE_LOGS` | whether a log is written; `true` |
//! | `LOUPE_LOG_FILE` | a file that the log is written to as well, for a shipper; without it there is none |
//! | `LOUPE_ENVIRONMENT` | what the log calls the place it runs at: `production`, `test`; where it is set to anything but `production` there are DEBUG records too |
//! | `LOUPE_LISTEN`, `LOUPE_CONTROL` | own addresses; ports 8080 and 8081 |
//! | `LOUPE_DATABASE` | what faults call the database |
//! | `LOUPE_BACK_MS`, `LOUPE_LEGACY`, `LOUPE_EPOCH_NS` | set by an incarnation that dies of a fault, for the next one: when it comes back, what it has to know of the faults, when the run began |
//! | `LOUPE_GRACE_MS` | how long what is at work may take to finish after SIGTERM, milliseconds; 5000 |

use std::{
    fmt::Display,
    io::ErrorKind,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use adapters::{http::Calls, node::Config};
use anyhow::{Context as _, Result, anyhow};
use contracts::{Settings, message::EVENT_ID_HEADER};
use world::Node;

/// How long any answer of another service may take, price calculations apart.
const ANSWER: Duration = Duration::from_secs(60);

/// What a process is told.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Of its ports.
    pub(crate) config: Config,
    /// Of its service.
    pub(crate) settings: Settings,
    /// How long what is at work may take to finish when the process is to end.
    pub(crate) grace: Duration,
    /// What the incarnation before left, when it died of a fault, and when the run began.
    pub(crate) legacy: Option<(String, u64)>,
}

/// When a process that died of a fault comes back, in milliseconds.
pub(crate) const BACK: &str = "LOUPE_BACK_MS";
/// What it left to the next incarnation.
pub(crate) const LEGACY: &str = "LOUPE_LEGACY";
/// When the run began.
pub(crate) const EPOCH: &str = "LOUPE_EPOCH_NS";

/// How long this incarnation stays away at first.
pub(crate) fn away() -> Option<Duration> {
    variable(BACK)?.parse().ok().map(Duration::from_millis)
}

/// Reads the configuration of a role.
pub(crate) fn read(role: &'static str) -> Result<Environment> {
    parse(role, variable)
}

#[expect(clippy::disallowed_methods, reason = "process 1 of a container is configured by its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn parse(role: &'static str, variable: impl Fn(&str) -> Option<String>) -> Result<Environment> {
    let needed = |name: &str| variable(name).with_context(|| format!("{name} is not set"));
    let settings: Settings = serde_json::from_str(&needed("LOUPE_SETTINGS")?).context("LOUPE_SETTINGS")?;
    let node = Node {
        service: role,
        instance: value(&variable, "LOUPE_INSTANCE", Some(1))?,
        incarnation: variable("LOUPE_STARTS").map_or(Ok(1), |path| started(path.as_ref()))?,
    };
    let config = Config {
        node,
        seed: value(&variable, "LOUPE_SEED", None)?,
        run: needed("LOUPE_RUN")?,
        amqp_url: needed("LOUPE_AMQP_URL")?,
        database_url: variable("LOUPE_DATABASE_URL"),
        database: variable("LOUPE_DATABASE").unwrap_or_default(),
        otlp_url: variable("LOUPE_OTLP_URL"),
        propagate: value(&variable, "LOUPE_PROPAGATE", Some(true))?,
        logs: value(&variable, "LOUPE_LOGS", Some(true))?,
        log_file: variable("LOUPE_LOG_FILE").map(PathBuf::from),
        environment: variable("LOUPE_ENVIRONMENT"),
        s3_url: needed("LOUPE_S3_URL")?,
        services: serde_json::from_str(&needed("LOUPE_SERVICES")?).context("LOUPE_SERVICES")?,
        listen: value(&variable, "LOUPE_LISTEN", Some(([0, 0, 0, 0], 8080).into()))?,
        control: value(&variable, "LOUPE_CONTROL", Some(([0, 0, 0, 0], 8081).into()))?,
        calls: Calls {
            limit: ANSWER + settings.pricing.longest(),
            keep_alive: value(&variable, "LOUPE_KEEP_ALIVE", Some(true))?,
        },
        event_id_header: EVENT_ID_HEADER,
    };
    let grace = Duration::from_millis(value(&variable, "LOUPE_GRACE_MS", Some(5_000))?);
    let legacy = match variable(LEGACY) {
        Some(left) => Some((left, value(&variable, EPOCH, None)?)),
        None => None,
    };
    Ok(Environment { config, settings, grace, legacy })
}

/// Counts one more start of this process. What died with the one before must not be taken for this one's.
fn started(path: &Path) -> Result<u32> {
    let before = match std::fs::read_to_string(path) {
        Ok(text) => text.trim().parse().with_context(|| format!("{} holds no number: {text}", path.display()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    };
    let this: u32 = before + 1;
    std::fs::write(path, this.to_string()).with_context(|| path.display().to_string())?;
    Ok(this)
}

/// A variable that is parsed; `default` where it is not set.
fn value<T>(variable: impl Fn(&str) -> Option<String>, name: &str, default: Option<T>) -> Result<T>
where
    T: FromStr<Err: Display>,
{
    match (variable(name), default) {
        (Some(text), _) => text.parse().map_err(|error| anyhow!("{name}={text}: {error}")),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(anyhow!("{name} is not set")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        architecture::Preset,
        settings::{PartnerLimits, PricingTimes},
    };

    fn environment(name: &str) -> Option<String> {
        let second = Duration::from_secs(1);
        let settings = Settings {
            architecture: Preset::ToBe.architecture(),
            pricing: PricingTimes { mean: second, max: 90 * second, trouble: Vec::new() },
            partner: PartnerLimits { model_bytes: 1 << 20 },
            poll: second,
            reconnect: second,
            confirm_timeout: second,
            early_event: (second, 3),
        };
        let text = match name {
            "LOUPE_SETTINGS" => serde_json::to_string(&settings).unwrap(),
            "LOUPE_SEED" => "7".into(),
            "LOUPE_RUN" => "r-1".into(),
            "LOUPE_AMQP_URL" => "amqp://broker".into(),
            "LOUPE_S3_URL" => "http://loupe:loupe@s3/models".into(),
            "LOUPE_SERVICES" => r#"{"mes":"http://mes:8080"}"#.into(),
            _ => return None,
        };
        Some(text)
    }

    #[test]
    fn a_service_waits_as_long_as_a_calculation_takes() {
        let Environment { config, settings, grace, legacy } = parse("mes-api", environment).unwrap();
        assert_eq!(legacy, None);
        assert_eq!(config.node, Node::first("mes-api"));
        assert_eq!((config.seed, config.calls.limit), (7, Duration::from_secs(150)));
        assert_eq!((config.listen.port(), config.control.port(), config.otlp_url), (8080, 8081, None));
        assert_eq!((settings.architecture, grace), (Preset::ToBe.architecture(), Duration::from_secs(5)));
    }

    #[test]
    fn each_start_of_a_process_is_another_incarnation() {
        let path = std::env::temp_dir().join(format!("loupe-starts-test-{}", std::process::id()));
        assert_eq!((started(&path).unwrap(), started(&path).unwrap()), (1, 2));
        std::fs::write(&path, "x").unwrap();
        assert!(started(&path).unwrap_err().to_string().contains("holds no number: x"));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let missing = parse("mes", |name| environment(name).filter(|_| name != "LOUPE_S3_URL")).unwrap_err();
        assert_eq!(missing.to_string(), "LOUPE_S3_URL is not set");
        let wrong = parse("mes", |name| if name == "LOUPE_SEED" { Some("x".into()) } else { environment(name) }).unwrap_err();
        assert_eq!(wrong.to_string(), "LOUPE_SEED=x: invalid digit found in string");
    }
}
