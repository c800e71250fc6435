//! Elasticsearch, which keeps the services' logs: one index for each service, environment and day.

use super::{Ready, Recipe};

/// The part's name, also in its host name.
pub(crate) const NAME: &str = "elasticsearch";
/// Its interface.
pub(crate) const PORT: u16 = 9200;
/// It takes documents and is asked for them.
const READY: Ready = Ready::Answers(PORT, "/_cluster/health?wait_for_status=yellow&timeout=1s");
/// A run writes some megabytes. The second compiler gains nothing within minutes, and costs the start seconds.
const JAVA: &str = "-Xms384m -Xmx384m -XX:TieredStopAtLevel=1";
/// It loads a virtual machine and some hundred classes before it says anything.
const PATIENCE: u32 = 3;

/// A server by itself, without passwords: its port is on the loopback address.
pub(crate) fn recipe(image: &str) -> Recipe {
    Recipe { patience: PATIENCE, ..Recipe::new(NAME, image, &[PORT], READY) }
        .set("discovery.type", "single-node")
        .set("xpack.security.enabled", "false")
        .set("xpack.ml.enabled", "false")
        // A full disk is for its owner to see; it shall not stop the logs of a run that writes so little.
        .set("cluster.routing.allocation.disk.threshold_enabled", "false")
        .set("ES_JAVA_OPTS", JAVA)
}
