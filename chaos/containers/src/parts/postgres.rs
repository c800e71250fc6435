//! A PostgreSQL for each database.

use super::{Ready, Recipe};
use crate::docker::Output;

/// Where it listens.
pub(crate) const PORT: u16 = 5432;
/// User and password of the harness, a superuser.
const USER: &str = "loupe";
/// User and password of the services. They own a run's databases and nothing else.
pub(crate) const SERVICES: &str = "services";
/// The database that is there before any run comes.
pub(crate) const MAINTENANCE: &str = "postgres";
/// What it says on stderr when it is ready; on stdout the set-up's own server says it too.
const READY: Ready = Ready::Says(Output::Stderr, "database system is ready to accept connections");
/// Each run's services have up to 40 to the busier server; and the harness can still look when somebody has taken all that are theirs.
const CONNECTIONS: &str = "max_connections=350";
const RESERVED: &str = "superuser_reserved_connections=50";
/// How each line of its log begins: with the time, and the database that it is about.
const PREFIXED: &str = "log_line_prefix=%n %d ";

/// How the parts' names begin.
pub(crate) const PREFIX: &str = "postgres-";

/// The part's name for a database, also in its host name.
pub(crate) fn name(database: &str) -> String {
    format!("{PREFIX}{database}")
}

/// The address of a database from here, for the harness.
pub(crate) fn from_here(port: u16, database: &str) -> String {
    url(USER, ("127.0.0.1", port), database)
}

/// The address of a database, for one of the two users.
pub(crate) fn url(user: &str, (host, port): (&str, u16), database: &str) -> String {
    format!("postgres://{user}:{user}@{host}:{port}/{database}")
}

/// The server for a database; the run makes that itself.
pub(crate) fn recipe(image: &str, database: &str) -> Recipe {
    let plain = Recipe::new(name(database), image, &[PORT], READY);
    let command = ["-c", CONNECTIONS, "-c", RESERVED, "-c", PREFIXED].map(str::to_owned).to_vec();
    let role = format!("create role {SERVICES} login password '{SERVICES}';");
    // The set-up of the image runs it once, before the server is there for anybody.
    let files = vec![("/docker-entrypoint-initdb.d/services.sql", role)];
    Recipe { command, files, ..plain }.set("POSTGRES_USER", USER).set("POSTGRES_PASSWORD", USER).set("POSTGRES_DB", MAINTENANCE)
}
