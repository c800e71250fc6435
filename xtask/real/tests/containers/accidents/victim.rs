//! A run of this process, found from outside, and what happens to its parts.

use std::{process::Command, thread, time::Duration};

use tokio_postgres::{Client, NoTls, error::SqlState};

use crate::gate;

/// From when its services are there to the accident: orders are under way.
const UNDER_WAY: Duration = Duration::from_secs(4);
/// A run whose services are there.
pub(super) struct Victim {
    run: String,
}

impl Victim {
    /// Waits for the run of a seed, and until it is in its middle.
    #[expect(clippy::disallowed_methods, reason = "a real container is waited for in real time")]
    pub(super) fn find(seed: u64) -> Self {
        let own = format!("-{:x}", std::process::id());
        for _ in 0..240 {
            thread::sleep(Duration::from_millis(500));
            let listed = docker(&["ps", "--quiet", "--filter", "label=loupe.part=crm-api"]);
            for container in listed.lines() {
                let format = "{{index .Config.Labels \"loupe.run\"}} {{.Config.Env}}";
                let shown = docker(&["inspect", "--format", format, container]);
                let Some((run, environment)) = shown.split_once(' ') else { continue };
                if run.ends_with(&own) && environment.contains(&format!("LOUPE_SEED={seed} ")) {
                    thread::sleep(UNDER_WAY);
                    return Self { run: run.to_owned() };
                }
            }
        }
        panic!("no run of seed {seed}");
    }

    /// A part of its own.
    fn part(&self, part: &str) -> String {
        format!("loupe-{}-{part}", self.run)
    }

    /// Jaeger's process dies and comes back at once.
    pub(super) fn restart_jaeger(&self) {
        docker(&["restart", "-t", "0", &self.part("jaeger")]);
    }

    /// What RabbitMQ has free is less than it wants, for good.
    pub(super) fn fill_the_brokers_disk(&self) {
        let broker = self.part("rabbitmq");
        docker(&["exec", "--user", "rabbitmq", &broker, "rabbitmqctl", "--quiet", "set_disk_free_limit", "9999GB"]);
    }

    /// The run's indices get the block that Elasticsearch gives to all of a full disk, again and again as long as the run goes on: on a
    /// crowded machine they come late, and Elasticsearch takes the block away as soon as it sees that there is room.
    #[expect(clippy::disallowed_methods, reason = "a real server is left alone for a moment in real time")]
    pub(super) fn shut_elasticsearch(&self) {
        // Of the open stack, where there is one.
        let own = self.part("elasticsearch");
        let shared = gate::variable("LOUPE_STACK").map(|stack| format!("loupe-{stack}-elasticsearch"));
        let running = docker(&["ps", "--format", "{{.Names}}"]);
        let elasticsearch = if running.lines().any(|name| name == own) { own } else { shared.unwrap() };
        let indices = format!("http://{}/logs-*.loupe-{}-*", address(&elasticsearch, 9200), self.run);
        let mut last = Err("the run was over".to_owned());
        while self.goes_on() {
            let shut = gate::block_on(gate::full_disk(&indices, true));
            last = last.or(shut);
            thread::sleep(Duration::from_millis(200));
        }
        last.expect("the indices are there once");
    }

    /// Whether its first service is still there.
    fn goes_on(&self) -> bool {
        !docker(&["ps", "--quiet", "--filter", &format!("name=^{}$", self.part("crm-api"))]).is_empty()
    }

    /// Somebody takes every connection to the factory's database that is not kept for a superuser, those of its services too, and keeps them
    /// until there is no server any more.
    pub(super) fn take_all_connections(&self) {
        let address = address(&self.part("postgres-mes"), 5432);
        let url = |user: &str| format!("postgres://{user}:{user}@{address}/postgres");
        gate::block_on(async {
            let superuser = connect(&url("loupe")).await.unwrap();
            let mut taken = Vec::new();
            while !superuser.is_closed() {
                match connect(&url("services")).await {
                    Ok(client) => taken.push(client),
                    Err(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) => {
                        let end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'mes%'";
                        drop(superuser.simple_query(end).await);
                        rest().await;
                    }
                    Err(_) => rest().await,
                }
            }
            assert!(taken.len() > 200, "{}: who had the others?", taken.len());
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "a real server is left alone for a moment in real time")]
async fn rest() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[expect(clippy::disallowed_methods, reason = "a real connection is no node of the world")]
async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    drop(tokio::spawn(connection));
    Ok(client)
}

/// Where the host reaches a port of a container.
fn address(container: &str, port: u16) -> String {
    let printed = docker(&["port", container, &port.to_string()]);
    printed.lines().next().unwrap_or_else(|| panic!("{container} has no port {port}")).to_owned()
}

/// What `docker` printed; empty when it failed.
fn docker(args: &[&str]) -> String {
    String::from_utf8(Command::new("docker").args(args).output().unwrap().stdout).unwrap()
}
