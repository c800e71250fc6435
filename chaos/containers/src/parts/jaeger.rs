//! Jaeger v2, which keeps the traces in memory.

use super::{Ready, Recipe};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "jaeger";
/// OTLP over HTTP.
pub(crate) const OTLP: u16 = 4318;
/// The query interface, and the one for people.
pub(crate) const QUERY: u16 = 16686;
/// Its state of health.
const HEALTH: u16 = 13133;
const CONFIG: &str = include_str!("../../config/jaeger.yaml");

/// A Jaeger that keeps so many traces; more push out the oldest.
pub(crate) fn recipe(image: &str, max_traces: usize) -> Recipe {
    let config = CONFIG.replace("MAX_TRACES", &max_traces.to_string());
    let plain = Recipe::new(NAME, image, &[OTLP, QUERY, HEALTH], Ready::Answers(HEALTH, "/status"));
    let command = ["--config", "/etc/jaeger/loupe.yaml"].map(str::to_owned).to_vec();
    Recipe { command, files: vec![("/etc/jaeger/loupe.yaml", config)], ..plain }
}
